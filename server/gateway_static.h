/* SPDX-License-Identifier: Apache-2.0 */
/* Static files, from within. Decisions are pure functions (path, condition, range; for the coding
 * of precompressed siblings common_coding.h); only open and send touch the system.
 *
 *   gateway_static.c            a request -> file or not -> status and headers
 *   gateway_static_path.c       the request's path -> a relative file name
 *   gateway_static_condition.c  If-* -> 200, 304 or 412
 *   gateway_static_range.c      Range -> 200, 206 or 416
 *   gateway_static_open.c       a name -> a descriptor, never outside of the tree
 *   gateway_static_send.c       a descriptor -> the socket, a share at a time */
#ifndef VIADUCT_GATEWAY_STATIC_H
#define VIADUCT_GATEWAY_STATIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common_http.h"
#include "worker.h"

struct gateway;
struct gw_connection;

/* ---- headers -----------------------------------------------------------------------------------
 */

/* The next header of that (lower-case) name from index *@from on, which moves behind it. */
static inline bool gw_static_field(const struct vd_http_request *head, const char *bytes,
                                   const char *name, size_t *from, struct vd_text *value)
{
    while (*from < head->header_count) {
        const struct vd_http_field *field = &head->headers[(*from)++];

        if (vd_http_name_is(bytes + field->name.offset, field->name.length, name)) {
            *value = (struct vd_text){bytes + field->value.offset, field->value.length};
            return true;
        }
    }
    return false;
}

/* ---- path --------------------------------------------------------------------------------------
 */

#define GW_STATIC_PATH_BYTES 4096

enum gw_static_path {
    GW_STATIC_PATH_FILE,      /* may be a file: look */
    GW_STATIC_PATH_ELSEWHERE, /* cannot be one of ours: for the workers */
    GW_STATIC_PATH_BAD,       /* 400: a broken percent-encoding or a NUL */
};

/* @prefix: begins with `/`; a slash at its end adds nothing. @relative: without a leading slash, ""
 * for the directory itself; its bytes are decoded, its segments are never empty (but the last),
 * never `.` or `..` and never begin with a dot, but for a leading `.well-known`. */
enum gw_static_path gw_static_path(struct vd_text path, const char *prefix,
                                   char relative[GW_STATIC_PATH_BYTES]);

/* ---- conditions --------------------------------------------------------------------------------
 */

struct gw_static_validators {
    const char *etag; /* with its quotes; strong */
    uint64_t modified_s;
    uint64_t now_s;
};

enum gw_static_condition {
    GW_STATIC_PROCEED,
    GW_STATIC_NOT_MODIFIED, /* 304 */
    GW_STATIC_FAILED,       /* 412 */
};

/* RFC 9110 13.2.2, steps 1 to 4, for GET and HEAD. */
enum gw_static_condition gw_static_condition(const struct vd_http_request *head, const char *bytes,
                                             const struct gw_static_validators *validators);
/* Step 5: no If-Range, or one that holds. */
bool gw_static_range_applies(const struct vd_http_request *head, const char *bytes,
                             const struct gw_static_validators *validators);

/* ---- ranges ------------------------------------------------------------------------------------
 */

#define GW_STATIC_RANGES_MAX 16

struct gw_static_range {
    uint64_t first;
    uint64_t length; /* never 0 */
};

struct gw_static_ranges {
    unsigned count;
    struct gw_static_range at[GW_STATIC_RANGES_MAX];
};

enum gw_static_span {
    GW_STATIC_WHOLE,         /* 200: no range, or a set that is ignored */
    GW_STATIC_PARTIAL,       /* 206 */
    GW_STATIC_UNSATISFIABLE, /* 416 */
};

/* @value: of the Range header. Sets that are malformed, of another unit, of more than
 * GW_STATIC_RANGES_MAX ranges, or whose ranges overlap are ignored, as RFC 9110 14.2 allows: the
 * whole file costs less than what they ask for. */
enum gw_static_span gw_static_range(struct vd_text value, uint64_t size,
                                    struct gw_static_ranges *ranges);

/* ---- opening -----------------------------------------------------------------------------------
 */

struct gw_static_root {
    int fd;          /* O_PATH; -1: there is no such directory at the moment */
    bool whole_tree; /* openat2 works: links that stay within the tree are followed */
    uint64_t look_again_ms;
    uint64_t turn_ms; /* for which eager_bytes holds */
    uint32_t eager_bytes;
};

int gw_static_root_open(const char *directory); /* descriptor, or -errno */
/* Does this kernel let us call openat2? */
bool gw_static_open_beneath_works(int fd);

/* @relative: from gw_static_path. Returns a descriptor open for reading (of a regular file or a
 * directory, see @status), or -errno: ENOENT for all that is not there for clients (links that lead
 * out, FIFOs, devices, sockets), EACCES, EMFILE, ... Never waits for the other end of a FIFO. */
int gw_static_open(const struct gw_static_root *root, const char *relative, struct stat *status);

/* ---- sending -----------------------------------------------------------------------------------
 */

/* The rest of a body on its way from a file to a client. */
struct gw_download {
    int fd;
    bool multipart;
    uint64_t offset; /* of the present range */
    uint64_t left;
    uint64_t size; /* of the file */
    unsigned next; /* index of the next range */
    struct gw_static_ranges ranges;
    const char *type; /* of the parts */
    char boundary[33];
};

/* Bytes of a multipart/byteranges body. */
uint64_t gw_download_multipart_bytes(const struct gw_download *download);
/* Send the rest of it when the socket takes bytes, then end the response. Takes @download. */
void gw_download_start(struct gw_connection *connection, struct gw_download *download);
/* The socket takes bytes and nothing else waits for it: one share. */
void gw_download_continue(struct gw_connection *connection);
void gw_download_destroy(struct gw_download *download);

/* ---- for the gateway ---------------------------------------------------------------------------
 */

void gw_static_start(struct gateway *gateway);
void gw_static_finish(struct gateway *gateway);
/* Answers the request if it is for a file; false: not one of them. */
bool gw_static_handle(struct gw_connection *connection, const struct vd_http_request *head,
                      const char *bytes);

#endif
