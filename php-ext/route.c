/* SPDX-License-Identifier: Apache-2.0 */
/* A route's handler and its arguments: worked out once, when the route is registered, so that a
 * request only copies values into place, and so that a handler that can never be called is refused
 * at startup. */
#include "route.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

#include "class_request.h"
#include "php_viaduct.h"

/* ---- what a handler's parameters look like --------------------------------------------------- */

struct signature {
    const zend_function *function;
    uint32_t count; /* without a variadic one */
    bool variadic;
};

static const char *parameter_name(const struct signature *signature, uint32_t number)
{
    const zend_arg_info *info = &signature->function->common.arg_info[number];
    if (signature->function->type == ZEND_USER_FUNCTION) {
        return ZSTR_VAL(info->name);
    }
    return ((const zend_internal_arg_info *)info)->name;
}

static bool is_request_class(const zend_string *name)
{
    return zend_string_equals_literal_ci(name, "Viaduct\\Request");
}

static bool type_names_request(zend_type type)
{
    if (ZEND_TYPE_HAS_NAME(type)) {
        return is_request_class(ZEND_TYPE_NAME(type));
    }
    if (ZEND_TYPE_HAS_LIST(type)) {
        const zend_type *member;
        ZEND_TYPE_LIST_FOREACH(ZEND_TYPE_LIST(type), member)
        {
            if (ZEND_TYPE_HAS_NAME(*member) && is_request_class(ZEND_TYPE_NAME(*member))) {
                return true;
            }
        }
        ZEND_TYPE_LIST_FOREACH_END();
    }
    return false;
}

static bool type_takes_any_object(zend_type type)
{
    return !ZEND_TYPE_IS_SET(type) || (ZEND_TYPE_PURE_MASK(type) & MAY_BE_OBJECT);
}

static uint8_t scalar_type(zend_type type)
{
    uint32_t mask = ZEND_TYPE_PURE_MASK(type);
    if (!ZEND_TYPE_IS_SET(type) || ZEND_TYPE_IS_COMPLEX(type) || (mask & MAY_BE_STRING)) {
        return IS_STRING;
    }
    if (mask & MAY_BE_LONG) {
        return (mask & MAY_BE_DOUBLE) ? IS_DOUBLE : IS_LONG;
    }
    return (mask & MAY_BE_DOUBLE) ? IS_DOUBLE : IS_STRING;
}

