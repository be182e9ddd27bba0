/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of shared state that become broadcasts: App::bindStore() and its like.
 *
 *     Store::set() ... -> vd_php_changed() -> scopes that wait -> end of the handler -> published
 *
 * A scope waits once, however often it is named, and is published at most every VD_NOTICE_PACE_MS
 * by one worker; by a handler that takes long, every VD_NOTICE_LATE_MS. From before the change
 * until it is published the worker owes it (server/worker.h): should it be killed, the gateway
 * does. */
#ifndef VIADUCT_PHP_NOTICE_H
#define VIADUCT_PHP_NOTICE_H

#include <php.h>
#include <stdbool.h>

#include "php_viaduct.h"

#define VD_NOTICE_PACE_MS 20
#define VD_NOTICE_LATE_MS 100 /* a handler that goes on changing is not waited for longer */

struct vd_php_table;
struct vd_counter;

/* What is bound to a scope. */
struct vd_php_binding {
    const struct vd_php_table *table; /* or */
    const struct vd_counter *counter;
    zend_string *keys;  /* of the table: a pattern with * as glob; NULL: any */
    zend_string *scope; /* {key} in it stands for the key */
};

struct vd_php_bindings {
    struct vd_php_binding *items;
    uint32_t count;
};

/* Scopes that wait. In the worker only; its memory is none of PHP's, so that it survives a fatal
 * error of PHP's, after which the changes have still happened. */
struct vd_php_notices {
    HashTable scopes;
    bool in_use;
    bool stuck;        /* the gateway took nothing in: not tried again before the handler is done */
    uint64_t sent_ms;  /* monotonic: when the last ones were published */
    uint64_t since_ms; /* table time: when the first one that waits began to */
};

void vd_php_bindings_finish(struct vd_php_bindings *bindings);
/* Of each the scope that stands for all of its keys; ends with NULL. */
char **vd_php_bindings_scopes(const struct vd_php_bindings *bindings);
void vd_php_bindings_scopes_free(char **scopes);

/* Should this process be killed from now on, the gateway tells whoever is bound. */
void vd_php_changing_bound(const struct vd_php_table *table, const struct vd_counter *counter,
                           const zend_string *key);
/* Tell whoever is bound: out of line, since nearly nothing is. @key NULL: all keys. */
void vd_php_changed_bound(const struct vd_php_table *table, const struct vd_counter *counter,
                          const zend_string *key);

/* Publish what waits, if it is time; @at_once: whether it is or not. */
void vd_php_notices_flush(struct vd_php_run *run, bool at_once);
/* How long the worker may wait for its next event: -1: for ever. */
int vd_php_notices_timeout(const struct vd_php_run *run);
void vd_php_notices_finish(struct vd_php_run *run);

#endif
