/* SPDX-License-Identifier: Apache-2.0 */
/* Names to descriptors, never outside of the tree.
 *
 * Happy path: openat2 with RESOLVE_BENEATH (Linux 5.6): the kernel itself refuses whatever would
 * leave the directory, at the instant of opening, so that nobody can swap a link in between.
 *
 * Failure modes: without openat2 (an older kernel, a container whose filter forbids it) the name is
 * walked segment by segment and no symbolic link is followed at all, not even within the tree: safe
 * for the same reason, and stricter. A FIFO is opened without waiting for its writer and refused,
 * as is all that is neither file nor directory. What a hard link or a mount leads to is inside. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway_static.h"

#define FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
/* A rename anywhere on the machine may make the kernel give up a look-up with EAGAIN. */
#define TRIES 8

int gw_static_root_open(const char *directory)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int open_beneath(int root, const char *relative, uint64_t flags)
{
    struct open_how how = {.flags = flags, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = -1;

    for (int i = 0; i < TRIES; i++) {
        fd = syscall(SYS_openat2, root, *relative ? relative : ".", &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd < 0 ? -errno : (int)fd;
}

bool gw_static_open_beneath_works(int fd)
{
    int probe = open_beneath(fd, ".", O_PATH | O_CLOEXEC);

    if (probe < 0)
        return probe != -ENOSYS && probe != -EPERM && probe != -EINVAL;
    close(probe);
    return true;
}

static int open_segment(int parent, const char *name, int flags)
{
    int fd;

    do {
        fd = openat(parent, name, flags | O_NOFOLLOW);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* gw_static_path has left neither `..` nor empty segments but the last. */
static int open_walking(int root, const char *relative)
{
    char path[GW_STATIC_PATH_BYTES];
    char *at = path, *slash;
    int parent = root;

    memcpy(path, relative, strlen(relative) + 1);
    while ((slash = strchr(at, '/'))) {
        *slash = '\0';
        int child = open_segment(parent, at, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (parent != root)
            close(parent);
        if (child < 0)
            return child;
        parent = child;
        at = slash + 1;
    }
    int fd = open_segment(parent, *at ? at : ".", FLAGS);
    if (parent != root)
        close(parent);
    return fd;
}

/* What a client may know: it is not there. */
static int client_error(int error)
{
    switch (error) {
    case -EACCES:
    case -EPERM:
        return -EACCES;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EIO:
        return error;
    default: /* ENOTDIR, ELOOP, EXDEV (out of the tree), ENXIO (a socket), ENAMETOOLONG, ... */
        return -ENOENT;
    }
}

int gw_static_open(const struct gw_static_root *root, const char *relative, struct stat *status)
{
    int fd = root->whole_tree ? open_beneath(root->fd, relative, FLAGS)
                              : open_walking(root->fd, relative);

    if (fd < 0)
        return client_error(fd);
    if (fstat(fd, status) == 0 && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)))
        return fd;
    close(fd);
    return -ENOENT;
}
