/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to do the same, turn by turn: see duel.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "bench.h"
#include "duel.h"

#define ROUNDS        15
#define LATENCIES_MAX 20000

struct duel_turn {
    unsigned batch, wanted, begun; /* batches begun, the first of which is not measured */
    uint64_t began_us, batch_us, took_us;
    double began_cpu_us, took_cpu_us;
    uint32_t *latencies_us;
    unsigned latency_count;
};

/* What a turn's process tells before it ends. */
struct result {
    double per_second, cpu_us, p50_us, p99_us;
};

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

bool duel_next_batch(struct duel_turn *turn)
{
    if (turn->begun == 1) {
        turn->began_cpu_us = cpu_us();
        turn->began_us = vd_monotonic_us();
    }
    if (turn->begun > 1 && turn->batch == 1 && turn->latency_count < LATENCIES_MAX) {
        uint64_t took_us = vd_monotonic_us() - turn->batch_us;
        turn->latencies_us[turn->latency_count++] = (uint32_t)took_us;
    }
    if (turn->begun > turn->wanted) {
        turn->took_us = vd_monotonic_us() - turn->began_us;
        turn->took_cpu_us = cpu_us() - turn->began_cpu_us;
        return false;
    }
    turn->begun++;
    if (turn->batch == 1)
        turn->batch_us = vd_monotonic_us();
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static struct result sum_up(struct duel_turn *turn)
{
    double messages = (double)turn->wanted * turn->batch;
    struct result result = {
        .per_second = messages * 1e6 / (double)turn->took_us,
        .cpu_us = turn->took_cpu_us / messages,
    };

    if (turn->latency_count > 0) {
        qsort(turn->latencies_us, turn->latency_count, sizeof(uint32_t), by_value);
        result.p50_us = turn->latencies_us[turn->latency_count / 2];
        result.p99_us = turn->latencies_us[(uint64_t)turn->latency_count * 99 / 100];
    }
    return result;
}

/* In a process of its own. */
_Noreturn static void take_turn(const struct duel_side *side, const char *url, unsigned batch,
                                unsigned messages, int fd)
{
    struct duel_turn turn = {.batch = batch, .wanted = messages / batch};
    struct result result;

    turn.latencies_us = calloc(LATENCIES_MAX, sizeof(*turn.latencies_us));
    if (!turn.latencies_us)
        bench_die("no memory");
    side->run(&turn, url, batch);
    result = sum_up(&turn);
    free(turn.latencies_us);
    if (write(fd, &result, sizeof(result)) != sizeof(result))
        bench_die("pipe");
    _exit(0); /* what a library would still do at exit is not measured */
}

static struct result ask_for_turn(const struct duel_side *side, const char *url, unsigned batch,
                                  unsigned messages)
{
    struct result result;
    int ends[2], status;
    pid_t pid;

    fflush(stdout);
    if (pipe(ends) != 0 || (pid = fork()) < 0)
        bench_die("no process");
    if (pid == 0)
        take_turn(side, url, batch, messages, ends[1]);
    close(ends[1]);
    if (read(ends[0], &result, sizeof(result)) != sizeof(result))
        bench_die("a turn ended before it was over");
    close(ends[0]);
    waitpid(pid, &status, 0);
    return result;
}

/* The medians of the turns of one side. */
static struct result medians(const struct result *results)
{
    double columns[4][ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        columns[0][i] = results[i].per_second;
        columns[1][i] = results[i].cpu_us;
        columns[2][i] = results[i].p50_us;
        columns[3][i] = results[i].p99_us;
    }
    return (struct result){bench_median(columns[0], ROUNDS), bench_median(columns[1], ROUNDS),
                           bench_median(columns[2], ROUNDS), bench_median(columns[3], ROUNDS)};
}

static void row(const struct duel_side *theirs, const struct duel_side *ours, const char *url,
                unsigned batch, unsigned messages)
{
    struct result their_turns[ROUNDS], our_turns[ROUNDS], their, our;
    double ratios[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        their_turns[round] = ask_for_turn(theirs, url, batch, messages);
        our_turns[round] = ask_for_turn(ours, url, batch, messages);
        ratios[round] = our_turns[round].per_second / their_turns[round].per_second;
    }
    their = medians(their_turns);
    our = medians(our_turns);
    printf("%-8u %14.0f %14.0f %8.2f %12.2f %12.2f\n", batch, their.per_second, our.per_second,
           bench_median(ratios, ROUNDS), their.cpu_us, our.cpu_us);
    if (batch == 1) {
        printf("  each   p50 %7.0f us %11.0f us\n", their.p50_us, our.p50_us);
        printf("         p99 %7.0f us %11.0f us\n", their.p99_us, our.p99_us);
    }
    fflush(stdout);
}

void duel(const struct duel_side *theirs, const struct duel_side *ours, const char *url,
          const unsigned *batches, unsigned count, unsigned messages)
{
    char heads[4][32];

    snprintf(heads[0], sizeof(heads[0]), "%s msg/s", theirs->name);
    snprintf(heads[1], sizeof(heads[1]), "%s msg/s", ours->name);
    snprintf(heads[2], sizeof(heads[2]), "%s us", theirs->name);
    snprintf(heads[3], sizeof(heads[3]), "%s us", ours->name);
    printf("%-8s %14s %14s %8s %12s %12s\n", "batch", heads[0], heads[1], "ratio", heads[2],
           heads[3]);
    for (unsigned i = 0; i < count; i++) {
        unsigned n = batches[i] == 1 ? messages / 50 : batches[i] < 1000 ? messages / 4 : messages;
        row(theirs, ours, url, batches[i], n);
    }
}
