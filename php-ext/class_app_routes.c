/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\App: routes and streams, and what stands around them: before(), after(), error(). */
#include "class_app.h"

#include <zend_smart_str.h>

#include "php_viaduct.h"

/* ---- routes -----------------------------------------------------------------------------------
 */

static bool route_enter(struct vd_php_app *app, const char *methods, const zend_string *path,
                        uint32_t number)
{
    struct vd_error error = {0};
    if (strlen(ZSTR_VAL(path)) != ZSTR_LEN(path)) {
        zend_argument_value_error(1, "must not contain NUL bytes");
        return false;
    }
    enum vd_err code = vd_router_add(app->router, methods, ZSTR_VAL(path), number, &error);
    if (code == VD_ERR_EXISTS) {
        zend_argument_value_error(1, "is taken: %s %s has a handler already", methods,
                                  ZSTR_VAL(path));
    } else if (code != VD_OK) {
        zend_argument_value_error(1, "is no route: %s", error.text);
    }
    return code == VD_OK;
}

/* The router takes a route before its handler is looked at, because the router knows the names of
 * the path's parameters; the number is only used once the handler fits, too. */
static void route_add(struct vd_php_app *app, const char *methods, zend_string *path,
                      const zend_fcall_info *fci, const zend_fcall_info_cache *fcc, bool stream)
{
    if (!vd_php_app_is_open(app)) {
        return;
    }
    app->routes = safe_erealloc(app->routes, app->route_count + 1, sizeof(*app->routes), 0);
    uint32_t number = app->route_count;
    if (!route_enter(app, methods, path, number)) {
        return;
    }
    const char *names[VD_ROUTE_PARAMETERS_MAX];
    size_t name_count = vd_router_parameter_names(app->router, number, names);
    zend_string *label =
        zend_strpprintf(0, "%s %s", strcmp(methods, "*") == 0 ? "*" : methods, ZSTR_VAL(path));
    struct vd_php_route *route = &app->routes[number];
    if (vd_php_route_init(route, fci, fcc, label, names, name_count)) {
        route->stream = stream;
    }
    app->route_count++; /* an unfit one stays as a zeroed place holder */
}

static void route_method(INTERNAL_FUNCTION_PARAMETERS, const char *methods, bool stream)
{
    zend_string *path;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(path)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    route_add(vd_php_app_this(ZEND_THIS), methods, path, &fci, &fcc, stream);
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, get)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "GET", false);
}

ZEND_METHOD(Viaduct_App, post)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "POST", false);
}

ZEND_METHOD(Viaduct_App, put)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "PUT", false);
}

ZEND_METHOD(Viaduct_App, patch)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "PATCH", false);
}

ZEND_METHOD(Viaduct_App, delete)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "DELETE", false);
}

ZEND_METHOD(Viaduct_App, stream)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "GET", true);
}

/* "GET|POST"; NULL after throwing. Methods are case-sensitive on the wire and upper-case in every
 * registry, so "get" can only mean "GET". */
static zend_string *methods_join(zval *methods, uint32_t count)
{
    smart_str joined = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (Z_TYPE(methods[i]) != IS_STRING) {
            zend_argument_type_error(3 + i, "must be of type string, %s given",
                                     zend_zval_type_name(&methods[i]));
            smart_str_free(&joined);
            return NULL;
        }
        if (i) {
            smart_str_appendc(&joined, '|');
        }
        zend_string *upper = zend_string_toupper(Z_STR(methods[i]));
        smart_str_append(&joined, upper);
        zend_string_release(upper);
    }
    if (count == 0) {
        smart_str_appendc(&joined, '*');
    }
    return smart_str_extract(&joined);
}

ZEND_METHOD(Viaduct_App, route)
{
    zend_string *path;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    zval *methods = NULL;
    uint32_t method_count = 0;
    ZEND_PARSE_PARAMETERS_START(2, -1)
    Z_PARAM_STR(path)
    Z_PARAM_FUNC(fci, fcc)
    Z_PARAM_VARIADIC('*', methods, method_count)
    ZEND_PARSE_PARAMETERS_END();
    zend_string *joined = methods_join(methods, method_count);
    if (!joined) {
        RETURN_THROWS();
    }
    route_add(vd_php_app_this(ZEND_THIS), ZSTR_VAL(joined), path, &fci, &fcc, false);
    zend_string_release(joined);
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

/* ---- around the handlers ----------------------------------------------------------------------
 */

static void around(INTERNAL_FUNCTION_PARAMETERS, bool after)
{
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    zend_string *path = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_FUNC(fci, fcc)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(path)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (!vd_php_app_is_open(app) ||
        !vd_php_around_add(after ? &app->around.after : &app->around.before, &fci, &fcc, path)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, before)
{
    around(INTERNAL_FUNCTION_PARAM_PASSTHRU, false);
}

ZEND_METHOD(Viaduct_App, after)
{
    around(INTERNAL_FUNCTION_PARAM_PASSTHRU, true);
}

ZEND_METHOD(Viaduct_App, error)
{
    zend_long status;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_LONG(status)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (status != 0 && (status < 400 || status > 599)) {
        zend_argument_value_error(
            1, "must be between 400 and 599, or 0 for any, " ZEND_LONG_FMT " given", status);
        RETURN_THROWS();
    }
    if (!vd_php_app_is_open(app)) {
        RETURN_THROWS();
    }
    if (!vd_php_error_page_add(&app->around, status, &fci, &fcc)) {
        zend_argument_value_error(1, "is taken: " ZEND_LONG_FMT " has a handler already", status);
        RETURN_THROWS();
    }
    RETURN_THIS();
}
