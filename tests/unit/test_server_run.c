/* SPDX-License-Identifier: Apache-2.0 */
/* vd_server_run as its caller sees it: what it refuses and why, and the process as it was before
 * once it has returned: signals, descriptors, children. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>
#include <viaduct/process.h>

#include "server.h"
#include "table_shared.h"
#include "worker.h"

static int worker_main(struct vd_worker *worker, void *context)
{
    struct vd_worker_event event;

    (void)context;
    while (vd_worker_next_event(worker, -1, &event) == VD_OK) {
        if (event.kind == VD_WORKER_SHUTDOWN)
            return 0;
        if (event.kind == VD_WORKER_REQUEST)
            vd_worker_respond(worker, 204, NULL, 0, NULL, 0, NULL);
    }
    return 1;
}

static const struct vd_server_hooks quiet_hooks = {.worker_main = worker_main};

static void expect_refusal(struct vd_server_config config, enum vd_err code, const char *words)
{
    struct vd_error error = {0};

    config.log_level = VD_LOG_OFF;
    assert_int_equal(vd_server_run(&config, &quiet_hooks, &error), code);
    assert_non_null(strstr(error.text, words));
}

static void wrong_configurations_are_refused_in_words(void **state)
{
    struct vd_server_hooks none = {0};
    struct vd_server_config config = {.port_any = true};
    struct vd_error error = {0};

    (void)state;
    expect_refusal((struct vd_server_config){.workers = 1000}, VD_ERR_INVALID, "workers is 1000");
    expect_refusal((struct vd_server_config){.workers = 2, .broker_driver = "memory"},
                   VD_ERR_UNSUPPORTED, "withBroker(new PipeBroker())");
    expect_refusal((struct vd_server_config){.port_any = true, .host = "192.0.2.77"},
                   VD_ERR_INVALID, "no address of this machine");
    expect_refusal((struct vd_server_config){.port_any = true, .host = "no such host"},
                   VD_ERR_INVALID, "host is \"no such host\"");
    assert_int_equal(vd_server_run(&config, &none, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "worker_main"));
}

static void a_port_in_use_is_refused(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    char words[64];

    (void)state;
    assert_int_equal(bind(other, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(getsockname(other, (struct sockaddr *)&address, &length), 0);
    snprintf(words, sizeof(words), "127.0.0.1:%u is in use", ntohs(address.sin_port));
    expect_refusal((struct vd_server_config){.port = ntohs(address.sin_port)}, VD_ERR_EXISTS,
                   words);
    close(other);
}

static void *wait_for_the_end(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

static void a_second_thread_is_refused(void **state)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;

    (void)state;
    pthread_mutex_lock(&mutex);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_the_end, &mutex), 0);
    expect_refusal((struct vd_server_config){.port_any = true}, VD_ERR_STATE, "threads");
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
}

/* ---- a whole life ------------------------------------------------------------------------------
 */

static unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void stop_at_once(const char *host, uint16_t port, void *context)
{
    (void)host;
    (void)port;
    *(bool *)context = true;
    raise(SIGTERM); /* blocked by now; the supervisor takes it in its first turn */
}

static volatile sig_atomic_t callers_handler_ran;

static void callers_handler(int number)
{
    callers_handler_ran = number;
}

static void the_process_is_as_it_was_before(void **state)
{
    struct sigaction mine = {.sa_handler = callers_handler}, after;
    bool listened = false;
    struct vd_server_config config = {
        .port_any = true, .workers = 3, .log_level = VD_LOG_ERROR, .host = "::1"};
    struct vd_server_hooks hooks = {
        .worker_main = worker_main, .listening = stop_at_once, .context = &listened};
    struct vd_error error = {0};
    sigset_t mask;
    unsigned descriptors;

    (void)state;
    sigemptyset(&mine.sa_mask);
    sigaction(SIGTERM, &mine, NULL);
    signal(SIGCHLD, SIG_IGN); /* were it left so, no child could be reaped */
    descriptors = open_descriptors();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vd_server_run(&config, &hooks, &error), VD_OK);
        assert_true(listened);
        assert_int_equal(open_descriptors(), descriptors);
    }
    assert_int_equal(callers_handler_ran, 0);
    sigaction(SIGTERM, NULL, &after);
    assert_ptr_equal(after.sa_handler, callers_handler);
    sigaction(SIGCHLD, NULL, &after);
    assert_ptr_equal(after.sa_handler, SIG_IGN);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGTERM));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    signal(SIGTERM, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
}

