/* SPDX-License-Identifier: Apache-2.0 */
/* The few header fields that decide where a request ends and what becomes of its connection.
 * Private to the request parser: common_http_head.c reads the grammar, common_http_fields.c the
 * meaning. */
#ifndef VIADUCT_COMMON_HTTP_FIELDS_H
#define VIADUCT_COMMON_HTTP_FIELDS_H

#include "common_http.h"

/* One head while it is read. */
struct vd_http_head {
    const char *bytes;
    struct vd_http_request *request;
    struct vd_http_error *error;
    struct vd_http_span authority; /* of an absolute-form target; length 0: another form */
    bool transfer_encoding;
    bool wants_close;
    bool wants_keep_alive;
    bool expects_continue;
};

/* Fill the error and return false, so that failing is one line. */
bool vd_http_head_fail(struct vd_http_head *head, unsigned status, const char *reason);

/* Header @index has just been read: note it when its name is one of ours. false: error is set. */
bool vd_http_head_note(struct vd_http_head *head, size_t index);

/* All headers are there: what they mean together. */
bool vd_http_head_conclude(struct vd_http_head *head);

/* uri-host [ ":" port ], RFC 3986 3.2.2, as Host must be. */
bool vd_http_is_authority(const char *at, const char *end);

#endif
