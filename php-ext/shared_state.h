/* SPDX-License-Identifier: Apache-2.0 */
/* Where tables and counters live: this process's list of them, over shared memory that its forks
 * inherit.
 *
 * Each table has an arena of its own (a memfd), because its size is known when it is made and not
 * before; the counters have one together, made with the first of them. Processes forked later find
 * everything at the same addresses, by a copy of the list. What a fork adds it would have for
 * itself, so only the process in which the script began may add, and only while it is no worker.
 *
 *     script:  Store::make() -> vd_php_shared_make_table() -+
 *     php-fpm: declarations in MINIT -----------------------+-> struct vd_php_table in the list
 *
 * Names are looked up for each operation. A script's names are interned strings, so the pointer is
 * compared first; it is learned from a look-up by content, and forgotten when the request ends,
 * since another string may then be found there. */
#ifndef VIADUCT_PHP_SHARED_STATE_H
#define VIADUCT_PHP_SHARED_STATE_H

#include <php.h>
#include <stdbool.h>

#include <viaduct/arena.h>
#include <viaduct/counter.h>
#include <viaduct/table.h>

#include "notice.h"
#include "php_viaduct.h"
#include "server.h"

#define VD_PHP_COLUMN_SLOTS  (2 * VD_TABLE_COLUMNS_MAX)
#define VD_PHP_COUNTER_NAMES 4096
#define VD_PHP_COUNTER_CELLS 65536

struct vd_php_name {
    zend_string *own;        /* outlives requests; marked as interned, so that nobody counts it */
    const zend_string *seen; /* an interned string of this request with the same content */
};

struct vd_php_column {
    struct vd_php_name name;
    enum vd_column_type type;
    uint32_t bytes;
};

struct vd_php_table {
    struct vd_arena *arena; /* NULL: somebody else's */
    struct vd_table *table;
    struct vd_php_name name;
    uint32_t column_count;
    uint8_t column_slots[VD_PHP_COLUMN_SLOTS]; /* number + 1, by hash */
    char *text;                                /* vd_table_text_bytes(), made when first needed */
    uint64_t ttl_ms;
    _Atomic uint32_t *windows; /* shared: rows may expire even without a ttl. NULL: they may */
    bool internal;             /* the global state's: Store does not see it */
    struct vd_php_column columns[];
};

struct vd_php_shared {
    pid_t startup_pid; /* of MINIT */
    pid_t script_pid;  /* where the script of this request began */
    struct vd_php_table **tables;
    uint32_t table_count;
    struct vd_php_table **table_slots; /* by hash; a power of two */
    uint32_t slot_mask;
    bool bound; /* an App has bound some of it to a scope: changes are looked at */
    struct vd_php_table *global_state; /* NULL: not made yet */
    struct vd_php_table *global_leases;
    struct vd_counter *leases_done; /* shared */
    zend_long state_rows;           /* of the global state, should its first use make it */
    zend_long state_value_bytes;
    struct vd_arena *counter_arena;
    struct vd_counters *counters; /* NULL: none yet */
    struct vd_counter *cells;     /* those without a name */
    _Atomic uint32_t *cells_used; /* shared */
};

/* MINIT, MSHUTDOWN, RINIT, RSHUTDOWN. */
bool vd_php_shared_startup(void);
void vd_php_shared_shutdown(void);
void vd_php_shared_request_begin(void);
void vd_php_shared_request_end(void);

/* Make a table, or find the one that is there with the same declaration; NULL after throwing.
 * @internal: one of Viaduct's own, wherever that is. */
struct vd_php_table *vd_php_shared_make_table(const struct vd_table_options *options,
                                              bool internal);
/* Add a table that was made in MINIT to the list; takes over @table, not @arena in which it lives,
 * of vd_php_shared_table_bytes(). Returns: VD_OK, VD_ERR_NO_MEMORY. */
enum vd_err vd_php_shared_add(struct vd_table *table, struct vd_arena *arena, bool internal);
/* 0 when not allowed. */
size_t vd_php_shared_table_bytes(const struct vd_table_options *options, struct vd_error *error);
/* The directory of counters, made if need be, wherever that is; false after throwing. run() calls
 * it, so that all workers have one. */
bool vd_php_shared_make_counters(void);

/* All of it, for the server to show; its list of tables is the caller's to free. */
struct vd_shared_state vd_php_shared_list(void);
/* Those in @arena, which has vd_php_shared_counter_bytes() or was used for this before. */
enum vd_err vd_php_shared_use_counters(struct vd_arena *arena, struct vd_error *error);
size_t vd_php_shared_counter_bytes(void);

/* May memory for all be made in this process? Throws if not; @what: "Store::make()". */
bool vd_php_shared_may_make(const char *what);

/* ---- looking up --------------------------------------------------------------------------------
 */

struct vd_php_table *vd_php_shared_find(const char *name, size_t length);

static zend_always_inline bool vd_php_name_is(struct vd_php_name *name, zend_string *string)
{
    if (EXPECTED(name->seen == string)) {
        return true;
    }
    if (ZSTR_H(name->own) != zend_string_hash_val(string) ||
        !zend_string_equal_content(name->own, string)) {
        return false;
    }
    if (ZSTR_IS_INTERNED(string)) {
        name->seen = string;
    }
    return true;
}

/* NULL: no such table; nothing thrown. */
static zend_always_inline struct vd_php_table *vd_php_shared_table(zend_string *name)
{
    const struct vd_php_shared *shared = VIADUCT_G(shared);
    zend_ulong slot = zend_string_hash_val(name);
    struct vd_php_table *table;
    while ((table = shared->table_slots[slot & shared->slot_mask]) != NULL) {
        if (EXPECTED(vd_php_name_is(&table->name, name))) {
            return table;
        }
        slot++;
    }
    return NULL;
}

/* The number of a column; -1: no such column. */
static zend_always_inline int vd_php_table_column(struct vd_php_table *table, zend_string *name)
{
    zend_ulong slot = zend_string_hash_val(name);
    unsigned number;
    while ((number = table->column_slots[slot % VD_PHP_COLUMN_SLOTS]) != 0) {
        if (EXPECTED(vd_php_name_is(&table->columns[number - 1].name, name))) {
            return (int)number - 1;
        }
        slot++;
    }
    return -1;
}

/* Before and after a row of @table is changed, or all of them (@key NULL). What was not changed
 * after all needs no word. */
static zend_always_inline void vd_php_changing(const struct vd_php_table *table,
                                               const zend_string *key)
{
    if (UNEXPECTED(VIADUCT_G(shared)->bound)) {
        vd_php_changing_bound(table, NULL, key);
    }
}

static zend_always_inline void vd_php_changed(const struct vd_php_table *table,
                                              const zend_string *key)
{
    if (UNEXPECTED(VIADUCT_G(shared)->bound)) {
        vd_php_changed_bound(table, NULL, key);
    }
}

/* Room for the strings of one row. */
char *vd_php_table_text(struct vd_php_table *table);

/* The time for tables, in ms: one clock for all processes, exact to a tick of the kernel's timer,
 * at a tenth of the precise clock's price. Never 0. */
uint64_t vd_php_table_now_ms(void);

/* The same for an operation on one row, without asking for it where nothing expires. */
static zend_always_inline uint64_t vd_php_table_time_ms(const struct vd_php_table *table)
{
    bool nothing_expires = table->ttl_ms == 0 && table->windows &&
                           atomic_load_explicit(table->windows, memory_order_relaxed) == 0;
    return nothing_expires ? 0 : vd_php_table_now_ms();
}

#endif
