/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of shared state that become broadcasts.
 *
 * Happy path: a change names the scopes that are bound to it; they wait until the handler is done,
 * then each is published once, as an invalidation. If the last ones are less than a pace ago, they
 * wait that long, and what changes meanwhile is in it.
 *
 * Failure modes: the gateway takes nothing in, or died: the rest waits and is tried again, which is
 * fine, since an invalidation twice is as good as once. A key that cannot be part of a scope: a
 * line in the log. The worker is killed before it has published: the gateway does so in its stead,
 * for all keys of what was bound. */
#include "notice.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "class_app.h"
#include "class_counter.h"
#include "class_store.h"
#include "global_state.h"
#include "run_worker.h"

#define KEY          "{key}"
#define KEY_LENGTH   5
#define WAITING_MOST 1024 /* more are published in mid-handler */

/* ---- what is bound ----------------------------------------------------------------------------
 */

void vd_php_bindings_finish(struct vd_php_bindings *bindings)
{
    for (uint32_t i = 0; i < bindings->count; i++) {
        zend_string_release(bindings->items[i].scope);
        if (bindings->items[i].keys) {
            zend_string_release(bindings->items[i].keys);
        }
    }
    if (bindings->items) {
        efree(bindings->items);
    }
}

/* @scope with @key in the place of each {key}; returns its length, 0: too long. */
static size_t scope_with(const zend_string *scope, const char *key, size_t key_length,
                         char made[VD_SCOPE_MAX_BYTES])
{
    const char *at = ZSTR_VAL(scope);
    const char *end = at + ZSTR_LEN(scope);
    size_t length = 0;
    while (at < end) {
        bool is_key = end - at >= KEY_LENGTH && memcmp(at, KEY, KEY_LENGTH) == 0;
        const char *from = is_key ? key : at;
        size_t bytes = is_key ? key_length : 1;
        if (length + bytes > VD_SCOPE_MAX_BYTES) {
            return 0;
        }
        memcpy(made + length, from, bytes);
        length += bytes;
        at += is_key ? KEY_LENGTH : 1;
    }
    return length;
}

/* The scope of one key; 0: it cannot be part of one. */
static size_t scope_of_key(const struct vd_php_binding *binding, const zend_string *key,
                           char made[VD_SCOPE_MAX_BYTES])
{
    size_t length = scope_with(binding->scope, ZSTR_VAL(key), ZSTR_LEN(key), made);
    bool is_fixed =
        length == ZSTR_LEN(binding->scope) && memcmp(made, ZSTR_VAL(binding->scope), length) == 0;
    bool is_glob = !is_fixed && memchr(ZSTR_VAL(key), '*', ZSTR_LEN(key));
    return length && !is_glob && vd_scope_check(made, length, NULL) == VD_OK ? length : 0;
}

/* The scope of all of its keys: those of the pattern, or any. */
static size_t scope_of_all(const struct vd_php_binding *binding, char made[VD_SCOPE_MAX_BYTES])
{
    const zend_string *keys = binding->keys;
    size_t length = keys ? scope_with(binding->scope, ZSTR_VAL(keys), ZSTR_LEN(keys), made) : 0;
    bool is_scope = length && vd_scope_check(made, length, NULL) == VD_OK;
    return is_scope ? length : scope_with(binding->scope, "*", 1, made);
}

char **vd_php_bindings_scopes(const struct vd_php_bindings *bindings)
{
    char **scopes = safe_emalloc(bindings->count + 1, sizeof(*scopes), 0);
    for (uint32_t i = 0; i < bindings->count; i++) {
        char scope[VD_SCOPE_MAX_BYTES];
        size_t length = scope_of_all(&bindings->items[i], scope);
        scopes[i] = estrndup(scope, length);
    }
    scopes[bindings->count] = NULL;
    return scopes;
}

void vd_php_bindings_scopes_free(char **scopes)
{
    for (char **scope = scopes; *scope; scope++) {
        efree(*scope);
    }
    efree(scopes);
}

