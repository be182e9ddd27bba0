/* SPDX-License-Identifier: Apache-2.0 */
/* The list of tables and counters of this process; the header tells how it is shared.
 *
 * Failure modes: made where nobody else could see it (NotSharedException); the system gives no
 * memory (SharedMemoryException). Nothing is taken away before the process ends: other processes
 * may use it. */
#include "shared_state.h"

#include <SAPI.h>
#include <Zend/zend_smart_str.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "state_error.h"

#define SLOTS_FIRST 64

/* ---- life -------------------------------------------------------------------------------------
 */

bool vd_php_shared_startup(void)
{
    struct vd_php_shared *shared = calloc(1, sizeof(*shared));
    if (!shared) {
        return false;
    }
    shared->table_slots = calloc(SLOTS_FIRST, sizeof(*shared->table_slots));
    if (!shared->table_slots) {
        free(shared);
        return false;
    }
    shared->startup_pid = getpid();
    shared->slot_mask = SLOTS_FIRST - 1;
    shared->state_rows = 1024;
    shared->state_value_bytes = 4096;
    VIADUCT_G(shared) = shared;
    return true;
}

static void name_finish(struct vd_php_name *name)
{
    free(name->own);
}

static void table_free(struct vd_php_table *table)
{
    vd_table_close(table->table);
    vd_arena_destroy(table->arena);
    name_finish(&table->name);
    for (uint32_t i = 0; i < table->column_count; i++) {
        name_finish(&table->columns[i].name);
    }
    free(table->text);
    free(table);
}

void vd_php_shared_shutdown(void)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    if (!shared) {
        return;
    }
    for (uint32_t i = 0; i < shared->table_count; i++) {
        table_free(shared->tables[i]);
    }
    vd_arena_destroy(shared->counter_arena);
    free(shared->tables);
    free(shared->table_slots);
    free(shared);
    VIADUCT_G(shared) = NULL;
}

/* Interned strings of the request end with it. */
static void forget_seen(void)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    for (uint32_t i = 0; i < shared->table_count; i++) {
        struct vd_php_table *table = shared->tables[i];
        table->name.seen = NULL;
        for (uint32_t j = 0; j < table->column_count; j++) {
            table->columns[j].name.seen = NULL;
        }
    }
}

/* Once more: a stream of the user's that is closed after RSHUTDOWN may have used a table. */
void vd_php_shared_request_begin(void)
{
    forget_seen();
    VIADUCT_G(shared)->script_pid = getpid();
}

void vd_php_shared_request_end(void)
{
    forget_seen();
}

/* ---- where ------------------------------------------------------------------------------------
 */

/* php -S has one process, unless told otherwise; then the first one serves, too. */
static bool is_one_of_built_in_servers(void)
{
    const char *workers = getenv("PHP_CLI_SERVER_WORKERS");
    return strcmp(sapi_module.name, "cli-server") == 0 && workers && atoi(workers) > 1;
}

/* By its name, or since it was forked after MINIT, as web servers do. */
static bool is_one_of_many_servers(void)
{
    static const char *const names[] = {"fpm-fcgi", "cgi-fcgi", "apache2handler", "litespeed"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(sapi_module.name, names[i]) == 0) {
            return true;
        }
    }
    return is_one_of_built_in_servers() ||
           VIADUCT_G(shared)->startup_pid != VIADUCT_G(shared)->script_pid;
}

bool vd_php_shared_may_make(const char *what)
{
    const char *where = NULL;
    if (VIADUCT_G(run)) {
        where = "in a worker: the other workers would not see it; call it before run()";
    } else if (is_one_of_many_servers()) {
        where = "in a web server's process: the others would not see it; declare it in the file "
                "that viaduct.tables names";
    } else if (getpid() != VIADUCT_G(shared)->script_pid) {
        where = "in a forked process: its parent and siblings would not see it; call it before "
                "pcntl_fork()";
    }
    if (where) {
        zend_throw_exception_ex(vd_ce_not_shared_exception, 0, "%s %s", what, where);
    }
    return !where;
}

