/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: the schema, the size that follows from it, and this process's handle.
 *
 * Happy path: the schema is checked and laid out once, by whoever makes the table; everybody else
 * takes its copy from the shared memory and finds the same shape. Rows are never touched here, nor
 * is anything but the header in an arena, so that a large table costs memory only as it fills.
 *
 * Failure modes: a name or size out of its limits (VD_ERR_INVALID, says which and what is allowed);
 * memory that holds no table, or one that has been damaged (VD_ERR_CORRUPT); a table of that name
 * with another schema (VD_ERR_EXISTS, says what differs); killed while making one in an arena: the
 * magic is stored last, and making it again goes on from there. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "table_shared.h"

/* ---- schema ------------------------------------------------------------------------------------
 */

static bool copy_name(char *to, const char *name)
{
    size_t length = name ? strnlen(name, VD_TABLE_NAME_MAX + 1) : 0;

    if (length == 0 || length > VD_TABLE_NAME_MAX)
        return false;
    memcpy(to, name, length);
    return true;
}

static bool size_is_allowed(unsigned type, uint32_t bytes)
{
    switch (type) {
    case VD_COLUMN_INT:
        return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    case VD_COLUMN_FLOAT:
        return bytes == 8;
    case VD_COLUMN_STRING:
        return bytes >= 1 && bytes <= VD_TABLE_STRING_MAX;
    default:
        return false;
    }
}

static enum vd_err check_column(const struct table_schema *schema, uint32_t at,
                                struct vd_error *error)
{
    const struct table_column *column = &schema->columns[at];

    if (!size_is_allowed(column->type, column->bytes)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "table \"%s\": column \"%s\" has type %s and %u bytes; allowed are INT "
                            "of 1, 2, 4 or 8, FLOAT of 8, STRING of 1 to %u",
                            schema->name, column->name, vd_column_type_name(column->type),
                            column->bytes, VD_TABLE_STRING_MAX);
    }
    for (uint32_t i = 0; i < at; i++) {
        if (strcmp(schema->columns[i].name, column->name) == 0) {
            return vd_error_set(error, VD_ERR_INVALID, "table \"%s\": two columns named \"%s\"",
                                schema->name, column->name);
        }
    }
    return VD_OK;
}

/* The words of a version in front of and including column @at. */
static uint32_t words_of(const struct table_column *column)
{
    return column->type == VD_COLUMN_STRING ? 1 + (column->bytes + 7) / 8 : 1;
}

static enum vd_err copy_columns(struct table_schema *schema, const struct vd_table_options *options,
                                struct vd_error *error)
{
    uint32_t word = EXPIRY_WORDS;

    for (uint32_t i = 0; i < options->column_count; i++) {
        const struct vd_column *from = &options->columns[i];
        struct table_column *column = &schema->columns[i];
        enum vd_err result;

        if (!copy_name(column->name, from->name)) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "table \"%s\": the name of column %u must have 1 to %d bytes",
                                schema->name, i + 1, VD_TABLE_NAME_MAX);
        }
        column->type = (unsigned)from->type <= VD_COLUMN_STRING ? (uint8_t)from->type : UINT8_MAX;
        column->bytes = from->bytes;
        result = check_column(schema, i, error);
        if (result != VD_OK)
            return result;
        column->word = word;
        word += words_of(column);
    }
    return VD_OK;
}

static enum vd_err schema_init(struct table_schema *schema, const struct vd_table_options *options,
                               struct vd_error *error)
{
    memset(schema, 0, sizeof(*schema)); /* names end */
    if (!copy_name(schema->name, options->name)) {
        return vd_error_set(error, VD_ERR_INVALID, "the name of a table must have 1 to %d bytes",
                            VD_TABLE_NAME_MAX);
    }
    if (options->rows == 0 || options->rows > VD_TABLE_ROWS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "table \"%s\": %llu rows; allowed are 1 to %llu",
                            schema->name, (unsigned long long)options->rows,
                            (unsigned long long)VD_TABLE_ROWS_MAX);
    }
    if (options->column_count == 0 || options->column_count > VD_TABLE_COLUMNS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "table \"%s\": %zu columns; allowed are 1 to %d",
                            schema->name, options->column_count, VD_TABLE_COLUMNS_MAX);
    }
    schema->rows = options->rows;
    schema->ttl_ms = options->ttl_ms;
    schema->column_count = (uint32_t)options->column_count;
    return copy_columns(schema, options, error);
}

/* ---- shape -------------------------------------------------------------------------------------
 */

static uint64_t whole_lines(uint64_t bytes)
{
    return (bytes + 63) & ~(uint64_t)63;
}

/* Cannot overflow: 2^31 rows of at most 64 times 2 MiB. */
static struct table_shape shape_of(const struct table_schema *schema)
{
    const struct table_column *last = &schema->columns[schema->column_count - 1];
    struct table_shape shape = {.buckets = 16};

