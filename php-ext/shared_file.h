/* SPDX-License-Identifier: Apache-2.0 */
/* What the file of viaduct.tables declares, for processes that no script of ours has forked
 * (php-fpm).
 *
 *     [table rate]
 *     rows = 100000
 *     ttl = 60
 *     columns[count] = INT 4
 *     columns[note] = STRING 64
 *
 *     [counters]
 *     visits = 0
 *
 *     [global state]
 *     rows = 1024
 *     bytes = 4096 */
#ifndef VIADUCT_PHP_SHARED_FILE_H
#define VIADUCT_PHP_SHARED_FILE_H

#include <viaduct/counter.h>
#include <viaduct/table.h>

struct vd_php_declared_table {
    char name[VD_TABLE_NAME_MAX + 1];
    uint64_t rows;
    uint64_t ttl_ms;
    size_t column_count;
    struct vd_column columns[VD_TABLE_COLUMNS_MAX];
    char column_names[VD_TABLE_COLUMNS_MAX][VD_TABLE_NAME_MAX + 1];
};

struct vd_php_declared_counter {
    char name[VD_COUNTER_NAME_MAX + 1];
    int64_t initial;
};

struct vd_php_declarations {
    struct vd_php_declared_table **tables;
    size_t table_count;
    struct vd_php_declared_counter *counters;
    size_t counter_count;
    uint64_t global_rows;  /* 0: not declared */
    uint32_t global_bytes; /* of one value */
};

/* All of it or nothing: @declarations is empty unless VD_OK, and vd_php_declarations_free() is fine
 * in any case. Returns: VD_OK, VD_ERR_NOT_FOUND (no such file), VD_ERR_INVALID, VD_ERR_NO_MEMORY;
 * @error names the file, the section and the key. */
enum vd_err vd_php_declarations_read(const char *path, struct vd_php_declarations *declarations,
                                     struct vd_error *error);
void vd_php_declarations_free(struct vd_php_declarations *declarations);

/* Borrows from @table. */
struct vd_table_options vd_php_declared_options(struct vd_php_declared_table *table);

#endif
