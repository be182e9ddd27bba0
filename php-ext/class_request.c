/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Request: a view of the request in the worker's ring.
 *
 * The declared properties start out uninitialised and are filled in when they are first read, so
 * that a handler that looks at nothing pays for nothing. From then on PHP reads them like any
 * property, without us. The view is valid until the worker asks for its next event; before that,
 * a Request that somebody kept is filled in completely. A process that a handler forks may look at
 * the view as long as the worker does, and is told when it is too late. */
#include "class_request.h"

#include "answer_headers.h"
#include "php_viaduct.h"
#include "request_body.h"
#include "request_input.h"
#include "run_worker.h"

enum {
    REQUEST_METHOD,
    REQUEST_PATH,
    REQUEST_QUERY,
    REQUEST_BODY,
    REQUEST_SERVER,
    REQUEST_HEADER,
    REQUEST_GET,
    REQUEST_POST,
    REQUEST_COOKIE,
    REQUEST_FILES,
    REQUEST_SCHEME,
    REQUEST_ID,
    REQUEST_PROPERTY_COUNT,
};

struct vd_php_request {
    const struct vd_worker_request *view; /* NULL: detached */
    zend_object std;
};

static zend_object_handlers request_handlers;

static struct vd_php_request *request_from(zend_object *object)
{
    return (struct vd_php_request *)((char *)object - XtOffsetOf(struct vd_php_request, std));
}

/* ---- filling in ----------------------------------------------------------------------------- */

static void set_text(zend_object *object, uint32_t number, struct vd_text text)
{
    zval value;
    ZVAL_STRINGL_FAST(&value, text.length ? text.bytes : "", text.length);
    vd_php_property_set(object, number, &value);
}

/* What could not be had stays unset, so that whoever asks again is told again, and not that it is
 * empty. */
static void set_unless_thrown(zend_object *object, uint32_t number, zval *value)
{
    if (EG(exception)) {
        zval_ptr_dtor(value);
    } else {
        vd_php_property_set(object, number, value);
    }
}

static void set_body(zend_object *object)
{
    zval value;
    vd_php_input_body(&value);
    set_unless_thrown(object, REQUEST_BODY, &value);
}

/* What was read of the body; NULL: nobody has read it yet. */
static const struct vd_text *body_read_before(zend_object *object, struct vd_text *body)
{
    zval *read = OBJ_PROP_NUM(object, REQUEST_BODY);
    if (Z_TYPE_P(read) != IS_STRING) {
        return NULL;
    }
    *body = (struct vd_text){Z_STRVAL_P(read), Z_STRLEN_P(read)};
    return body;
}

/* A multipart form goes to its files as it comes, and its body is then empty (as php://input is),
 * unless somebody read the body first. A Request that is kept beyond its answer has what was there
 * then: there is nobody left to tell of a form that is too large. */
static void set_form(zend_object *object, const struct vd_worker_request *view)
{
    struct vd_text text;
    const struct vd_text *body = body_read_before(object, &text);
    bool answered = !vd_worker_request_open(VIADUCT_G(run)->worker);
    zval post;
    zval files;
    if (!answered && vd_php_input_form_too_large(view, body)) {
        return;
    }
    if (!body && !vd_php_input_is_multipart(view)) {
        set_body(object);
        body = body_read_before(object, &text);
        if (!body || (!answered && vd_php_input_form_too_large(view, body))) {
            return;
        }
    }
    vd_php_input_form(view, body, &post, &files);
    set_unless_thrown(object, REQUEST_POST, &post);
    set_unless_thrown(object, REQUEST_FILES, &files);
}