/* ---- names ------------------------------------------------------------------------------------
 */

static bool name_init(struct vd_php_name *name, const char *text)
{
    size_t length = strlen(text);
    zend_string *own = malloc(ZEND_MM_ALIGNED_SIZE(_ZSTR_STRUCT_SIZE(length)));
    if (!own) {
        return false;
    }
    GC_SET_REFCOUNT(own, 1);
    GC_TYPE_INFO(own) =
        GC_STRING | ((IS_STR_INTERNED | IS_STR_PERMANENT | IS_STR_PERSISTENT) << GC_FLAGS_SHIFT);
    ZSTR_H(own) = 0;
    ZSTR_LEN(own) = length;
    memcpy(ZSTR_VAL(own), text, length + 1);
    zend_string_hash_val(own);
    name->own = own;
    name->seen = NULL;
    return true;
}

static void slot_put(struct vd_php_table **slots, uint32_t mask, struct vd_php_table *table)
{
    zend_ulong slot = ZSTR_H(table->name.own);
    while (slots[slot & mask]) {
        slot++;
    }
    slots[slot & mask] = table;
}

/* At most half full. */
static bool slots_grow(struct vd_php_shared *shared)
{
    uint32_t count = (shared->slot_mask + 1) * 2;
    struct vd_php_table **slots = calloc(count, sizeof(struct vd_php_table *));
    if (!slots) {
        return false;
    }
    for (uint32_t i = 0; i < shared->table_count; i++) {
        slot_put(slots, count - 1, shared->tables[i]);
    }
    free(shared->table_slots);
    shared->table_slots = slots;
    shared->slot_mask = count - 1;
    return true;
}

static bool list_append(struct vd_php_table *table)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    struct vd_php_table **list =
        realloc(shared->tables, (shared->table_count + 1) * sizeof(struct vd_php_table *));
    if (!list) {
        return false;
    }
    shared->tables = list;
    if ((shared->table_count + 1) * 2 > shared->slot_mask && !slots_grow(shared)) {
        return false;
    }
    list[shared->table_count++] = table;
    slot_put(shared->table_slots, shared->slot_mask, table);
    return true;
}

struct vd_php_table *vd_php_shared_find(const char *name, size_t length)
{
    const struct vd_php_shared *shared = VIADUCT_G(shared);
    for (uint32_t i = 0; i < shared->table_count; i++) {
        const zend_string *own = shared->tables[i]->name.own;
        if (ZSTR_LEN(own) == length && memcmp(ZSTR_VAL(own), name, length) == 0) {
            return shared->tables[i];
        }
    }
    return NULL;
}

/* ---- tables -----------------------------------------------------------------------------------
 */

static bool columns_init(struct vd_php_table *entry)
{
    for (uint32_t i = 0; i < entry->column_count; i++) {
        const struct vd_column *column = vd_table_column_at(entry->table, i);
        zend_ulong slot;
        if (!name_init(&entry->columns[i].name, column->name)) {
            return false;
        }
        entry->columns[i].type = column->type;
        entry->columns[i].bytes = column->bytes;
        slot = ZSTR_H(entry->columns[i].name.own);
        while (entry->column_slots[slot % VD_PHP_COLUMN_SLOTS]) {
            slot++;
        }
        entry->column_slots[slot % VD_PHP_COLUMN_SLOTS] = (uint8_t)(i + 1);
    }
    return true;
}

/* Takes over @table and @arena; frees both when it fails. */
static struct vd_php_table *entry_create(struct vd_table *table, struct vd_arena *arena,
                                         uint64_t ttl_ms, bool internal)
{
    size_t columns = vd_table_column_count(table);
    struct vd_php_table *entry = calloc(1, sizeof(*entry) + columns * sizeof(entry->columns[0]));
    if (!entry) {
        vd_table_close(table);
        vd_arena_destroy(arena);
        return NULL;
    }
    entry->table = table;
    entry->arena = arena;
    entry->ttl_ms = ttl_ms;
    entry->internal = internal;
    entry->column_count = (uint32_t)columns;
    if (!name_init(&entry->name, vd_table_name(table)) || !columns_init(entry) ||
        !list_append(entry)) {
        table_free(entry);
        return NULL;
    }
    return entry;
}

