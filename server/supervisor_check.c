/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor looks at before it starts anything: is this process fit to fork?
 *
 * Failure modes: a second thread (its locks would be copied in whatever state they are). Open
 * sockets are legal, but each child shares them: a warning. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/broker.h>

#include "common_access.h"
#include "supervisor_state.h"

#define BROKER_TRY_MS 10000

/* TSan runs a thread of its own in every process. */
#ifdef __SANITIZE_THREAD__
#define THREADS_ALLOWED 2u
#else
#define THREADS_ALLOWED 1u
#endif

enum vd_err vd_supervisor_check_threads(struct vd_error *error)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    if (!tasks)
        return vd_error_set_errno(error, "/proc/self/task");
    while ((entry = readdir(tasks)))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    if (count > THREADS_ALLOWED) {
        return vd_error_set(error, VD_ERR_STATE,
                            "this process has %u threads, allowed is one: start threads (and "
                            "libraries that start them) in the workers, not before the server runs",
                            count);
    }
    return VD_OK;
}

/* The gateway opens it: a mistake should be told by run(), not by a log line. */
enum vd_err vd_supervisor_check_access_log(const struct vd_server_config *config,
                                           struct vd_error *error)
{
    enum vd_access_way way;
    int fd;

    if (config->access_log == VD_ACCESS_OFF)
        return VD_OK;
    fd = vd_access_open(config, &way);
    if (fd >= 0) {
        close(fd);
        return VD_OK;
    }
    if (errno == ENXIO) /* a named pipe that nobody reads yet */
        return VD_OK;
    if (config->access_log_path) {
        return vd_error_set(error, VD_ERR_INVALID, "the access log \"%.200s\" cannot be opened: %s",
                            config->access_log_path, strerror(errno));
    }
    return vd_error_set(error, VD_ERR_INVALID,
                        "the access log, descriptor %d, cannot be opened: %s",
                        config->access_log_fd, strerror(errno));
}

/* Open the link's handle and throw it away: what the driver has to say of URL, files and
 * credentials. Nobody is asked on the network for it. */
static _Noreturn void try_broker(const struct vd_server_config *config, int answer_fd)
{
    struct vd_broker_options options = *config->broker;
    struct vd_error error = {0};
    struct vd_broker *broker;

    options.node_id = NULL;
    options.sequence = 0;
    options.max_message_bytes = config->max_message_bytes;
    options.memory_hub = NULL;
    options.pipe_hub = NULL;
    options.logger = NULL;
    options.on_error = NULL;
    options.on_gap = NULL;
    error.code = vd_broker_open(&options, &broker, &error);
    _exit(write(answer_fd, &error, sizeof(error)) == (ssize_t)sizeof(error) ? 0 : 1);
}

static bool read_answer(int fd, struct vd_error *answer)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t count;

    do {
        count = poll(&ready, 1, BROKER_TRY_MS);
    } while (count < 0 && errno == EINTR);
    return count == 1 && read(fd, answer, sizeof(*answer)) == (ssize_t)sizeof(*answer);
}

/* In a child: a driver's client library may start threads, and then this process could not fork any
 * more. */
enum vd_err vd_supervisor_check_broker(const struct vd_server_config *config,
                                       struct vd_error *error)
{
    struct vd_error answer = {0};
    int fds[2];
    bool answered;
    pid_t pid;

    if (!config->broker)
        return VD_OK;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return vd_error_set_errno(error, "pipe2");
    pid = fork();
    if (pid == 0)
        try_broker(config, fds[1]);
    close(fds[1]);
    answered = pid > 0 && read_answer(fds[0], &answer);
    close(fds[0]);
    if (pid > 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (!answered) {
        return vd_error_set(error, VD_ERR_SYSTEM,
                            "the broker's options could not be checked: the process that tried "
                            "them gave no answer. Was a broker used in this process before? Its "
                            "client library may not work in processes that are forked later");
    }
    return answer.code == VD_OK ? VD_OK : vd_error_set(error, answer.code, "%s", answer.text);
}

static bool is_socket(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

void vd_supervisor_warn_of_sockets(struct vd_node *node)
{
    DIR *descriptors = opendir("/proc/self/fd");
    struct dirent *entry;
    unsigned count = 0;

    if (!descriptors)
        return;
    while ((entry = readdir(descriptors))) {
        int fd = atoi(entry->d_name);

        /* standard streams may well be sockets (inetd, a journal) */
        if (fd > 2 && fd != node->config.log_fd && is_socket(fd))
            count++;
    }
    closedir(descriptors);
    if (count > 0) {
        vd_log(&node->logger, VD_LOG_WARN, "open_sockets",
               "%u sockets were open before the server ran: all workers share them, and what one "
               "of them reads the others miss; open connections in the workers (onStart)",
               count);
    }
}
