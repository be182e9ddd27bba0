/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: where a running node shows itself to its own user, for `viaduct top`.
 *
 *     $XDG_RUNTIME_DIR/viaduct/4711.sock     4711: the supervisor's pid
 *     /run/viaduct/4711.sock                 root, without XDG_RUNTIME_DIR
 *     /tmp/viaduct-1000/4711.sock            anybody else
 *
 * A unix socket of mode 0600 in a directory of mode 0700: only this user (and root) can connect.
 * It speaks HTTP/1.1: GET /_top is one JSON document. Nothing can be changed through it. */
#ifndef VIADUCT_COMMON_CONTROL_H
#define VIADUCT_COMMON_CONTROL_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define VD_CONTROL_PATH_BYTES 108 /* of sun_path, with the NUL */
#define VD_CONTROL_TARGET     "/_top"
#define VD_CONTROL_ENDING     ".sock"

/* The directory for this process's user, in @path. An XDG_RUNTIME_DIR of somebody else (sudo keeps
 * it) does not count. */
static inline void vd_control_directory(char path[VD_CONTROL_PATH_BYTES])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat status;

    if (runtime && runtime[0] == '/' && stat(runtime, &status) == 0 && status.st_uid == geteuid() &&
        snprintf(path, VD_CONTROL_PATH_BYTES, "%s/viaduct", runtime) < VD_CONTROL_PATH_BYTES - 24)
        return;
    if (geteuid() == 0) {
        snprintf(path, VD_CONTROL_PATH_BYTES, "/run/viaduct");
    } else {
        snprintf(path, VD_CONTROL_PATH_BYTES, "/tmp/viaduct-%u", (unsigned)geteuid());
    }
}

#endif