/* False after throwing. */
static bool scope_is_allowed(const zend_string *scope, uint32_t argument)
{
    char made[VD_SCOPE_MAX_BYTES];
    struct vd_error error = {0};
    size_t length = scope_with(scope, "k", 1, made);
    bool is_long = length == 0 && ZSTR_LEN(scope) > 0;
    if (!is_long && vd_scope_check(made, length, &error) == VD_OK) {
        return true;
    }
    zend_argument_value_error(argument, "is no scope: %s",
                              is_long ? "it is longer than 256 bytes" : error.text);
    return false;
}

/* No key is empty: a pattern that is would never be told. */
static bool keys_are_allowed(const zend_string *keys, uint32_t argument)
{
    if (keys && ZSTR_LEN(keys) == 0) {
        zend_argument_value_error(argument, "must not be empty: no key is; * stands for all");
        return false;
    }
    return true;
}

static void bindings_add(struct vd_php_app *app, struct vd_php_binding binding)
{
    struct vd_php_bindings *list = &app->bindings;
    list->items = safe_erealloc(list->items, list->count + 1, sizeof(*list->items), 0);
    list->items[list->count++] = binding;
    VIADUCT_G(shared)->bound = true;
}

ZEND_METHOD(Viaduct_App, bindStore)
{
    zend_string *name;
    zend_string *scope;
    zend_string *keys = NULL;
    ZEND_PARSE_PARAMETERS_START(2, 3)
    Z_PARAM_STR(name)
    Z_PARAM_STR(scope)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR_OR_NULL(keys)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    struct vd_php_table *table;
    if (!vd_php_app_is_open(app) || !(table = vd_php_store_table(name)) ||
        !scope_is_allowed(scope, 2) || !keys_are_allowed(keys, 3)) {
        RETURN_THROWS();
    }
    bindings_add(app, (struct vd_php_binding){.table = table,
                                              .keys = keys ? zend_string_copy(keys) : NULL,
                                              .scope = zend_string_copy(scope)});
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, bindCounter)
{
    zval *object;
    zend_string *scope;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_OBJECT_OF_CLASS(object, vd_ce_counter)
    Z_PARAM_STR(scope)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (!vd_php_app_is_open(app) || !scope_is_allowed(scope, 2)) {
        RETURN_THROWS();
    }
    bindings_add(app,
                 (struct vd_php_binding){.counter = vd_php_counter_from(Z_OBJ_P(object))->counter,
                                         .scope = zend_string_copy(scope)});
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, bindGlobalState)
{
    zend_string *keys;
    zend_string *scope;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(keys)
    Z_PARAM_STR(scope)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    struct vd_php_table *state;
    if (!vd_php_app_is_open(app) || !keys_are_allowed(keys, 1) || !scope_is_allowed(scope, 2) ||
        !(state = vd_php_global_state())) {
        RETURN_THROWS();
    }
    bindings_add(app, (struct vd_php_binding){.table = state,
                                              .keys = zend_string_copy(keys),
                                              .scope = zend_string_copy(scope)});
    RETURN_THIS();
}

/* ---- what has changed -------------------------------------------------------------------------
 */

static void notice(struct vd_php_run *run, const char *scope, size_t length)
{
    struct vd_php_notices *notices = &run->notices;
    uint64_t now_ms = vd_php_table_now_ms();
    if (!notices->in_use) {
        zend_hash_init(&notices->scopes, 8, NULL, NULL, true);
        notices->in_use = true;
    }
    if (zend_hash_num_elements(&notices->scopes) == 0) {
        notices->since_ms = now_ms;
    }
    zend_hash_str_add_empty_element(&notices->scopes, scope, length);
    bool is_time = zend_hash_num_elements(&notices->scopes) >= WAITING_MOST ||
                   now_ms - notices->since_ms >= VD_NOTICE_LATE_MS;
    if (is_time && !notices->stuck) {
        vd_php_notices_flush(run, true);
    }
}

