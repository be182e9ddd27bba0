/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is, by /proc; the header says what for.
 *
 * Failure modes: /proc is not there, or hides processes of other users: a pidfd (Linux 5.3) tells
 * as well that a process has ended, but not that its id was given to another one meanwhile; before
 * that only a process that is gone (reaped) is known to have ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <viaduct/process.h>

#define PID_BITS 22 /* the kernel's PID_MAX_LIMIT */

struct life {
    uint64_t started; /* clock ticks after boot */
    long threads;
    char state;
};

/* /proc/PID/stat; the name in parentheses may hold anything, so it is read from the last one. */
static bool read_life(pid_t pid, struct life *life)
{
    char path[32];
    char text[1024];
    unsigned long long started = 0;
    const char *end;
    ssize_t length;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    end = strrchr(text, ')');
    if (!end || sscanf(end + 1,
                       " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld"
                       " %*d %llu",
                       &life->state, &life->threads, &started) != 3)
        return false;
    life->started = started;
    return true;
}

uint64_t vd_process_identity(void)
{
    struct life life = {0};
    pid_t pid = getpid();
    int saved = errno;
    int cancel;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    if (!read_life(pid, &life))
        life.started = 0; /* unknown */
    pthread_setcancelstate(cancel, NULL);
    errno = saved;
    return life.started << PID_BITS | (uint64_t)pid;
}

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

/* All of its threads. */
static bool all_ended(pid_t pid)
{
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    bool result;

    if (ended.fd < 0)
        return errno == ESRCH;
    result = poll(&ended, 1, 0) == 1 && (ended.revents & POLLIN);
    close(ended.fd);
    return result;
}

/* A zombie with more threads than itself is a process whose first thread has ended. */
static bool is_dead(uint64_t identity)
{
    pid_t pid = (pid_t)(identity & (((uint64_t)1 << PID_BITS) - 1));
    uint64_t started = identity >> PID_BITS;
    struct life life;

    if (pid == 0 || is_gone(pid))
        return true;
    if (!read_life(pid, &life)) /* reaped just now, or /proc does not tell */
        return is_gone(pid) || all_ended(pid);
    if (started && life.started != started)
        return true;
    return (life.state == 'Z' || life.state == 'X') && life.threads <= 1;
}

bool vd_process_has_ended(uint64_t identity)
{
    int saved = errno;
    int cancel;
    bool dead;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    dead = is_dead(identity);
    pthread_setcancelstate(cancel, NULL);
    errno = saved;
    return dead;
}