/* The caller's own children are not the supervisor's to reap. */
static void the_callers_children_are_left_alone(void **state)
{
    bool listened = false;
    struct vd_server_config config = {.port_any = true, .log_level = VD_LOG_ERROR};
    struct vd_server_hooks hooks = {
        .worker_main = worker_main, .listening = stop_at_once, .context = &listened};
    pid_t own = fork();
    int status;

    (void)state;
    if (own == 0)
        _exit(7);
    assert_int_equal(vd_server_run(&config, &hooks, NULL), VD_OK);
    assert_int_equal(waitpid(own, &status, 0), own);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void inherited_sockets_are_a_warning(void **state)
{
    bool listened = false;
    int log[2], sockets[2];
    char text[8192] = {0};
    struct vd_server_config config = {.port_any = true, .log_level = VD_LOG_WARN};
    struct vd_server_hooks hooks = {
        .worker_main = worker_main, .listening = stop_at_once, .context = &listened};

    (void)state;
    assert_int_equal(pipe(log), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    config.log_fd = log[1];
    assert_int_equal(vd_server_run(&config, &hooks, NULL), VD_OK);
    assert_true(read(log[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "2 sockets were open"));
    close(log[0]);
    close(log[1]);
    close(sockets[0]);
    close(sockets[1]);
}

/* ---- tables of the dead ------------------------------------------------------------------------
 */

struct inheritance {
    struct vd_table *table;
    struct table_stripe *stripe;
    _Atomic int deaths;
    _Atomic bool mended;
};

/* The first dies inside a lock of a table that nobody else uses; the second waits to see it free.
 */
static int die_in_a_lock(struct vd_worker *worker, void *context)
{
    struct inheritance *inheritance = context;
    uint64_t end_ms = vd_monotonic_ms() + 10000;

    if (atomic_fetch_add(&inheritance->deaths, 1) == 0) {
        owner_lock(&inheritance->stripe->lock, vd_process_identity());
        raise(SIGKILL);
    }
    while (atomic_load(&inheritance->stripe->lock) != 0 && vd_monotonic_ms() < end_ms)
        usleep(1000);
    atomic_store(&inheritance->mended, atomic_load(&inheritance->stripe->lock) == 0);
    kill(getppid(), SIGTERM);
    return worker_main(worker, NULL);
}

static void locks_of_dead_workers_are_mended_at_once(void **state)
{
    struct vd_column column = {"a", VD_COLUMN_INT, 8};
    struct vd_table_options options = {"t", 10, &column, 1, 0};
    size_t bytes = vd_table_bytes(&options, NULL);
    struct inheritance *inheritance =
        mmap(NULL, sizeof(*inheritance), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct vd_shared_state shared = {.tables = &inheritance->table, .table_count = 1};
    struct vd_server_config config = {
        .port_any = true, .log_level = VD_LOG_OFF, .shared_state = &shared};
    struct vd_server_hooks hooks = {.worker_main = die_in_a_lock, .context = inheritance};

    (void)state;
    assert_ptr_not_equal(inheritance, MAP_FAILED);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(vd_table_init(memory, bytes, &options, &inheritance->table, NULL), VD_OK);
    inheritance->stripe = &inheritance->table->shared->stripes[3];
    assert_int_equal(vd_server_run(&config, &hooks, NULL), VD_OK);
    assert_true(atomic_load(&inheritance->deaths) >= 2);
    assert_true(atomic_load(&inheritance->mended));
    vd_table_close(inheritance->table);
    munmap(memory, bytes);
    munmap(inheritance, sizeof(*inheritance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_configurations_are_refused_in_words),
        cmocka_unit_test(a_port_in_use_is_refused),
        cmocka_unit_test(a_second_thread_is_refused),
        cmocka_unit_test(the_process_is_as_it_was_before),
        cmocka_unit_test(the_callers_children_are_left_alone),
        cmocka_unit_test(inherited_sockets_are_a_warning),
        cmocka_unit_test(locks_of_dead_workers_are_mended_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