static void *find_or_allocate(struct vd_arena *arena, const char *name, size_t bytes,
                              struct vd_error *error)
{
    void *there = vd_arena_find(arena, name, NULL);
    return there ? there : vd_arena_allocate(arena, name, bytes, 64, error);
}

/* What stands beside a table, found or made in its arena. */
static void entry_beside(struct vd_php_table *entry, struct vd_arena *arena)
{
    entry->windows = find_or_allocate(arena, "windows", 64, NULL);
    if (entry->internal) {
        VIADUCT_G(shared)->leases_done = find_or_allocate(arena, "leases done", 64, NULL);
    }
}

size_t vd_php_shared_table_bytes(const struct vd_table_options *options, struct vd_error *error)
{
    size_t bytes = vd_table_bytes(options, error);
    return bytes ? VD_ARENA_HEADER_BYTES + bytes + 128 : 0;
}

enum vd_err vd_php_shared_add(struct vd_table *table, struct vd_arena *arena, bool internal)
{
    struct vd_php_table *entry = entry_create(table, NULL, vd_table_ttl_ms(table), internal);
    if (!entry) {
        return VD_ERR_NO_MEMORY;
    }
    entry_beside(entry, arena);
    return VD_OK;
}

static struct vd_php_table *make_new(const struct vd_table_options *options, bool internal)
{
    struct vd_error error = {0};
    struct vd_arena *arena;
    struct vd_table *table;
    struct vd_php_table *entry;
    size_t bytes = vd_php_shared_table_bytes(options, &error);
    if (bytes == 0) {
        vd_php_state_throw(&error, vd_ce_schema_exception);
        return NULL;
    }
    error.code = vd_arena_create(bytes, &arena, &error);
    if (error.code != VD_OK) {
        zend_throw_exception_ex(vd_ce_shared_memory_exception, 0,
                                "table \"%s\" takes %zu bytes of shared memory: %s", options->name,
                                bytes, error.text);
        return NULL;
    }
    error.code = vd_table_make(arena, options, &table, &error);
    if (error.code != VD_OK) {
        vd_arena_destroy(arena);
        vd_php_state_throw(&error, vd_ce_shared_memory_exception);
        return NULL;
    }
    entry = entry_create(table, arena, options->ttl_ms, internal);
    if (entry) {
        entry_beside(entry, arena);
    } else {
        zend_throw_exception(vd_ce_shared_memory_exception, "out of memory", 0);
    }
    return entry;
}

static bool is_same(const struct vd_php_table *entry, const struct vd_table_options *options)
{
    if (vd_table_capacity(entry->table) != options->rows || entry->ttl_ms != options->ttl_ms ||
        entry->column_count != options->column_count) {
        return false;
    }
    for (uint32_t i = 0; i < entry->column_count; i++) {
        const struct vd_column *column = &options->columns[i];
        if (strcmp(ZSTR_VAL(entry->columns[i].name.own), column->name) != 0 ||
            entry->columns[i].type != column->type || entry->columns[i].bytes != column->bytes) {
            return false;
        }
    }
    return true;
}

static void describe(smart_str *text, uint64_t rows, uint64_t ttl_ms)
{
    smart_str_append_printf(text, "; %" PRIu64 " rows", rows);
    if (ttl_ms) {
        smart_str_append_printf(text, ", ttl %g s", (double)ttl_ms / 1000);
    }
}

