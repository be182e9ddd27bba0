/* SPDX-License-Identifier: Apache-2.0 */
/* A table in shared memory: typed rows by key, for processes and threads of one machine.
 *
 * Fixed capacity: a table of 1,024 rows holds 1,024 rows and refuses the next one. Nothing is ever
 * cut, wrapped or dropped: what does not fit is an error, and then nothing is written.
 *
 *     struct table_shared  magic, sizes, hash seed, schema          written once
 *     +-- pool ----------+ lock, list of free rows, rows never used
 *     +-- stripes -------+ [n], one cache line each: lock, unlinks so far, row in transit
 *     +-- buckets -------+ [n], first row of each chain
 *     +-- rows ----------+ [capacity], whole cache lines each:
 *           seq | hash | next | key length | key (256) | version 0 | version 1
 *           a version:  expiry | a word for each number | length and bytes for each string
 *
 * `seq` says whether the row lives, which version counts, and how often that has changed. A writer
 * fills the other version and stores `seq`: one store publishes a row, a number in place is one
 * store too. Readers write nothing and wait for nobody: they copy, look at `seq` again, and repeat
 * when it has moved, which means that a writer has got on.
 *
 * Writers lock one stripe of keys. A process killed at any instant, also under a lock, leaves each
 * row as before or after its operation; the next writer that finds its lock proves that the owner
 * is dead (see core/src/shm/owner_lock.h), takes it over and puts the row in transit back. A
 * stopped owner is not dead: writers of its stripe wait until it goes on or dies (all inserts and
 * deletes, if it stands in the few instructions that hold the pool), readers do not.
 *
 * Time comes from the caller (@now_ms, any clock that all users share; 0: nothing expires).
 *
 * Processes: any that map the memory, in one pid namespace, with /proc (without it, and before
 * Linux 5.3, a dead owner is seen only once it is reaped). Threads: any. Not from signal handlers,
 * and no exec or _exit from a thread while another one is inside: its process lives on under the
 * same id.
 *
 * Texts of errors name table, column and limits; they never hold keys or values of strings. */
#ifndef VIADUCT_TABLE_H
#define VIADUCT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/arena.h>
#include <viaduct/error.h>

#define VD_TABLE_NAME_MAX    40
#define VD_TABLE_KEY_MAX     255
#define VD_TABLE_COLUMNS_MAX 64
#define VD_TABLE_STRING_MAX  ((uint32_t)1024 * 1024)
#define VD_TABLE_ROWS_MAX    ((uint64_t)1 << 31)

struct vd_table; /* this process's handle; forks inherit it */

enum vd_column_type { VD_COLUMN_INT, VD_COLUMN_FLOAT, VD_COLUMN_STRING };
const char *vd_column_type_name(enum vd_column_type type); /* "INT"; "unknown" for none of them */

struct vd_column {
    const char *name; /* 1 to VD_TABLE_NAME_MAX bytes */
    enum vd_column_type type;
    uint32_t bytes; /* INT: 1, 2, 4, 8, signed; FLOAT: 8; STRING: the longest, in bytes */
};

struct vd_table_options {
    const char *name; /* 1 to VD_TABLE_NAME_MAX bytes */
    uint64_t rows;
    const struct vd_column *columns;
    size_t column_count;
    uint64_t ttl_ms; /* a row expires so long after its last set; 0: never */
};

/* Which member counts says the column. */
struct vd_table_value {
    union {
        int64_t integer;
        double number;
        struct {
            const char *bytes;
            size_t length;
        } string;
    };
};

struct vd_table_change {
    uint32_t column; /* vd_table_column() */
    struct vd_table_value value;
};

/* ---- make and find --------------------------------------------------------------------------- */

/* Shared memory that a table takes, alignment 64; 0 with @error filled when not allowed. */
size_t vd_table_bytes(const struct vd_table_options *options, struct vd_error *error);

/* A new table in the caller's @memory (its contents do not matter), which outlives the handle.
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY, VD_ERR_SYSTEM. Processes: one. */
enum vd_err vd_table_init(void *memory, size_t bytes, const struct vd_table_options *options,
                          struct vd_table **table, struct vd_error *error);
