/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: what a line says, and the descriptor that it goes to. */
#ifndef VIADUCT_COMMON_ACCESS_H
#define VIADUCT_COMMON_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"
#include "worker.h"

/* A client that left before it was answered: no status of HTTP, but one that log readers know. */
#define VD_ACCESS_CLIENT_LEFT 499

/* One request, answered or given up. Texts as the client sent them: escaped and cut here. */
struct vd_access_entry {
    uint64_t wall_ms; /* now, the end of it */
    const char *request_id;
    const char *remote_address;
    bool https;
    struct vd_text method; /* length 0: it was not understood */
    struct vd_text target; /* what may be logged of it */
    unsigned minor_version;
    unsigned status;
    uint64_t body_bytes;           /* handed over for sending */
    struct vd_text referer, agent; /* bytes NULL: the client said nothing */
    int worker;                    /* -1: the gateway itself */
    uint64_t queue_us;             /* head of the request to its worker */
    uint64_t handling_us;          /* from then on; of a stream: as long as it was open */
    bool stream;
    bool complete; /* false: cut */
};

/* Room for any line: nothing that a client sends makes it longer. */
#define VD_ACCESS_LINE_BYTES (24 * 1024)

/* Write one line with its line feed to @line; returns its length.
 *     common: combined log format, then id=, worker=, queue= and time= in seconds
 *     json:   one object
 * Printable ASCII only: `"`, `\` and everything else is \xHH in common; in JSON a byte beyond ASCII
 * is the \u00HH of its number. */
size_t vd_access_line(enum vd_access_log format, const struct vd_access_entry *entry,
                      char line[VD_ACCESS_LINE_BYTES]);

/* How to write without waiting. */
enum vd_access_way {
    VD_ACCESS_WRITE,  /* write: the description is ours and does not block */
    VD_ACCESS_SEND,   /* a socket: send with MSG_DONTWAIT */
    VD_ACCESS_SHARED, /* others share it, it may block: poll, then at most PIPE_BUF bytes */
};

/* Open what config->access_log_path or access_log_fd name, for appending. A descriptor other than
 * a file's is opened anew (through /proc) where that is allowed, so that it does not block here and
 * nobody who shares it finds it changed.
 * Returns the new descriptor, or -1 and errno. */
int vd_access_open(const struct vd_server_config *config, enum vd_access_way *way);

#endif