static ZEND_COLD void throw_another(const struct vd_php_table *there,
                                    const struct vd_table_options *options)
{
    smart_str text = {0};
    smart_str_append_printf(&text, "table \"%s\" is there already, declared as (", options->name);
    for (uint32_t i = 0; i < there->column_count; i++) {
        const struct vd_php_column *column = &there->columns[i];
        smart_str_append_printf(&text, "%s%s %s %u", i ? ", " : "", ZSTR_VAL(column->name.own),
                                vd_column_type_name(column->type), column->bytes);
    }
    describe(&text, vd_table_capacity(there->table), there->ttl_ms);
    smart_str_appends(&text, "), and now as (");
    for (size_t i = 0; i < options->column_count; i++) {
        const struct vd_column *column = &options->columns[i];
        smart_str_append_printf(&text, "%s%s %s %u", i ? ", " : "", column->name,
                                vd_column_type_name(column->type), column->bytes);
    }
    describe(&text, options->rows, options->ttl_ms);
    smart_str_appends(&text, "): use another name, or the same declaration");
    smart_str_0(&text);
    zend_throw_exception(vd_ce_schema_exception, ZSTR_VAL(text.s), 0);
    smart_str_free(&text);
}

struct vd_php_table *vd_php_shared_make_table(const struct vd_table_options *options, bool internal)
{
    struct vd_php_table *there = vd_php_shared_find(options->name, strlen(options->name));
    struct vd_error error = {0};
    if (vd_table_bytes(options, &error) == 0) {
        vd_php_state_throw(&error, vd_ce_schema_exception);
        return NULL;
    }
    if (there && is_same(there, options)) {
        return there;
    }
    if (there) {
        throw_another(there, options);
        return NULL;
    }
    if (!internal && !vd_php_shared_may_make("Store::make() makes a table")) {
        return NULL;
    }
    return make_new(options, internal);
}

char *vd_php_table_text(struct vd_php_table *table)
{
    if (UNEXPECTED(!table->text)) {
        table->text = pemalloc(vd_table_text_bytes(table->table) + 1, 1);
    }
    return table->text;
}

uint64_t vd_php_table_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
}

struct vd_shared_state vd_php_shared_list(void)
{
    const struct vd_php_shared *shared = VIADUCT_G(shared);
    struct vd_table **tables = pecalloc(shared->table_count + 1, sizeof(struct vd_table *), 1);
    for (uint32_t i = 0; i < shared->table_count; i++) {
        tables[i] = shared->tables[i]->table;
    }
    return (struct vd_shared_state){
        .tables = tables, .table_count = shared->table_count, .counters = shared->counters};
}

/* ---- counters ---------------------------------------------------------------------------------
 */

size_t vd_php_shared_counter_bytes(void)
{
    return 2 * VD_ARENA_HEADER_BYTES + vd_counters_bytes(VD_PHP_COUNTER_NAMES) +
           VD_PHP_COUNTER_CELLS * sizeof(struct vd_counter);
}

enum vd_err vd_php_shared_use_counters(struct vd_arena *arena, struct vd_error *error)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    struct vd_counters *counters = NULL;
    struct vd_error why = {0};
    enum vd_err result = vd_counters_make(arena, VD_PHP_COUNTER_NAMES, &counters, error);
    if (result != VD_OK) {
        return result;
    }
    shared->cells_used = find_or_allocate(arena, "counter cells used", 64, &why);
    shared->cells = find_or_allocate(arena, "counter cells",
                                     VD_PHP_COUNTER_CELLS * sizeof(struct vd_counter), &why);
    if (!shared->cells_used || !shared->cells) {
        return vd_error_set(error, why.code, "%s", why.text);
    }
    shared->counters = counters;
    return VD_OK;
}

bool vd_php_shared_make_counters(void)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    struct vd_error error = {0};
    struct vd_arena *arena;
    if (shared->counters) {
        return true;
    }
    error.code = vd_arena_create(vd_php_shared_counter_bytes(), &arena, &error);
    if (error.code == VD_OK) {
        error.code = vd_php_shared_use_counters(arena, &error);
    }
    if (error.code != VD_OK) {
        vd_arena_destroy(arena);
        vd_php_state_throw(&error, vd_ce_shared_memory_exception);
        return false;
    }
    shared->counter_arena = arena;
    return true;
}
