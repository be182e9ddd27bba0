/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: see common_control.h. One more listener of the gateway, marked as such.
 *
 * Happy path: the directory is made or found to be ours alone, sockets that dead servers have left
 * there are removed, ours is bound. Failure modes: a place that was asked for and cannot be had is
 * an error; where we chose it ourselves, the node runs without, and says so: looking at a node is
 * never worth its life. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "common_control.h"
#include "supervisor_state.h"

#define DIRECTORY_MODE 0700
#define SOCKET_MODE    0600

/* Nobody else may have prepared it: /tmp is everybody's. */
static bool is_ours(const char *directory)
{
    struct stat status;

    return lstat(directory, &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool process_is_gone(const char *name)
{
    char *end;
    long pid = strtol(name, &end, 10);

    return pid > 0 && strcmp(end, VD_CONTROL_ENDING) == 0 && kill((pid_t)pid, 0) != 0 &&
           errno == ESRCH;
}

/* Supervisors that were killed remove nothing. */
static void sweep(const char *directory)
{
    DIR *entries = opendir(directory);
    char path[VD_CONTROL_PATH_BYTES];
    struct dirent *entry;

    if (!entries)
        return;
    while ((entry = readdir(entries))) {
        int length = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);

        if (length > 0 && (size_t)length < sizeof(path) && process_is_gone(entry->d_name) &&
            vd_supervisor_socket_is_stale(path))
            unlink(path);
    }
    closedir(entries);
}

static enum vd_err listen_at(struct vd_node *node, const char *path, struct vd_error *error)
{
    struct vd_listen_address address = {.is_unix = true, .mode = SOCKET_MODE};
    struct vd_listener *listener = &node->listeners[node->listener_count];
    enum vd_err result;

    if (strlen(path) >= sizeof(address.host))
        return vd_error_set(error, VD_ERR_TOO_LARGE,
                            "its path is longer than a unix socket allows");
    memcpy(address.host, path, strlen(path) + 1);
    result = vd_supervisor_listen_unix(listener, &address, error);
    if (result != VD_OK)
        return result;
    listener->is_control = true;
    node->listener_count++;
    return VD_OK;
}

static void go_without(struct vd_node *node, const char *why)
{
    vd_log(&node->logger, VD_LOG_WARN, "no_control_socket",
           "viaduct top will not see this node: %s", why);
}

static void listen_at_usual_place(struct vd_node *node)
{
    char directory[VD_CONTROL_PATH_BYTES], path[VD_CONTROL_PATH_BYTES + 24];
    struct vd_error error;

    vd_control_directory(directory);
    if (mkdir(directory, DIRECTORY_MODE) != 0 && errno != EEXIST) {
        vd_error_set_errno(&error, directory);
        go_without(node, error.text);
        return;
    }
    if (!is_ours(directory)) {
        vd_error_set(&error, VD_ERR_STATE,
                     "%s is not a directory of this user that nobody else may write to", directory);
        go_without(node, error.text);
        return;
    }
    sweep(directory);
    snprintf(path, sizeof(path), "%s/%d" VD_CONTROL_ENDING, directory, (int)getpid());
    if (listen_at(node, path, &error) != VD_OK)
        go_without(node, error.text);
}

enum vd_err vd_supervisor_listen_control(struct vd_node *node, struct vd_error *error)
{
    const char *path = node->config.control_path;

    if (path && path[0] == '\0')
        return VD_OK;
    if (path)
        return listen_at(node, path, error);
    listen_at_usual_place(node);
    return VD_OK;
}