static void notice_binding(struct vd_php_run *run, const struct vd_php_binding *binding,
                           const zend_string *key)
{
    char scope[VD_SCOPE_MAX_BYTES];
    size_t length = key ? scope_of_key(binding, key, scope) : scope_of_all(binding, scope);
    if (length) {
        notice(run, scope, length);
        return;
    }
    vd_log_limited(run->logger, vd_monotonic_ms(), VD_LOG_WARN, "scope_of_key",
                   "a changed key cannot be part of the scope that it is bound to: not broadcast");
}

static bool covers(const struct vd_php_binding *binding, const struct vd_php_table *table,
                   const struct vd_counter *counter, const zend_string *key)
{
    return binding->table == table && binding->counter == counter &&
           (!key || !binding->keys ||
            vd_scope_matches(ZSTR_VAL(binding->keys), ZSTR_LEN(binding->keys), ZSTR_VAL(key),
                             ZSTR_LEN(key)));
}

/* In no worker: nobody would publish it. */
void vd_php_changing_bound(const struct vd_php_table *table, const struct vd_counter *counter,
                           const zend_string *key)
{
    struct vd_php_run *run = VIADUCT_G(run);
    for (uint32_t i = 0; run && i < run->app->bindings.count; i++) {
        if (covers(&run->app->bindings.items[i], table, counter, key)) {
            vd_worker_owe(run->worker, i);
        }
    }
}

void vd_php_changed_bound(const struct vd_php_table *table, const struct vd_counter *counter,
                          const zend_string *key)
{
    struct vd_php_run *run = VIADUCT_G(run);
    for (uint32_t i = 0; run && i < run->app->bindings.count; i++) {
        const struct vd_php_binding *binding = &run->app->bindings.items[i];
        if (covers(binding, table, counter, key)) {
            notice_binding(run, binding, key);
        }
    }
}

/* ---- telling ----------------------------------------------------------------------------------
 */

int vd_php_notices_timeout(const struct vd_php_run *run)
{
    const struct vd_php_notices *notices = &run->notices;
    uint64_t waited_ms = vd_monotonic_ms() - notices->sent_ms;
    if (!notices->in_use || zend_hash_num_elements(&notices->scopes) == 0) {
        return -1;
    }
    return waited_ms >= VD_NOTICE_PACE_MS ? 0 : (int)(VD_NOTICE_PACE_MS - waited_ms);
}

/* Is it done with? */
static bool publish(struct vd_php_run *run, const zend_string *scope)
{
    struct vd_message message = {.scope = ZSTR_VAL(scope), .scope_length = ZSTR_LEN(scope)};
    struct vd_error error = {0};
    enum vd_err code = vd_worker_publish(run->worker, &message, &error);
    if (code == VD_ERR_TIMEOUT || code == VD_ERR_CLOSED) {
        return false;
    }
    if (code != VD_OK && code != VD_ERR_STATE) {
        vd_log_limited(run->logger, vd_monotonic_ms(), VD_LOG_WARN, "notice_failed", "%s",
                       error.text);
    }
    return true;
}

void vd_php_notices_flush(struct vd_php_run *run, bool at_once)
{
    struct vd_php_notices *notices = &run->notices;
    zend_string *scope;
    if (EXPECTED(!notices->in_use) || zend_hash_num_elements(&notices->scopes) == 0) {
        vd_worker_owe_nothing(run->worker); /* what was tried has changed nothing */
        return;
    }
    if (!at_once && vd_php_notices_timeout(run) > 0) {
        return;
    }
    notices->stuck = false;
    ZEND_HASH_FOREACH_STR_KEY(&notices->scopes, scope)
    {
        if (!publish(run, scope)) {
            notices->stuck = true;
            break;
        }
        zend_hash_del(&notices->scopes, scope);
    }
    ZEND_HASH_FOREACH_END();
    if (!notices->stuck) {
        vd_worker_owe_nothing(run->worker);
    }
    notices->sent_ms = vd_monotonic_ms();
}

void vd_php_notices_finish(struct vd_php_run *run)
{
    vd_php_notices_flush(run, true);
    if (run->notices.in_use) {
        zend_hash_destroy(&run->notices.scopes);
        run->notices.in_use = false;
    }
}
