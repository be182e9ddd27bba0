/* SPDX-License-Identifier: Apache-2.0 */
/* A rate limiter and a counter that processes share: three clients ask four processes, and each may
 * be served five times a minute, all processes together.
 *
 *     cc table.c $(pkg-config --cflags --libs viaduct) && ./a.out */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/viaduct.h>

#define PROCESSES 4
#define LIMIT     5

static const struct vd_column columns[] = {
    {"requests", VD_COLUMN_INT, 4},
    {"note", VD_COLUMN_STRING, 40},
};

static void check(enum vd_err result, const struct vd_error *error)
{
    if (result == VD_OK)
        return;
    fprintf(stderr, "%s\n", error->text);
    exit(1);
}

/* Counting and looking at the limit are one step: two processes cannot both be the fifth. */
static void serve(struct vd_table *table, struct vd_counter *served, const char *client)
{
    struct vd_error error;
    int64_t requests;

    check(vd_table_incr_window(table, client, strlen(client), 0, 1, 60000, vd_monotonic_ms() + 1,
                               &requests, NULL, &error),
          &error);
    if (requests <= LIMIT)
        check(vd_counter_add(served, 1, NULL, &error), &error);
}

static void work(struct vd_table *table, struct vd_counter *served)
{
    for (int i = 0; i < 3; i++) {
        serve(table, served, "ann");
        serve(table, served, "bob");
    }
    serve(table, served, "eve");
}

/* Readers never wait, whatever happens to those who write. */
static void report(struct vd_table *table)
{
    static const char *const clients[] = {"ann", "bob", "eve"};

    for (int i = 0; i < 3; i++) {
        struct vd_table_value requests = {.integer = 0};
        struct vd_error error;

        check(
            vd_table_get_field(table, clients[i], 3, 0, vd_monotonic_ms(), &requests, NULL, &error),
            &error);
        printf("%s asked %lld times\n", clients[i], (long long)requests.integer);
    }
}

int main(void)
{
    struct vd_table_options options = {
        .name = "rate", .rows = 1000, .columns = columns, .column_count = 2};
    struct vd_table_change too_long = {
        1, {.string = {"a note that does not fit into forty bytes", 41}}};
    struct vd_arena *arena = NULL;
    struct vd_table *table = NULL;
    struct vd_counters *counters = NULL;
    struct vd_counter *served = NULL;
    struct vd_error error = {0};

    /* before the fork: the children inherit memory and handles */
    check(vd_arena_create(4 * 1024 * 1024, &arena, &error), &error);
    check(vd_table_make(arena, &options, &table, &error), &error);
    check(vd_counters_make(arena, 16, &counters, &error), &error);
    check(vd_counters_get(counters, "served", 6, 0, &served, &error), &error);

    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            work(table, served);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    report(table);
    printf("%lld served\n", (long long)vd_counter_get(served));
    if (vd_table_set(table, "ann", 3, &too_long, 1, vd_monotonic_ms(), &error) != VD_OK)
        printf("%s: %s\n", vd_err_name(error.code), error.text);

    vd_table_close(table);
    vd_arena_destroy(arena);
    return 0;
}