static int name_index(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- matching them with the path --------------------------------------------------------------
 */

struct mapping {
    struct signature signature;
    const char *const *names; /* of the path's parameters */
    size_t name_count;
    struct vd_argument *arguments; /* [signature.count + 1 + name_count] */
    uint32_t argument_count;
    bool used[VD_ROUTE_PARAMETERS_MAX];
    bool request_given;
};

static zend_type type_of(const struct mapping *mapping, uint32_t number)
{
    return mapping->signature.function->common.arg_info[number].type;
}

static void assign_path(struct mapping *mapping, uint32_t argument, uint32_t path_parameter)
{
    uint8_t type =
        argument < mapping->signature.count ? scalar_type(type_of(mapping, argument)) : IS_STRING;
    mapping->arguments[argument] =
        (struct vd_argument){VD_ARGUMENT_PATH, (uint8_t)path_parameter, type};
    mapping->used[path_parameter] = true;
    if (mapping->argument_count <= argument) {
        mapping->argument_count = argument + 1;
    }
}

static void assign_request(struct mapping *mapping, uint32_t argument)
{
    mapping->arguments[argument] = (struct vd_argument){.source = VD_ARGUMENT_REQUEST};
    mapping->request_given = true;
    if (mapping->argument_count <= argument) {
        mapping->argument_count = argument + 1;
    }
}

static void map_by_type_and_name(struct mapping *mapping)
{
    for (uint32_t i = 0; i < mapping->signature.count; i++) {
        int number =
            name_index(mapping->names, mapping->name_count, parameter_name(&mapping->signature, i));
        if (type_names_request(type_of(mapping, i))) {
            assign_request(mapping, i);
        } else if (number >= 0) {
            assign_path(mapping, i, (uint32_t)number);
        }
    }
    if (!mapping->request_given && mapping->signature.count > 0 &&
        mapping->arguments[0].source == VD_ARGUMENT_DEFAULT &&
        type_takes_any_object(type_of(mapping, 0))) {
        assign_request(mapping, 0);
    }
    if (!mapping->request_given && mapping->signature.count == 0 && mapping->signature.variadic) {
        assign_request(mapping, 0);
    }
}

static void map_the_rest(struct mapping *mapping)
{
    uint32_t argument = 0;
    for (uint32_t i = 0; i < mapping->name_count; i++) {
        if (mapping->used[i]) {
            continue;
        }
        while (argument < mapping->signature.count &&
               mapping->arguments[argument].source != VD_ARGUMENT_DEFAULT) {
            argument++;
        }
        if (argument < mapping->signature.count) {
            assign_path(mapping, argument, i);
        } else if (mapping->signature.variadic) {
            uint32_t next = mapping->argument_count > mapping->signature.count
                                ? mapping->argument_count
                                : mapping->signature.count;
            assign_path(mapping, next, i);
        }
    }
}

static bool map_is_complete(const struct mapping *mapping, const zend_string *label)
{
    for (uint32_t i = 0; i < mapping->signature.function->common.required_num_args; i++) {
        if (mapping->arguments[i].source == VD_ARGUMENT_DEFAULT) {
            zend_throw_exception_ex(spl_ce_InvalidArgumentException, 0,
                                    "%s: the handler requires parameter $%s, which is neither the "
                                    "Request nor one of the path's {parameters}",
                                    ZSTR_VAL(label), parameter_name(&mapping->signature, i));
            return false;
        }
    }
    return true;
}

static bool map_arguments(struct vd_php_route *route, const zend_function *function,
                          const char *const *names, size_t name_count)
{
    if (function && function->type == ZEND_INTERNAL_FUNCTION && !function->common.arg_info) {
        function = NULL; /* $object->method(...) by __call(), which takes whatever there is */
    }
    struct mapping mapping = {
        .signature = {.function = function,
                      .count = function ? function->common.num_args : 0,
                      .variadic =
                          !function || (function->common.fn_flags & ZEND_ACC_VARIADIC) != 0},
        .names = names,
        .name_count = name_count,
    };
    mapping.arguments =
        ecalloc(mapping.signature.count + 1 + name_count, sizeof(*route->arguments));
    map_by_type_and_name(&mapping);
    map_the_rest(&mapping);
    route->arguments = mapping.arguments;
    route->argument_count = mapping.argument_count;
    return !function || map_is_complete(&mapping, route->label);
}

bool vd_php_route_init(struct vd_php_route *route, const zend_fcall_info *fci,
                       const zend_fcall_info_cache *fcc, zend_string *label,
                       const char *const *names, size_t name_count)
{
    memset(route, 0, sizeof(*route));
    vd_callable_init(&route->handler, fci, fcc);
    route->label = label;
    if (!map_arguments(route, route->handler.fcc.function_handler, names, name_count)) {
        vd_php_route_finish(route);
        return false;
    }
    return true;
}

void vd_php_route_finish(struct vd_php_route *route)
{
    vd_callable_finish(&route->handler);
    if (route->label) {
        zend_string_release(route->label);
    }
    if (route->arguments) {
        efree(route->arguments);
    }
    memset(route, 0, sizeof(*route));
}

/* ---- a request's values -----------------------------------------------------------------------
 */

/* "42" is an int, " 42", "4e1" and "42 " are not. */
static bool number_from(struct vd_text text, uint8_t wanted, zval *value)
{
    zend_long whole;
    double fraction;
    char copy[64]; /* PHP's parser wants a NUL behind the digits */
    if (text.length == 0 || text.length >= sizeof(copy) || strchr(" \t\n\r\v\f+", text.bytes[0]) ||
        strchr(" \t\n\r\v\f", text.bytes[text.length - 1])) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    uint8_t type = is_numeric_string(copy, text.length, &whole, &fraction, false);
    if (type == IS_LONG && wanted == IS_LONG) {
        ZVAL_LONG(value, whole);
        return true;
    }
    if (wanted == IS_DOUBLE && (type == IS_LONG || type == IS_DOUBLE)) {
        ZVAL_DOUBLE(value, type == IS_LONG ? (double)whole : fraction);
        return true;
    }
    return false;
}

static bool path_value(struct vd_text text, uint8_t type, zval *value)
{
    if (type != IS_STRING) {
        return number_from(text, type, value);
    }
    ZVAL_STRINGL_FAST(value, text.bytes, text.length);
    return true;
}

bool vd_php_route_arguments(const struct vd_php_route *route, const struct vd_route_match *match,
                            const struct vd_worker_request *request, zval *request_object,
                            zval *arguments)
{
    for (uint32_t i = 0; i < route->argument_count; i++) {
        const struct vd_argument *argument = &route->arguments[i];
        ZVAL_UNDEF(&arguments[i]);
        if (argument->source == VD_ARGUMENT_REQUEST) {
            if (Z_ISUNDEF_P(request_object)) {
                vd_php_request_create(request_object, request);
            }
            ZVAL_COPY(&arguments[i], request_object);
        } else if (argument->source == VD_ARGUMENT_PATH &&
                   !path_value(match->parameters[argument->number].value, argument->type,
                               &arguments[i])) {
            while (i-- > 0) {
                zval_ptr_dtor(&arguments[i]);
            }
            return false;
        }
    }
    return true;
}
