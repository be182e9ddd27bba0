/* SPDX-License-Identifier: Apache-2.0 */
/* The worker as a process: from the fork to its exit code.
 *
 * Happy path: guard against being orphaned, let go of the listening socket, set the signals, take
 * up the rings where a predecessor left them, call the hook, flush. Signals: SIGTERM means "retire
 * after what you are doing"; SIGINT, SIGHUP and SIGUSR1 come to the whole terminal or process group
 * and are the supervisor's business: a handler that does nothing takes them (not SIG_IGN, which
 * programs that a handler starts would inherit). Failure: exit code 70 (EX_SOFTWARE), with a line
 * in the log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "worker_state.h"

/* A signal handler gets no context, hence file scope. Only ever set in the worker process. */
static volatile sig_atomic_t term_received;
static volatile sig_atomic_t bell_fd = -1;

/* The bell is rung as well: a worker that has looked and is about to sleep finds it. */
static void on_term(int number)
{
    const uint64_t one = 1;
    int saved = errno;

    (void)number;
    term_received = 1;
    if (bell_fd >= 0 && write(bell_fd, &one, sizeof(one)) < 0)
        errno = EAGAIN; /* full: it is readable already */
    errno = saved;
}

static void on_others(int number)
{
    (void)number;
}

bool vd_worker_term_received(void)
{
    return term_received != 0;
}

static void set_signals(void)
{
    static const int quiet[] = {SIGINT, SIGHUP, SIGUSR1};
    struct sigaction action = {.sa_handler = on_term};
    sigset_t set;

    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    term_received = 0;
    sigaction(SIGTERM, &action, NULL);
    sigaddset(&set, SIGTERM);
    action.sa_handler = on_others;
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
        sigaction(quiet[i], &action, NULL);
        sigaddset(&set, quiet[i]);
    }
    action.sa_handler = SIG_IGN; /* a peer that closes is an error code, not a death */
    sigaction(SIGPIPE, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* A page that reads 1 here and 0 in whatever this process forks. */
static enum vd_err mark_process(struct vd_worker *worker, struct vd_error *error)
{
    void *page =
        mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return vd_error_set_errno(error, "mmap");
    if (madvise(page, page_bytes(), MADV_WIPEONFORK) != 0) {
        vd_error_set_errno(error, "madvise(MADV_WIPEONFORK)");
        munmap(page, page_bytes());
        return VD_ERR_SYSTEM;
    }
    worker->page = page;
    worker->not_forked = page;
    *worker->not_forked = 1;
    return VD_OK;
}

/* Up to a tenth more for the last worker, so that not all are recycled at once. */
static uint64_t requests_limit(const struct vd_node *node, unsigned index)
{
    uint64_t limit = node->config.max_requests;

    return limit + limit * index / (10ull * node->config.workers);
}

enum vd_err vd_worker_init(struct vd_worker *worker, struct vd_node *node, unsigned index,
                           uint32_t generation, struct vd_error *error)
{
    memset(worker, 0, sizeof(*worker));
    worker->node = node;
    worker->shared = node->shared;
    worker->slot = &node->slots[index];
    worker->index = index;
    worker->generation = generation;
    worker->epoch = vd_worker_gateway_epoch(worker);
    worker->publish_tag = (uint64_t)(generation & 0xffffff) << 32; /* not a predecessor's */
    worker->requests_limit = requests_limit(node, index);
    worker->code_from =
        node->config.compression_off ? SIZE_MAX : node->config.compression_min_bytes;
    if (vd_ring_consumer_init(&worker->requests, node->requests[index]) != VD_OK ||
        vd_ring_consumer_init(&worker->events, node->events[index]) != VD_OK ||
        vd_ring_producer_init(&worker->to_gateway, node->to_gateway[index]) != VD_OK)
        return vd_error_set(error, VD_ERR_CORRUPT, "the rings of worker %u are damaged", index);
    return mark_process(worker, error);
}

void vd_worker_finish(struct vd_worker *worker)
{
    for (size_t i = 0; i < worker->subscription_count; i++)
        free(worker->subscriptions[i].pattern);
    free(worker->subscriptions);
    free(worker->intervals);
    vd_coder_destroy(worker->coder);
    vd_worker_record_finish(&worker->request_record);
    vd_worker_record_finish(&worker->body_record);
    vd_worker_record_finish(&worker->event_record);
    if (worker->page)
        munmap(worker->page, page_bytes());
    memset(worker, 0, sizeof(*worker));
}

int vd_worker_process_main(struct vd_node *node, unsigned index, uint32_t generation)
{
    struct vd_worker *worker;
    struct vd_error error;
    char name[VD_LOG_PROCESS_CHARS + 1], title[24]; /* the kernel keeps 15 bytes of it */
    int code = EX_SOFTWARE;

    snprintf(name, sizeof(name), "worker %u", index);
    vd_logger_init(&node->logger, node->config.log_fd, node->config.log_level, name);
    snprintf(title, sizeof(title), "viaduct-work%u", index);
    prctl(PR_SET_NAME, title);
    set_signals();
    if (vd_orphan_guard(atomic_load(&node->shared->supervisor_pid), VD_ORPHAN_GRACE_MS, &error) !=
        VD_OK)
        goto err;
    bell_fd = node->slots[index].bell.fd;
    vd_orphan_wakes(bell_fd);
    vd_node_close_listeners(node);
    worker = calloc(1, sizeof(*worker));
    if (!worker) {
        vd_error_set(&error, VD_ERR_NO_MEMORY, "no memory for the worker");
        goto err;
    }
    if (vd_worker_init(worker, node, index, generation, &error) != VD_OK)
        goto err_after_calloc;
    vd_log(&node->logger, VD_LOG_DEBUG, "worker_started", "generation %u", generation);
    code = node->hooks.worker_main(worker, node->hooks.context);
    fflush(NULL);
    vd_worker_finish(worker);
    free(worker);
    return code;

err_after_calloc:
    vd_worker_finish(worker);
    free(worker);
err:
    vd_log(&node->logger, VD_LOG_ERROR, "worker_failed", "%s", error.text);
    return code;
}

/* ---- facts -------------------------------------------------------------------------------------
 */

unsigned vd_worker_index(const struct vd_worker *worker)
{
    return worker->index;
}

unsigned vd_worker_generation(const struct vd_worker *worker)
{
    return worker->generation;
}

bool vd_worker_is_first(const struct vd_worker *worker)
{
    return worker->index == 0 && worker->generation == 1;
}

bool vd_worker_is_copy(const struct vd_worker *worker)
{
    return !vd_worker_is_here(worker);
}

bool vd_worker_request_intact(const struct vd_worker *worker)
{
    atomic_thread_fence(memory_order_acquire); /* what was read before was read before this */
    return vd_worker_is_here(worker) || !worker->frame_held ||
           (vd_ring_holds(&worker->requests) &&
            atomic_load(&worker->slot->generation) == worker->generation &&
            atomic_load(&worker->slot->died_generation) != worker->generation);
}

struct vd_logger *vd_worker_logger(struct vd_worker *worker)
{
    return &worker->node->logger;
}

void vd_worker_retire(struct vd_worker *worker)
{
    worker->retire = true;
}