/* A handle to a table that is there. Returns: also VD_ERR_CORRUPT. */
enum vd_err vd_table_attach(void *memory, size_t bytes, struct vd_table **table,
                            struct vd_error *error);

/* The table of that name in @arena, made when it is not there yet. Returns: also VD_ERR_EXISTS (it
 * is there with another schema), VD_ERR_FULL. Processes: one at a time, as all allocation. */
enum vd_err vd_table_make(struct vd_arena *arena, const struct vd_table_options *options,
                          struct vd_table **table, struct vd_error *error);
/* Returns: also VD_ERR_NOT_FOUND. */
enum vd_err vd_table_open(const struct vd_arena *arena, const char *name, struct vd_table **table,
                          struct vd_error *error);
void vd_table_close(struct vd_table *table); /* the handle only; NULL is fine */

const char *vd_table_name(const struct vd_table *table);
uint64_t vd_table_capacity(const struct vd_table *table);
uint64_t vd_table_ttl_ms(const struct vd_table *table);
size_t vd_table_column_count(const struct vd_table *table);
const struct vd_column *vd_table_column_at(const struct vd_table *table, uint32_t column);
/* Returns: VD_OK, VD_ERR_NOT_FOUND (the text lists the columns). */
enum vd_err vd_table_column(const struct vd_table *table, const char *name, size_t length,
                            uint32_t *column, struct vd_error *error);

/* ---- read: never blocks, writes nothing ------------------------------------------------------
 * Returns: VD_OK, VD_ERR_NOT_FOUND, VD_ERR_INVALID (key, column), VD_ERR_TIMEOUT (changed without
 * pause for 100,000 tries), VD_ERR_CORRUPT (the memory is damaged). @error is left alone on
 * VD_ERR_NOT_FOUND. */

/* @values: one for each column; strings point into @text (vd_table_text_bytes() bytes). */
enum vd_err vd_table_get(struct vd_table *table, const char *key, size_t key_length,
                         uint64_t now_ms, struct vd_table_value *values, char *text,
                         struct vd_error *error);
/* One column; @text is for strings (at least the column's bytes), else NULL is fine. */
enum vd_err vd_table_get_field(struct vd_table *table, const char *key, size_t key_length,
                               uint32_t column, uint64_t now_ms, struct vd_table_value *value,
                               char *text, struct vd_error *error);
size_t vd_table_text_bytes(const struct vd_table *table);
enum vd_err vd_table_exists(struct vd_table *table, const char *key, size_t key_length,
                            uint64_t now_ms, struct vd_error *error);
/* Rows in use, among them expired ones that nobody has needed to remove yet; exact as of one moment
 * during the call. */
uint64_t vd_table_count(const struct vd_table *table);
/* Rows that have not expired: looks at all of them, one after the other. */
uint64_t vd_table_count_live(const struct vd_table *table, uint64_t now_ms);

/* A walk over all rows: start with a zeroed cursor; it holds nothing, just drop it. Each row that
 * exists throughout is seen exactly once, whatever others insert and delete meanwhile. @key takes
 * VD_TABLE_KEY_MAX bytes; @values NULL: keys only. Returns: VD_OK, VD_ERR_EMPTY (the end),
 * VD_ERR_TIMEOUT, VD_ERR_CORRUPT. */
struct vd_table_cursor {
    uint64_t next;
};
enum vd_err vd_table_next(struct vd_table *table, struct vd_table_cursor *cursor, uint64_t now_ms,
                          char *key, size_t *key_length, struct vd_table_value *values, char *text,
                          struct vd_error *error);

/* ---- write: one atomic step each -------------------------------------------------------------
 * Returns: VD_OK, VD_ERR_INVALID (key, column, type), VD_ERR_TOO_LARGE (a string, or a number out
 * of its column's range, also as a sum; a sum that is not finite), VD_ERR_FULL. Then nothing is
 * written. A row that is not there, or has expired, starts with zeros and empty strings.
 * Blocks: while another writer of the same stripe is inside, for under a microsecond unless that
 * one is stopped or preempted. */

/* Insert, or change the named columns; renews the row's ttl. Where the table has none, a row that
 * is there ends when it would have ended (a window, a time given to vd_table_set_version). */
enum vd_err vd_table_set(struct vd_table *table, const char *key, size_t key_length,
                         const struct vd_table_change *changes, size_t count, uint64_t now_ms,
                         struct vd_error *error);

