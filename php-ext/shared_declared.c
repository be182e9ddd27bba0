/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and counters that viaduct.tables declares; the header tells whom they reach.
 *
 * Each has an arena of its own, as those of Store::make(), so that a reload can add some and leave
 * others out. Before php-fpm executes itself anew it ends its workers; nobody is in the middle of
 * anything then, and if somebody was killed there, the next writer puts it right.
 *
 * Failure modes, each a startup warning: the file is not there or is refused (what was taken over
 * stays, all of it); a table was declared anew in another way (the old one stays); the system gives
 * no memory (that table is not there, and Store says so). */
#include "shared_declared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <SAPI.h>

#include "global_state.h"
#include "shared_file.h"
#include "shared_state.h"

#define ENVIRONMENT    "VIADUCT_DECLARED"
#define TABLE_REGION   "table:"
#define COUNTER_REGION "counters"

struct vd_php_declared {
    struct vd_arena **arenas;
    size_t count;
    struct vd_arena **taken; /* over from before the reload; NULL where it is in use again */
    size_t taken_count;
    pid_t pid; /* of MINIT */
    int *open; /* for the program that this process may become */
    size_t open_count;
};

static void warn(const char *text)
{
    zend_error(E_CORE_WARNING, "viaduct.tables: %s", text);
}

/* ---- arenas -----------------------------------------------------------------------------------
 */

static bool list_add(struct vd_arena ***list, size_t *count, struct vd_arena *arena)
{
    struct vd_arena **longer = realloc(*list, (*count + 1) * sizeof(struct vd_arena *));
    if (!longer) {
        return false;
    }
    *list = longer;
    longer[(*count)++] = arena;
    return true;
}

/* What the process that this one was, before it executed itself, has left open. A number that
 * stands for something else by now is refused by the arena, and left alone. */
static void take_over(struct vd_php_declared *declared)
{
    const char *list = getenv(ENVIRONMENT);
    while (list && *list) {
        char *end;
        long fd = strtol(list, &end, 10);
        struct vd_arena *arena = NULL;
        struct vd_error error = {0};
        if (end == list || fd < 3 || fd > INT_MAX) {
            return;
        }
        if (vd_arena_attach_anywhere((int)fd, &arena, &error) != VD_OK) {
            warn(error.text);
        } else if (list_add(&declared->taken, &declared->taken_count, arena)) {
            close((int)fd); /* the arena has one of its own */
        } else {
            vd_arena_destroy(arena);
        }
        list = end + strspn(end, ",");
    }
}

/* The arena taken over that begins with that region, to be used again; NULL: none. */
static struct vd_arena *take(struct vd_php_declared *declared, const char *prefix, const char *name)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < declared->taken_count; i++) {
        struct vd_arena *arena = declared->taken[i];
        const char *region = arena ? vd_arena_region_at(arena, 0) : NULL;
        if (region && strncmp(region, prefix, length) == 0 && strcmp(region + length, name) == 0) {
            declared->taken[i] = NULL;
            return arena;
        }
    }
    return NULL;
}

static void drop_taken(struct vd_php_declared *declared)
{
    for (size_t i = 0; i < declared->taken_count; i++) {
        vd_arena_destroy(declared->taken[i]);
    }
    free(declared->taken);
    declared->taken = NULL;
    declared->taken_count = 0;
}

/* ---- tables -----------------------------------------------------------------------------------
 */

/* In the list of this process, and so of all that it forks. Takes over both. */
static bool publish_table(struct vd_php_declared *declared, struct vd_arena *arena,
                          struct vd_table *table)
{
    if (!list_add(&declared->arenas, &declared->count, arena)) {
        vd_table_close(table);
        vd_arena_destroy(arena);
        return false;
    }
    return vd_php_shared_add(table, arena, vd_php_global_state_is_name(vd_table_name(table))) ==
           VD_OK;
}

/* The table is there from before: with the same declaration, or the old one stays. */
static enum vd_err open_kept(struct vd_arena *arena, const struct vd_table_options *options,
                             struct vd_table **table, struct vd_error *error)
{
    enum vd_err result = vd_table_make(arena, options, table, error);
    if (result != VD_ERR_EXISTS) {
        return result;
    }
    zend_error(E_CORE_WARNING,
               "viaduct.tables: table \"%s\" is declared in another way than before the reload; it "
               "stays as it was, with its rows. A restart makes it anew",
               options->name);
    return vd_table_open(arena, options->name, table, error);
}

static void declare_table(struct vd_php_declared *declared, const struct vd_table_options *options)
{
    struct vd_arena *arena = take(declared, TABLE_REGION, options->name);
    struct vd_table *table = NULL;
    struct vd_error error = {0};
    if (arena && open_kept(arena, options, &table, &error) != VD_OK) {
        zend_error(E_CORE_WARNING,
                   "viaduct.tables: table \"%s\" cannot be taken over (%s): it begins anew",
                   options->name, error.text);
        vd_arena_destroy(arena);
        arena = NULL;
    }
    error.code = VD_OK;
    if (!arena) {
        error.code = vd_arena_create(vd_php_shared_table_bytes(options, NULL), &arena, &error);
        if (error.code == VD_OK) {
            error.code = vd_table_make(arena, options, &table, &error);
        }
    }
    if (error.code != VD_OK) {
        vd_arena_destroy(arena);
        zend_error(E_CORE_WARNING, "viaduct.tables: table \"%s\" is not there: %s", options->name,
                   error.text);
    } else if (!publish_table(declared, arena, table)) {
        warn("out of memory");
    }
}