    while (shape.buckets < schema->rows)
        shape.buckets *= 2;
    shape.stripes = shape.buckets < STRIPES_MAX ? shape.buckets : STRIPES_MAX;
    shape.version_words = last->word + words_of(last);
    shape.row_bytes =
        whole_lines(sizeof(struct table_row) + (KEY_WORDS + 2 * shape.version_words) * 8);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        shape.text_bytes +=
            schema->columns[i].type == VD_COLUMN_STRING ? schema->columns[i].bytes : 0;
    }
    shape.bytes = sizeof(struct table_shared) + shape.stripes * sizeof(struct table_stripe) +
                  whole_lines(shape.buckets * sizeof(uint32_t)) + schema->rows * shape.row_bytes;
    return shape;
}

size_t vd_table_bytes(const struct vd_table_options *options, struct vd_error *error)
{
    struct table_schema schema;

    return schema_init(&schema, options, error) == VD_OK ? shape_of(&schema).bytes : 0;
}

/* ---- the handle --------------------------------------------------------------------------------
 */

/* @schema has been checked, and stands still. */
static enum vd_err open_handle(struct table_shared *shared, const struct table_schema *schema,
                               struct vd_table **table, struct vd_error *error)
{
    struct vd_table *opened = calloc(1, sizeof(*opened));
    enum vd_err result;

    if (!opened)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a handle of a table");
    result = owner_init(&opened->owner, error);
    if (result != VD_OK)
        goto err_after_alloc;
    opened->shared = shared;
    opened->schema = *schema;
    opened->seed = shared->seed;
    opened->shape = shape_of(&opened->schema);
    opened->buckets = (_Atomic uint32_t *)(void *)&shared->stripes[opened->shape.stripes];
    opened->rows =
        (unsigned char *)opened->buckets + whole_lines(opened->shape.buckets * sizeof(uint32_t));
    for (uint32_t i = 0; i < opened->schema.column_count; i++) {
        opened->columns[i].name = opened->schema.columns[i].name;
        opened->columns[i].type = (enum vd_column_type)opened->schema.columns[i].type;
        opened->columns[i].bytes = opened->schema.columns[i].bytes;
    }
    *table = opened;
    return VD_OK;

err_after_alloc:
    free(opened);
    return result;
}

void vd_table_close(struct vd_table *table)
{
    if (!table)
        return;
    owner_finish(&table->owner);
    free(table);
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    struct timespec now;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
        return seed;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec;
}

static enum vd_err check_memory(const void *memory, size_t bytes, const struct table_schema *schema,
                                struct vd_error *error)
{
    uint64_t needed = shape_of(schema).bytes;

    if (bytes >= needed && (uintptr_t)memory % alignof(struct table_shared) == 0)
        return VD_OK;
    return vd_error_set(error, VD_ERR_INVALID,
                        "table \"%s\" needs %llu bytes of memory, aligned to 64; got %zu",
                        schema->name, (unsigned long long)needed, bytes);
}

/* Stripes and buckets are zero. They are not touched here: of a table of many rows the buckets
 * alone take gigabytes. */
static enum vd_err begin(struct table_shared *shared, const struct table_schema *schema,
                         struct vd_table **table, struct vd_error *error)
{
    memset(shared, 0, sizeof(*shared)); /* a process that was killed in here had begun, too */
    shared->bytes = shape_of(schema).bytes;
    shared->seed = random_seed();
    shared->schema = *schema;
    atomic_store_explicit(&shared->pool.earliest_ms, UINT64_MAX, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    shared->magic = TABLE_MAGIC;
    return open_handle(shared, schema, table, error);
}

enum vd_err vd_table_init(void *memory, size_t bytes, const struct vd_table_options *options,
                          struct vd_table **table, struct vd_error *error)
{
    struct table_schema schema;
    struct table_shape shape;
    enum vd_err result;

    *table = NULL;
    result = schema_init(&schema, options, error);
    if (result == VD_OK)
        result = check_memory(memory, bytes, &schema, error);
    if (result != VD_OK)
        return result;
    shape = shape_of(&schema);
    memset(memory, 0, shape.bytes - schema.rows * shape.row_bytes);
    return begin(memory, &schema, table, error);
}

/* What is shared may be damaged: names end, types and sizes are allowed, the shape fits. */
static bool schema_is_sound(const struct table_schema *schema)
{
    uint32_t word = EXPIRY_WORDS;

    if (!memchr(schema->name, 0, sizeof(schema->name)) || schema->rows == 0 ||
        schema->rows > VD_TABLE_ROWS_MAX || schema->column_count == 0 ||
        schema->column_count > VD_TABLE_COLUMNS_MAX)
        return false;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const struct table_column *column = &schema->columns[i];

        if (!memchr(column->name, 0, sizeof(column->name)) ||
            !size_is_allowed(column->type, column->bytes) || column->word != word)
            return false;
        word += words_of(column);
    }
    return true;
}

enum vd_err vd_table_attach(void *memory, size_t bytes, struct vd_table **table,
                            struct vd_error *error)
{
    struct table_shared *shared = memory;
    struct table_schema schema;
    uint64_t whole;