static void fill(zend_object *object, const struct vd_worker_request *view, uint32_t number)
{
    zval array;
    switch (number) {
    case REQUEST_METHOD:
        set_text(object, number, view->method);
        return;
    case REQUEST_PATH:
        set_text(object, number, view->path);
        return;
    case REQUEST_QUERY:
        set_text(object, number, view->query);
        return;
    case REQUEST_BODY:
        set_body(object);
        return;
    case REQUEST_SCHEME:
        set_text(object, number, vd_text_of(view->https ? "https" : "http"));
        return;
    case REQUEST_ID:
        set_text(object, number, vd_text_of(view->request_id));
        return;
    case REQUEST_SERVER:
        vd_php_input_server(view, &array);
        break;
    case REQUEST_HEADER:
        vd_php_input_header(view, &array);
        break;
    case REQUEST_GET:
        vd_php_input_get(view, &array);
        break;
    case REQUEST_COOKIE:
        vd_php_input_cookie(view, &array);
        break;
    case REQUEST_POST:
    case REQUEST_FILES:
        set_form(object, view);
        return;
    default:
        return;
    }
    vd_php_property_set(object, number, &array);
}

static void empty(zend_object *object, uint32_t number)
{
    zval *slot = OBJ_PROP_NUM(object, number);
    zval_ptr_dtor(slot);
    ZVAL_UNDEF(slot);
}

/* In a process that a handler forked: the request lies in the worker's ring, where the next one
 * takes its place once the worker has answered; and only the worker is sent the rest of a body. */
static void fill_in_copy(zend_object *object, const struct vd_worker_request *view, uint32_t number)
{
    const struct vd_worker *worker = VIADUCT_G(run)->worker;
    bool is_form = number == REQUEST_POST || number == REQUEST_FILES;
    bool has_body = Z_TYPE_P(OBJ_PROP_NUM(object, REQUEST_BODY)) == IS_STRING;
    bool needs_body = (is_form && !has_body) || number == REQUEST_BODY;
    if (vd_worker_request_intact(worker) && !(needs_body && view->body_streamed)) {
        fill(object, view, number);
        if (vd_worker_request_intact(worker) || EG(exception)) {
            return;
        }
        empty(object, is_form ? REQUEST_POST : number);
        empty(object, is_form ? REQUEST_FILES : number);
        empty(object, needs_body ? REQUEST_BODY : number);
    }
    vd_php_input_throw_forked();
}

static void request_fill(zend_object *object, uint32_t number)
{
    const struct vd_worker_request *view = request_from(object)->view;
    if (!view || Z_TYPE_P(OBJ_PROP_NUM(object, number)) != IS_UNDEF) {
        return;
    }
    if (UNEXPECTED(vd_worker_is_copy(VIADUCT_G(run)->worker))) {
        fill_in_copy(object, view, number);
    } else {
        fill(object, view, number);
    }
}

static void request_fill_all(zend_object *object)
{
    for (uint32_t i = 0; i < REQUEST_PROPERTY_COUNT && !EG(exception); i++) {
        request_fill(object, i);
    }
}

/* False when it threw. */
static bool request_fill_named(zend_object *object, zend_string *name)
{
    const zend_property_info *info = zend_hash_find_ptr(&object->ce->properties_info, name);
    if (info && !(info->flags & ZEND_ACC_STATIC)) {
        request_fill(object, (uint32_t)OBJ_PROP_TO_NUM(info->offset));
    }
    return !EG(exception);
}

/* ---- object handlers ------------------------------------------------------------------------ */

static zval *request_read_property(zend_object *object, zend_string *name, int type,
                                   void **cache_slot, zval *rv)
{
    if (!request_fill_named(object, name)) {
        return &EG(uninitialized_zval);
    }
    return zend_std_read_property(object, name, type, cache_slot, rv);
}

static zval *request_property_pointer(zend_object *object, zend_string *name, int type,
                                      void **cache_slot)
{
    if (!request_fill_named(object, name)) {
        return &EG(error_zval);
    }
    return zend_std_get_property_ptr_ptr(object, name, type, cache_slot);
}

static int request_has_property(zend_object *object, zend_string *name, int type, void **cache_slot)
{
    return request_fill_named(object, name) &&
           zend_std_has_property(object, name, type, cache_slot);
}

static zval *request_write_property(zend_object *object, zend_string *name, zval *value,
                                    void **cache_slot)
{
    if (!request_fill_named(object, name)) { /* so that it is "readonly", not "not yet set" */
        return value;
    }
    return zend_std_write_property(object, name, value, cache_slot);
}

