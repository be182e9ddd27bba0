/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Scope: names of scopes, and the grammar. All of it is core/scope.h. */
#include "php_viaduct.h"

#include <viaduct/scope.h>

/* `prefix` + `part`, refused when part could turn it into another scope or a glob. */
static void scope_build(zval *return_value, const char *prefix, zend_string *part)
{
    if (ZSTR_LEN(part) == 0) {
        zend_argument_value_error(1, "must not be empty");
        return;
    }
    if (memchr(ZSTR_VAL(part), '*', ZSTR_LEN(part))) {
        zend_argument_value_error(1, "must not contain *, which stands for any text in a scope");
        return;
    }
    zend_string *scope =
        zend_string_concat2(prefix, strlen(prefix), ZSTR_VAL(part), ZSTR_LEN(part));
    struct vd_error error;
    if (vd_scope_check(ZSTR_VAL(scope), ZSTR_LEN(scope), &error) != VD_OK) {
        zend_string_release(scope);
        zend_argument_value_error(1, "makes no scope: %s", error.text);
        return;
    }
    RETURN_STR(scope);
}

ZEND_METHOD(Viaduct_Scope, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Scope, session)
{
    zend_string *id;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(id)
    ZEND_PARSE_PARAMETERS_END();
    scope_build(return_value, "session:", id);
}

ZEND_METHOD(Viaduct_Scope, route)
{
    zend_string *path;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(path)
    ZEND_PARSE_PARAMETERS_END();
    scope_build(return_value, "route:", path);
}

ZEND_METHOD(Viaduct_Scope, room)
{
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(name)
    ZEND_PARSE_PARAMETERS_END();
    scope_build(return_value, "room:", name);
}

ZEND_METHOD(Viaduct_Scope, matches)
{
    zend_string *pattern;
    zend_string *scope;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(pattern)
    Z_PARAM_STR(scope)
    ZEND_PARSE_PARAMETERS_END();
    RETURN_BOOL(
        vd_scope_matches(ZSTR_VAL(pattern), ZSTR_LEN(pattern), ZSTR_VAL(scope), ZSTR_LEN(scope)));
}

ZEND_METHOD(Viaduct_Scope, check)
{
    zend_string *scope;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(scope)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_error error;
    if (vd_scope_check(ZSTR_VAL(scope), ZSTR_LEN(scope), &error) != VD_OK) {
        zend_argument_value_error(1, "is no scope: %s", error.text);
    }
}