/* ---- counters ---------------------------------------------------------------------------------
 */

static void declare_counters(struct vd_php_declared *declared,
                             const struct vd_php_declarations *wanted)
{
    struct vd_arena *arena = take(declared, COUNTER_REGION, "");
    struct vd_counter *counter;
    struct vd_error error = {0};
    if (!arena) {
        error.code = vd_arena_create(vd_php_shared_counter_bytes(), &arena, &error);
    }
    if (error.code == VD_OK && !list_add(&declared->arenas, &declared->count, arena)) {
        vd_arena_destroy(arena);
        return;
    }
    if (error.code == VD_OK) {
        error.code = vd_php_shared_use_counters(arena, &error);
    }
    for (size_t i = 0; error.code == VD_OK && i < wanted->counter_count; i++) {
        const struct vd_php_declared_counter *one = &wanted->counters[i];
        error.code = vd_counters_get(VIADUCT_G(shared)->counters, one->name, strlen(one->name),
                                     one->initial, &counter, &error);
    }
    if (error.code != VD_OK) {
        warn(error.text);
    }
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static void declare(struct vd_php_declared *declared, struct vd_php_declarations *wanted)
{
    struct vd_php_state_tables state;
    declare_counters(declared, wanted);
    for (size_t i = 0; i < wanted->table_count; i++) {
        struct vd_table_options options = vd_php_declared_options(wanted->tables[i]);
        declare_table(declared, &options);
    }
    if (wanted->global_rows) {
        vd_php_global_state_declare(&state, wanted->global_rows, wanted->global_bytes);
        declare_table(declared, &state.values);
        declare_table(declared, &state.leases);
    }
}

/* The file says nothing that could be used: all goes on as before. */
static void keep_all(struct vd_php_declared *declared)
{
    const struct vd_php_declarations nothing = {0};
    declare_counters(declared, &nothing);
    for (size_t i = 0; i < declared->taken_count; i++) {
        struct vd_arena *arena = declared->taken[i];
        const char *region = arena ? vd_arena_region_at(arena, 0) : NULL;
        struct vd_table *table = NULL;
        if (region && strncmp(region, TABLE_REGION, strlen(TABLE_REGION)) == 0 &&
            vd_table_open(arena, region + strlen(TABLE_REGION), &table, NULL) == VD_OK) {
            declared->taken[i] = NULL;
            publish_table(declared, arena, table);
        }
    }
}

/* For the program that php-fpm's master becomes by a reload: descriptors that outlive MSHUTDOWN,
 * which comes before it. */
static void leave_open(struct vd_php_declared *declared)
{
    size_t bytes = declared->count * 12 + 1;
    char *list = calloc(1, bytes);
    size_t used = 0;
    declared->open = calloc(declared->count + 1, sizeof(*declared->open));
    for (size_t i = 0; list && declared->open && i < declared->count; i++) {
        int fd = fcntl(vd_arena_fd(declared->arenas[i]), F_DUPFD, 3);
        if (fd >= 0) {
            declared->open[declared->open_count++] = fd;
            used += (size_t)snprintf(list + used, bytes - used, "%s%d", used ? "," : "", fd);
        }
    }
    if (!list || declared->open_count < declared->count || setenv(ENVIRONMENT, list, 1) != 0) {
        warn("out of memory or descriptors: a reload will make some tables anew");
    }
    free(list);
}

void vd_php_declared_startup(const char *path)
{
    struct vd_php_declarations wanted = {0};
    struct vd_php_declared *declared;
    struct vd_error error = {0};
    if (!path || !*path) {
        return;
    }
    declared = calloc(1, sizeof(*declared));
    if (!declared) {
        return;
    }
    declared->pid = getpid();
    VIADUCT_G(declared) = declared;
    take_over(declared);
    if (vd_php_declarations_read(path, &wanted, &error) == VD_OK) {
        declare(declared, &wanted);
    } else {
        zend_error(E_CORE_WARNING, "viaduct.tables: %s; %s", error.text,
                   declared->taken_count ? "all tables stay as they were before the reload"
                                         : "no table was made");
        keep_all(declared);
    }
    vd_php_declarations_free(&wanted);
    vd_php_global_state_find();
    drop_taken(declared);
    leave_open(declared);
}

void vd_php_declared_request_begin(void)
{
    struct vd_php_declared *declared = VIADUCT_G(declared);
    if (EXPECTED(!declared || !declared->open)) {
        return;
    }
    if (getpid() == declared->pid && strcmp(sapi_module.name, "fpm-fcgi") == 0) {
        return; /* OPcache preloads: a request in the master itself */
    }
    for (size_t i = 0; i < declared->open_count; i++) {
        close(declared->open[i]);
    }
    unsetenv(ENVIRONMENT);
    free(declared->open);
    declared->open = NULL;
}

void vd_php_declared_shutdown(void)
{
    struct vd_php_declared *declared = VIADUCT_G(declared);
    if (!declared) {
        return;
    }
    for (size_t i = 0; i < declared->count; i++) {
        vd_arena_destroy(declared->arenas[i]);
    }
    free(declared->arenas);
    free(declared->open); /* and leave them open */
    free(declared);
    VIADUCT_G(declared) = NULL;
}