/* The collector looks at what is there. PHP's own handler would ask for all properties, and so read
 * the body in the middle of a collection. */
static HashTable *request_gc(zend_object *object, zval **table, int *count)
{
    *table = object->properties ? NULL : object->properties_table;
    *count = object->properties ? 0 : object->ce->default_properties_count;
    return object->properties;
}

static HashTable *request_properties(zend_object *object)
{
    request_fill_all(object);
    return zend_std_get_properties(object);
}

static zend_object *request_create_object(zend_class_entry *ce)
{
    struct vd_php_request *request = zend_object_alloc(sizeof(*request), ce);
    zend_object_std_init(&request->std, ce);
    object_properties_init(&request->std, ce);
    request->std.handlers = &request_handlers;
    request->view = NULL;
    return &request->std;
}

void vd_php_request_setup(void)
{
    vd_ce_request->create_object = request_create_object;
    memcpy(&request_handlers, &std_object_handlers, sizeof(request_handlers));
    request_handlers.offset = XtOffsetOf(struct vd_php_request, std);
    request_handlers.read_property = request_read_property;
    request_handlers.get_property_ptr_ptr = request_property_pointer;
    request_handlers.has_property = request_has_property;
    request_handlers.write_property = request_write_property;
    request_handlers.get_properties = request_properties;
    request_handlers.get_gc = request_gc;
    request_handlers.clone_obj = NULL;
    request_handlers.compare = zend_objects_not_comparable; /* == is === */
}

void vd_php_request_create(zval *object, const struct vd_worker_request *request)
{
    ZVAL_OBJ(object, request_create_object(vd_ce_request));
    request_from(Z_OBJ_P(object))->view = request;
}

void vd_php_request_detach(zend_object *object)
{
    if (GC_REFCOUNT(object) > 1 && !vd_worker_is_copy(VIADUCT_G(run)->worker)) {
        request_fill_all(object);
    }
    request_from(object)->view = NULL;
}

/* ---- methods -------------------------------------------------------------------------------- */

ZEND_METHOD(Viaduct_Request, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Request, header)
{
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(name)
    ZEND_PARSE_PARAMETERS_END();
    zend_object *object = Z_OBJ_P(ZEND_THIS);
    request_fill(object, REQUEST_HEADER);
    if (EG(exception)) {
        RETURN_THROWS();
    }
    zval *headers = OBJ_PROP_NUM(object, REQUEST_HEADER);
    if (Z_TYPE_P(headers) != IS_ARRAY) {
        RETURN_NULL();
    }
    zend_string *key = zend_string_tolower(name);
    zval *value = zend_symtable_find(Z_ARRVAL_P(headers), key);
    zend_string_release(key);
    if (!value) {
        RETURN_NULL();
    }
    RETURN_COPY(value);
}

ZEND_METHOD(Viaduct_Request, rawContent)
{
    ZEND_PARSE_PARAMETERS_NONE();
    zend_object *object = Z_OBJ_P(ZEND_THIS);
    request_fill(object, REQUEST_BODY);
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_COPY(OBJ_PROP_NUM(object, REQUEST_BODY));
}

ZEND_METHOD(Viaduct_Request, getContent)
{
    ZEND_MN(Viaduct_Request_rawContent)(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

ZEND_METHOD(Viaduct_Request, bodyStream)
{
    ZEND_PARSE_PARAMETERS_NONE();
    zend_object *object = Z_OBJ_P(ZEND_THIS);
    zval *read = OBJ_PROP_NUM(object, REQUEST_BODY);
    const struct vd_worker_request *view = request_from(object)->view;
    if (Z_TYPE_P(read) == IS_STRING || !view) {
        vd_php_body_stream_of(return_value,
                              Z_TYPE_P(read) == IS_STRING ? Z_STR_P(read) : ZSTR_EMPTY_ALLOC());
    } else {
        vd_php_body_stream(return_value, view);
    }
}
