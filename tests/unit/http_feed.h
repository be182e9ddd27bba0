/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding a request head to the parser in pieces; for tests and fuzzers.
 *
 * Each call gets its bytes in memory of exactly that size, so that a sanitizer sees every read
 * behind the end. */
#ifndef VIADUCT_TESTS_HTTP_FEED_H
#define VIADUCT_TESTS_HTTP_FEED_H

#include <stdlib.h>
#include <string.h>

#include "common_http.h"

struct http_feed {
    enum vd_http_result result;
    size_t fed; /* bytes the parser had seen when it decided, at most */
    struct vd_http_request request;
    struct vd_http_error error;
};

/* Feed @step bytes more in each call until the parser decides or nothing is left. */
static inline void http_feed(struct http_feed *feed, const char *bytes, size_t length, size_t step,
                             const struct vd_http_limits *limits)
{
    size_t scanned = 0;
    memset(feed, 0, sizeof *feed);
    feed->result = VD_HTTP_INCOMPLETE;
    while (feed->result == VD_HTTP_INCOMPLETE && feed->fed < length) {
        feed->fed += length - feed->fed < step ? length - feed->fed : step;
        char *copy = malloc(feed->fed);
        if (!copy) {
            abort();
        }
        memcpy(copy, bytes, feed->fed);
        feed->result =
            vd_http_parse_head(copy, feed->fed, &scanned, limits, &feed->request, &feed->error);
        free(copy);
    }
}

static inline bool http_span_equal(struct vd_http_span a, struct vd_http_span b)
{
    return a.offset == b.offset && a.length == b.length;
}

/* Do two feeds of the same bytes agree in everything that has meaning? */
static inline bool http_feed_equal(const struct http_feed *a, const struct http_feed *b)
{
    const struct vd_http_request *x = &a->request;
    const struct vd_http_request *y = &b->request;
    if (a->result != b->result) {
        return false;
    }
    if (a->result == VD_HTTP_BAD) {
        return a->error.status == b->error.status && a->error.reason == b->error.reason;
    }
    if (a->result == VD_HTTP_INCOMPLETE) {
        return true;
    }
    for (size_t i = 0; i < x->header_count; i++) {
        if (i == y->header_count || !http_span_equal(x->headers[i].name, y->headers[i].name) ||
            !http_span_equal(x->headers[i].value, y->headers[i].value)) {
            return false;
        }
    }
    return x->header_count == y->header_count && x->head_length == y->head_length &&
           x->method == y->method && http_span_equal(x->method_span, y->method_span) &&
           http_span_equal(x->target, y->target) && http_span_equal(x->path, y->path) &&
           http_span_equal(x->query, y->query) && x->minor_version == y->minor_version &&
           x->keep_alive == y->keep_alive && x->chunked == y->chunked &&
           x->has_content_length == y->has_content_length &&
           x->content_length == y->content_length && x->expect_continue == y->expect_continue &&
           x->host == y->host && x->last_event_id == y->last_event_id;
}

#endif
