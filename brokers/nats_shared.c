/* SPDX-License-Identifier: Apache-2.0 */
/* What the sessions of a handle share, and what those of the whole process do: see nats_session.h.
 *
 * The handle's descriptor and the count of sessions that are not gone live here, for as long as one
 * of their owners does; so a session whose thread hangs in the library can outlive its handle. */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "nats_session_state.h"

#define EXIT_WAIT_MS 500

struct vd_nats_shared {
    _Atomic unsigned owners;
    _Atomic unsigned alive;
    _Atomic bool noticed; /* fd is readable, or about to be */
    int fd;
};

/* The one global here, since what it describes is one: the library's state is the process's. Its
 * threads do not survive a fork while that state does: a child of a process that has used it can
 * connect, but hears of no disconnection. */
static struct {
    _Atomic pid_t user;        /* 0: not used */
    _Atomic unsigned sessions; /* that are not gone yet */
    _Atomic bool watched;      /* until_gone is registered */
} library;

/* ---- the handle's ------------------------------------------------------------------------------
 */

enum vd_err vd_nats_shared_create(struct vd_nats_shared **made, struct vd_error *error)
{
    struct vd_nats_shared *shared;
    pid_t user = atomic_load(&library.user);

    if (user != 0 && user != getpid()) {
        return vd_error_set(error, VD_ERR_UNSUPPORTED,
                            "this process was forked from one that used NATS: the client library "
                            "does not work here (fork first, connect then)");
    }
    shared = calloc(1, sizeof(*shared));
    if (!shared)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    shared->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* have dispatch called: connect */
    if (shared->fd < 0) {
        free(shared);
        return vd_error_set_errno(error, "descriptor of a broker");
    }
    atomic_init(&shared->owners, 1);
    *made = shared;
    return VD_OK;
}

void vd_nats_shared_release(struct vd_nats_shared *shared)
{
    if (!shared || atomic_fetch_sub(&shared->owners, 1) > 1)
        return;
    close(shared->fd);
    free(shared);
}

void vd_nats_shared_abandon(struct vd_nats_shared *shared)
{
    if (shared)
        close(shared->fd);
    free(shared); /* the sessions that hold it have no threads here */
}

int vd_nats_shared_fd(const struct vd_nats_shared *shared)
{
    return shared->fd;
}

/* The flag comes last: while it is set nothing is written, so a notice between the two is seen by
 * the look after this, and the next one writes. (The other way round what it has written would be
 * read here, and with the flag set no notice would ever write again.) */
void vd_nats_shared_swallow(struct vd_nats_shared *shared)
{
    uint64_t count;

    while (read(shared->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    atomic_exchange(&shared->noticed, false); /* acquires what was noticed meanwhile */
}

unsigned vd_nats_shared_alive(const struct vd_nats_shared *shared)
{
    return atomic_load(&shared->alive);
}

/* ---- the sessions' -----------------------------------------------------------------------------
 */

void vd_nats_shared_notice(struct vd_nats_shared *shared)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&shared->noticed, true)) {
        while (write(shared->fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
    }
}

/* At exit: OpenSSL frees what it has for the process, also under a session that is just saying
 * goodbye on a thread of its own. So they get a moment to go; one that hangs does not use OpenSSL
 * while it does. */
static void until_gone(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    if (!vd_nats_shared_entered_here())
        return; /* a forked child: nobody to wait for */
    for (unsigned ms = 0; ms < EXIT_WAIT_MS && atomic_load(&library.sessions) > 0; ms++)
        nanosleep(&moment, NULL);
}

/* What was registered last is called first. */
static void watch_exit(void)
{
    if (!atomic_exchange(&library.watched, true)) {
        OPENSSL_init_ssl(0, NULL);
        atexit(until_gone);
    }
}

void vd_nats_shared_join(struct vd_nats_shared *shared)
{
    atomic_fetch_add(&shared->owners, 1);
    atomic_fetch_add(&shared->alive, 1);
    atomic_fetch_add(&library.sessions, 1);
    watch_exit();
}

void vd_nats_shared_enter(void)
{
    atomic_store(&library.user, getpid());
}

bool vd_nats_shared_entered_here(void)
{
    return atomic_load(&library.user) == getpid();
}

void vd_nats_shared_leave(struct vd_nats_shared *shared)
{
    atomic_fetch_sub(&shared->alive, 1);
    atomic_fetch_sub(&library.sessions, 1);
    vd_nats_shared_notice(shared);
    vd_nats_shared_release(shared);
}
