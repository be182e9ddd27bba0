/* SPDX-License-Identifier: Apache-2.0 */
/* Compression in the worker: what is to be coded and how (worker_coding.c, pure), and the coding
 * itself (worker_coder.c, over zlib and brotli). Here and not in the gateway, so that it uses all
 * cores and holds up nobody but this request. */
#ifndef VIADUCT_WORKER_CODING_H
#define VIADUCT_WORKER_CODING_H

#include "common_coding.h"
#include "server.h"
#include "worker.h"

/* ---- worker_coding.c: decisions ----------------------------------------------------------------
 */

struct vd_coding_decision {
    enum vd_coding coding;
    bool vary;      /* another Accept-Encoding would have had another answer: say so */
    bool weak_etag; /* also in a 304 for what went out coded */
};

/* What becomes of a response with these headers. @config: compression is not switched off; size is
 * the caller's matter. Never coded: 204, 205, 206, 304, a response with Content-Encoding,
 * `Cache-Control: no-transform` or a digest of its content, a type that does not compress or none.
 */
struct vd_coding_decision vd_coding_decide(const struct vd_server_config *config, unsigned status,
                                           const struct vd_header *request_headers,
                                           size_t request_count, const struct vd_header *headers,
                                           size_t count);

/* The same for an event stream that the gateway takes over: gzip or nothing. */
struct vd_coding_decision vd_coding_decide_stream(const struct vd_header *request_headers,
                                                  size_t request_count,
                                                  const struct vd_header *headers, size_t count);

/* The handler's headers as they go out: Content-Encoding added, Vary merged, a strong ETag
 * weakened. */
struct vd_coded_headers {
    struct vd_header *items; /* malloc'd; texts point to the handler's, to @text or are static */
    size_t count;
    char *text;
};

/* Returns: false for want of memory: send them as they are, uncoded. */
bool vd_coded_headers_make(struct vd_coded_headers *coded, const struct vd_header *headers,
                           size_t count, struct vd_coding_decision decision);
void vd_coded_headers_finish(struct vd_coded_headers *coded);

/* ---- worker_coder.c: coding --------------------------------------------------------------------
 */

struct vd_coder; /* one a worker, made for the first response that is coded, used again */

/* Takes coded bytes. Anything but VD_OK ends the coding and is its result. */
typedef enum vd_err (*vd_coder_emit)(void *context, const void *bytes, size_t length);

enum vd_coder_step {
    VD_CODER_MORE,   /* nothing has to come out yet */
    VD_CODER_FLUSH,  /* the client must be able to read everything so far */
    VD_CODER_FINISH, /* the end */
};

struct vd_coder *vd_coder_create(void);
void vd_coder_destroy(struct vd_coder *coder);

/* Start a body. @level 1 to 9; @length as far as it is known, else 0: short bodies take less
 * memory. Returns: VD_OK, VD_ERR_NO_MEMORY. */
enum vd_err vd_coder_begin(struct vd_coder *coder, enum vd_coding coding, unsigned level,
                           size_t length);
/* Memory is bounded whatever the lengths: at most 16 KiB are emitted at once.
 * Returns: VD_OK, VD_ERR_NO_MEMORY, what @emit returned. */
enum vd_err vd_coder_run(struct vd_coder *coder, const void *bytes, size_t length,
                         enum vd_coder_step step, vd_coder_emit emit, void *context);

#endif