    *table = NULL;
    if (bytes < sizeof(*shared) || (uintptr_t)memory % alignof(struct table_shared) != 0 ||
        shared->magic != TABLE_MAGIC)
        return vd_error_set(error, VD_ERR_CORRUPT, "no table, or one of another version");
    schema = shared->schema;
    whole = schema_is_sound(&schema) ? shape_of(&schema).bytes : 0;
    if (whole == 0 || whole > bytes || whole != shared->bytes)
        return vd_error_set(error, VD_ERR_CORRUPT, "a table that is damaged");
    return open_handle(shared, &schema, table, error);
}

/* ---- in an arena -------------------------------------------------------------------------------
 */

static void region_name(char name[VD_ARENA_NAME_MAX + 1], const char *table)
{
    snprintf(name, VD_ARENA_NAME_MAX + 1, "table:%s", table);
}

static bool is_same(const struct table_schema *a, const struct table_schema *b)
{
    if (strcmp(a->name, b->name) != 0 || a->rows != b->rows || a->ttl_ms != b->ttl_ms ||
        a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->column_count; i++) {
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0 ||
            a->columns[i].type != b->columns[i].type || a->columns[i].bytes != b->columns[i].bytes)
            return false;
    }
    return true;
}

static enum vd_err same_schema(const struct table_shared *shared, const struct table_schema *schema,
                               struct vd_error *error)
{
    const struct table_schema *old = &shared->schema;

    if (is_same(old, schema))
        return VD_OK;
    return vd_error_set(error, VD_ERR_EXISTS,
                        "table \"%s\" is there already with another schema (%llu rows of %u "
                        "columns, now %llu of %u); use another name, or the same schema",
                        schema->name, (unsigned long long)old->rows, old->column_count,
                        (unsigned long long)schema->rows, schema->column_count);
}

enum vd_err vd_table_make(struct vd_arena *arena, const struct vd_table_options *options,
                          struct vd_table **table, struct vd_error *error)
{
    char name[VD_ARENA_NAME_MAX + 1];
    struct table_schema schema;
    struct table_shared *shared;
    struct vd_error why = {0};
    size_t bytes = 0;
    enum vd_err result;

    *table = NULL;
    result = schema_init(&schema, options, error);
    if (result != VD_OK)
        return result;
    region_name(name, schema.name);
    shared = vd_arena_find(arena, name, &bytes);
    if (shared && shared->magic == TABLE_MAGIC) {
        if (bytes < sizeof(*shared) || !schema_is_sound(&shared->schema))
            return vd_error_set(error, VD_ERR_CORRUPT, "table \"%s\" is damaged", schema.name);
        result = same_schema(shared, &schema, error);
        return result == VD_OK ? vd_table_attach(shared, bytes, table, error) : result;
    }
    if (!shared) {
        bytes = shape_of(&schema).bytes;
        shared = vd_arena_allocate(arena, name, bytes, alignof(struct table_shared), &why);
    }
    if (!shared) {
        return vd_error_set(error, why.code, "table \"%s\" of %llu rows takes %zu bytes: %s",
                            schema.name, (unsigned long long)schema.rows, bytes, why.text);
    }
    result = check_memory(shared, bytes, &schema, error);
    return result == VD_OK ? begin(shared, &schema, table, error) : result;
}

enum vd_err vd_table_open(const struct vd_arena *arena, const char *name, struct vd_table **table,
                          struct vd_error *error)
{
    char region[VD_ARENA_NAME_MAX + 1];
    size_t bytes = 0;
    void *memory;

    *table = NULL;
    region_name(region, name);
    memory = strlen(name) <= VD_TABLE_NAME_MAX ? vd_arena_find(arena, region, &bytes) : NULL;
    if (!memory) {
        return vd_error_set(error, VD_ERR_NOT_FOUND,
                            "no table \"%.*s\"; make it before the processes are forked",
                            VD_TABLE_NAME_MAX, name);
    }
    return vd_table_attach(memory, bytes, table, error);
}

/* ---- what the handle knows ---------------------------------------------------------------------
 */

const char *vd_table_name(const struct vd_table *table)
{
    return table->schema.name;
}

uint64_t vd_table_capacity(const struct vd_table *table)
{
    return table->schema.rows;
}

uint64_t vd_table_ttl_ms(const struct vd_table *table)
{
    return table->schema.ttl_ms;
}

size_t vd_table_column_count(const struct vd_table *table)
{
    return table->schema.column_count;
}

const struct vd_column *vd_table_column_at(const struct vd_table *table, uint32_t column)
{
    return column < table->schema.column_count ? &table->columns[column] : NULL;
}

size_t vd_table_text_bytes(const struct vd_table *table)
{
    return table->shape.text_bytes;
}

enum vd_err vd_table_column(const struct vd_table *table, const char *name, size_t length,
                            uint32_t *column, struct vd_error *error)
{
    char all[160] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        const char *own = table->schema.columns[i].name;

        if (strlen(own) == length && memcmp(own, name, length) == 0) {
            *column = i;
            return VD_OK;
        }
        if (used < sizeof(all))
            used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", own);
    }
    return vd_error_set(error, VD_ERR_NOT_FOUND, "table \"%s\" has no column \"%.*s\"; it has %s",
                        table->schema.name,
                        length < VD_TABLE_NAME_MAX ? (int)length : VD_TABLE_NAME_MAX, name, all);
}
