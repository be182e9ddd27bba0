/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to hand a frame to another process, and to wake a sleeping one.
 *
 *     ring_bench [--json]
 *
 * - one process: reserve, copy 100 bytes, commit, peek, read them, release; no other core.
 * - two processes: the same between a writer and a reader that each sleep on a doorbell when they
 *   have nothing to do; the doorbell is rung after every frame, as the server does.
 * - wake-up: from before publishing to a reader that slept in poll(2) to its first look.
 *
 * The last two are measured with both processes pinned to one core, where every ring of the bell is
 * a switch to the reader, and to two, where writer and reader overlap. Left to the scheduler, the
 * numbers would say which of the two it chose.
 *
 * Five rounds, the best one counts: on a shared machine the others measure the neighbours. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/arena.h>
#include <viaduct/ring.h>

#define ROUNDS        5
#define PAYLOAD_BYTES 100
#define FRAMES        1000000u
#define WAKEUPS       2000u
#define RING_BYTES    ((size_t)1024 * 1024)
#define PATIENCE      2000 /* looks at an empty ring before going to sleep */
#define SETTLE_NS     50000u

/* Of writer and reader on the same core, on two. */
enum placement { ONE_CORE, TWO_CORES, PLACEMENTS };

struct lane {
    struct vd_ring *ring;
    struct vd_doorbell *reader_bell;
    struct vd_doorbell *writer_bell;
    cpu_set_t allowed;
    enum placement placement;
};

struct results {
    double one_process_ns;
    struct {
        double frame_ns;
        double wakeup_p50_us;
        double wakeup_p99_us;
    } two_processes[PLACEMENTS];
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "ring_bench: %s\n", what);
        exit(1);
    }
}

/* A reader's share of work: every byte is looked at. */
static uint64_t sum_of(const struct vd_frame *frame)
{
    uint64_t sum = 0;
    uint64_t word;

    for (uint32_t i = 0; i + sizeof(word) <= frame->length; i += sizeof(word)) {
        memcpy(&word, frame->payload + i, sizeof(word));
        sum += word;
    }
    return sum;
}

/* Keeps the compiler from leaving out what nobody reads. */
static void consume(uint64_t value)
{
    __asm__ volatile("" : : "r"(value));
}

static void sleep_on(struct vd_doorbell *bell)
{
    struct pollfd item = {.fd = bell->fd, .events = POLLIN};

    require(poll(&item, 1, 10000) == 1, "nobody rang for 10 s");
}

static bool publish(struct vd_ring_producer *producer, const void *payload)
{
    struct vd_frame *frame = vd_ring_reserve(producer, PAYLOAD_BYTES, 1, 0, 1);

    if (!frame)
        return false;
    memcpy(frame->payload, payload, PAYLOAD_BYTES);
    vd_ring_commit(producer);
    return true;
}

static void wait_for_room(struct lane *lane, struct vd_ring_producer *producer)
{
    while (!vd_ring_has_room(producer, PAYLOAD_BYTES)) {
        vd_doorbell_arm(lane->writer_bell);
        if (!vd_ring_has_room(producer, PAYLOAD_BYTES))
            sleep_on(lane->writer_bell);
        vd_doorbell_disarm(lane->writer_bell);
    }
}

static const struct vd_frame *wait_for_frame(struct lane *lane, struct vd_ring_consumer *consumer,
                                             int patience)
{
    const struct vd_frame *frame = NULL;

    for (;;) {
        enum vd_err result = VD_ERR_EMPTY;

        for (int i = 0; i <= patience && result == VD_ERR_EMPTY; i++)
            result = vd_ring_peek(consumer, &frame);
        if (result == VD_OK)
            return frame;
        require(result == VD_ERR_EMPTY, "the ring is damaged");
        vd_doorbell_arm(lane->reader_bell);
        result = vd_ring_peek(consumer, &frame);
        if (result == VD_ERR_EMPTY)
            sleep_on(lane->reader_bell);
        vd_doorbell_disarm(lane->reader_bell);
    }
}

/* Pin this process to the @index-th core that it may use; with only one there is no second. */
static bool pin(const cpu_set_t *allowed, int index)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET((size_t)core, allowed) && index-- == 0) {
            CPU_SET((size_t)core, &one);
            return sched_setaffinity(0, sizeof(one), &one) == 0;
        }
    }
    return false;
}