/* Add to a number; *@result (NULL: not wanted) is the sum. Leaves the ttl of an existing row. */
enum vd_err vd_table_incr(struct vd_table *table, const char *key, size_t key_length,
                          uint32_t column, int64_t by, uint64_t now_ms, int64_t *result,
                          struct vd_error *error);
enum vd_err vd_table_decr(struct vd_table *table, const char *key, size_t key_length,
                          uint32_t column, int64_t by, uint64_t now_ms, int64_t *result,
                          struct vd_error *error);
enum vd_err vd_table_incr_float(struct vd_table *table, const char *key, size_t key_length,
                                uint32_t column, double by, uint64_t now_ms, double *result,
                                struct vd_error *error);

/* For rate limiters: in a window of @window_ms that starts with the first increment, add to the
 * column; after its end the row starts anew. A row that is there and never ends begins its window
 * with what it holds; one that ends keeps its end. *@ends_ms (NULL: not wanted): when the window
 * ends. @window_ms and @now_ms are not 0. */
enum vd_err vd_table_incr_window(struct vd_table *table, const char *key, size_t key_length,
                                 uint32_t column, int64_t by, uint64_t window_ms, uint64_t now_ms,
                                 int64_t *result, uint64_t *ends_ms, struct vd_error *error);

/* *@swapped: the column was @expected and is @desired now. A NaN equals nothing. Returns: also
 * VD_ERR_NOT_FOUND. */
enum vd_err vd_table_compare_and_set(struct vd_table *table, const char *key, size_t key_length,
                                     uint32_t column, const struct vd_table_value *expected,
                                     const struct vd_table_value *desired, uint64_t now_ms,
                                     bool *swapped, struct vd_error *error);

/* One state of one row, as a reader found it; it never comes back. For a change that depends on all
 * of a row: read it, compute as long as it takes, and write if nobody was faster. Numbers that are
 * added to (vd_table_incr and its like) change within a state: not for rows where that is done. */
struct vd_table_version {
    uint64_t row; /* opaque; zeroed: there was no such row, or it had expired */
    uint64_t seq;
    uint64_t expiry_ms; /* 0: never */
};

/* vd_table_get, and which version it was: also of what is not there. */
enum vd_err vd_table_get_version(struct vd_table *table, const char *key, size_t key_length,
                                 uint64_t now_ms, struct vd_table_value *values, char *text,
                                 struct vd_table_version *version, struct vd_error *error);
/* vd_table_set, if the row is what it was (@version NULL: whatever it is): *@swapped. It expires at
 * @expiry_ms (0: never), whatever the table's ttl; a time that has passed is as good as deleting
 * it. */
enum vd_err vd_table_set_version(struct vd_table *table, const char *key, size_t key_length,
                                 const struct vd_table_version *version,
                                 const struct vd_table_change *changes, size_t count,
                                 uint64_t expiry_ms, uint64_t now_ms, bool *swapped,
                                 struct vd_error *error);

/* Add to an INT column if another one, @guard_column, is @guard, as a new state of the row: for
 * rows whose versions are looked at. Leaves the time at which it expires. Returns: also
 * VD_ERR_NOT_FOUND (no such row, or the guard is another). */
enum vd_err vd_table_incr_when(struct vd_table *table, const char *key, size_t key_length,
                               uint32_t column, int64_t by, uint32_t guard_column, int64_t guard,
                               uint64_t now_ms, int64_t *result, struct vd_error *error);

/* Returns: VD_OK, VD_ERR_NOT_FOUND, VD_ERR_INVALID. */
enum vd_err vd_table_del(struct vd_table *table, const char *key, size_t key_length,
                         uint64_t now_ms, struct vd_error *error);
/* Delete every row that is there at the start, one by one. */
void vd_table_clear(struct vd_table *table);
/* Delete what has expired; returns how many. A full table does that by itself. */
uint64_t vd_table_expire(struct vd_table *table, uint64_t now_ms);

/* Put right what dead processes have left in transit. The next writer of the stripe, or of a full
 * table, would do it; a supervisor that has reaped a child may do it at once. */
void vd_table_recover(struct vd_table *table);

#endif