/* @body in a child that does not outlive this process, on the core that @lane says. */
static pid_t start(void (*body)(struct lane *), struct lane *lane)
{
    pid_t child = fork();

    require(child >= 0, "fork failed");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        require(pin(&lane->allowed, lane->placement == TWO_CORES ? 1 : 0), "no second core");
        body(lane);
        _exit(0);
    }
    return child;
}

static void finish(pid_t child)
{
    int status = 0;

    require(waitpid(child, &status, 0) == child && status == 0, "the writer failed");
}

static double measure_one_process(struct lane *lane)
{
    static const char payload[PAYLOAD_BYTES] = "payload";
    struct vd_ring_producer producer;
    struct vd_ring_consumer consumer;
    const struct vd_frame *frame = NULL;
    uint64_t sum = 0;
    uint64_t start_ns;

    require(vd_ring_init(lane->ring, RING_BYTES) == VD_OK &&
                vd_ring_producer_init(&producer, lane->ring) == VD_OK &&
                vd_ring_consumer_init(&consumer, lane->ring) == VD_OK,
            "no ring");
    start_ns = now_ns();
    for (uint32_t i = 0; i < FRAMES; i++) {
        require(publish(&producer, payload), "no room");
        require(vd_ring_peek(&consumer, &frame) == VD_OK, "no frame");
        sum += sum_of(frame);
        vd_ring_release(&consumer);
    }
    consume(sum);
    return (double)(now_ns() - start_ns) / FRAMES;
}

static void write_frames(struct lane *lane)
{
    static const char payload[PAYLOAD_BYTES] = "payload";
    struct vd_ring_producer producer;

    require(vd_ring_producer_init(&producer, lane->ring) == VD_OK, "no ring");
    for (uint32_t i = 0; i < FRAMES; i++) {
        while (!publish(&producer, payload))
            wait_for_room(lane, &producer);
        vd_doorbell_ring(lane->reader_bell);
    }
}

static double measure_two_processes(struct lane *lane)
{
    struct vd_ring_consumer consumer;
    uint64_t sum = 0;
    uint64_t start_ns = 0;
    double result;
    pid_t child;

    require(vd_ring_init(lane->ring, RING_BYTES) == VD_OK &&
                vd_ring_consumer_init(&consumer, lane->ring) == VD_OK,
            "no ring");
    child = start(write_frames, lane);
    for (uint32_t i = 0; i < FRAMES; i++) {
        sum += sum_of(wait_for_frame(lane, &consumer, PATIENCE));
        if (i == 0)
            start_ns = now_ns();
        if (vd_ring_release(&consumer))
            vd_doorbell_ring(lane->writer_bell);
    }
    result = (double)(now_ns() - start_ns) / FRAMES;
    finish(child);
    consume(sum);
    return result;
}

/* Each frame finds a reader that has been asleep for a while. */
static void write_wakeups(struct lane *lane)
{
    struct vd_ring_producer producer;
    uint64_t stamp[PAYLOAD_BYTES / 8 + 1] = {0};

    require(vd_ring_producer_init(&producer, lane->ring) == VD_OK, "no ring");
    for (uint32_t i = 0; i < WAKEUPS; i++) {
        uint64_t deadline = now_ns() + 10000000000u;

        while (vd_ring_depth_bytes(lane->ring) > 0 || !atomic_load(&lane->reader_bell->sleeping))
            require(now_ns() < deadline, "the reader does not go to sleep");
        for (uint64_t end = now_ns() + SETTLE_NS; now_ns() < end;)
            ;
        stamp[0] = now_ns();
        require(publish(&producer, stamp), "no room");
        vd_doorbell_ring(lane->reader_bell);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static double microseconds(uint64_t nanoseconds)
{
    return (double)nanoseconds / 1000;
}

static void measure_wakeups(struct lane *lane, double *p50_us, double *p99_us)
{
    static uint64_t taken[WAKEUPS];
    struct vd_ring_consumer consumer;
    pid_t child;

    require(vd_ring_init(lane->ring, RING_BYTES) == VD_OK &&
                vd_ring_consumer_init(&consumer, lane->ring) == VD_OK,
            "no ring");
    child = start(write_wakeups, lane);
    for (uint32_t i = 0; i < WAKEUPS; i++) {
        const struct vd_frame *frame = wait_for_frame(lane, &consumer, 0);
        uint64_t stamp;

        memcpy(&stamp, frame->payload, sizeof(stamp));
        taken[i] = now_ns() - stamp;
        vd_ring_release(&consumer);
    }
    finish(child);
    qsort(taken, WAKEUPS, sizeof(taken[0]), compare);
    *p50_us = microseconds(taken[WAKEUPS / 2]);
    *p99_us = microseconds(taken[WAKEUPS * 99 / 100]);
}

static void keep_best(double *best, double now)
{
    if (*best == 0 || now < *best)
        *best = now;
}

static struct results measure(struct lane *lane)
{
    int cores = CPU_COUNT(&lane->allowed);
    struct results best = {0};

    for (int round = 0; round < ROUNDS; round++) {
        keep_best(&best.one_process_ns, measure_one_process(lane));
        for (int p = ONE_CORE; p < PLACEMENTS && p < cores; p++) {
            double p50_us;
            double p99_us;

            lane->placement = p;
            keep_best(&best.two_processes[p].frame_ns, measure_two_processes(lane));
            measure_wakeups(lane, &p50_us, &p99_us);
            keep_best(&best.two_processes[p].wakeup_p50_us, p50_us);
            keep_best(&best.two_processes[p].wakeup_p99_us, p99_us);
        }
    }
    return best;
}

static void report_json(const struct results *results, int placements)
{
    static const char *const names[] = {"one_core", "two_cores"};

    printf("{\"bench\":\"ring\",\"payload_bytes\":%d,\"one_process_ns_per_frame\":%.1f",
           PAYLOAD_BYTES, results->one_process_ns);
    for (int p = 0; p < placements; p++) {
        printf(",\"%s\":{\"ns_per_frame\":%.1f,\"frames_per_s\":%.0f,\"wakeup_p50_us\":%.2f,"
               "\"wakeup_p99_us\":%.2f}",
               names[p], results->two_processes[p].frame_ns,
               1e9 / results->two_processes[p].frame_ns, results->two_processes[p].wakeup_p50_us,
               results->two_processes[p].wakeup_p99_us);
    }
    printf("}\n");
}

static void report_text(const struct results *results, int placements)
{
    static const char *const names[] = {"on one core", "on two cores"};

    printf("frames of %d bytes\n", PAYLOAD_BYTES);
    printf("one process                 %7.1f ns/frame\n", results->one_process_ns);
    for (int p = 0; p < placements; p++) {
        printf("two processes %-12s  %7.1f ns/frame  %9.0f frames/s   wake-up %6.2f us p50  "
               "%6.2f us p99\n",
               names[p], results->two_processes[p].frame_ns,
               1e9 / results->two_processes[p].frame_ns, results->two_processes[p].wakeup_p50_us,
               results->two_processes[p].wakeup_p99_us);
    }
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    struct vd_arena *arena = NULL;
    struct vd_error error = {0};
    struct results results;
    struct lane lane;
    int placements;

    if (argc > 2 || (argc == 2 && !json)) {
        fprintf(stderr, "usage: ring_bench [--json]\n");
        return 2;
    }
    require(vd_arena_create(4 * RING_BYTES, &arena, &error) == VD_OK, error.text);
    lane.ring = vd_arena_allocate(arena, "ring", vd_ring_bytes(RING_BYTES), 64, &error);
    lane.reader_bell = vd_arena_allocate(arena, "reader", sizeof(struct vd_doorbell), 64, &error);
    lane.writer_bell = vd_arena_allocate(arena, "writer", sizeof(struct vd_doorbell), 64, &error);
    require(lane.ring && lane.reader_bell && lane.writer_bell, error.text);
    require(vd_doorbell_init(lane.reader_bell, &error) == VD_OK &&
                vd_doorbell_init(lane.writer_bell, &error) == VD_OK,
            error.text);
    require(sched_getaffinity(0, sizeof(lane.allowed), &lane.allowed) == 0 && pin(&lane.allowed, 0),
            "cannot choose a core");
    placements = CPU_COUNT(&lane.allowed) > 1 ? PLACEMENTS : 1;
    results = measure(&lane);
    if (json) {
        report_json(&results, placements);
    } else {
        report_text(&results, placements);
    }
    vd_doorbell_finish(lane.writer_bell);
    vd_doorbell_finish(lane.reader_bell);
    vd_arena_destroy(arena);
    return 0;
}
