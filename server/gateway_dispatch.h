/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about one request share: gateway_dispatch.c, gateway_dispatch_back.c,
 * gateway_dispatch_end.c and gateway_record.c. Everybody else uses gateway.h. */
#ifndef VIADUCT_GATEWAY_DISPATCH_H
#define VIADUCT_GATEWAY_DISPATCH_H

#include "gateway.h"

/* gateway_record.c: bytes of the record of @head and @body_length bytes of body; the record itself,
 * with the body from behind the head in @bytes; a line in the log when it was lost with its worker.
 */
size_t gw_record_bytes(const struct vd_http_request *head, size_t body_length);
void gw_record_fill(void *record, const struct gw_connection *connection, const char *bytes,
                    const struct vd_http_request *head, size_t body_length);
void gw_record_log_lost(struct gw_worker *worker, const struct gw_request *request,
                        uint32_t reason);

/* gateway_dispatch.c. Of the workers that may be offered a request now the one with the least to
 * do, with @idle_only one that has nothing; NULL: none. */
struct gw_worker *gw_dispatch_choose(struct gateway *gateway, bool idle_only);
/* Does its first request take long? */
bool gw_dispatch_is_stuck(const struct gw_worker *worker, uint64_t now_us);
/* Into the queue, at its front or end; out of it; free (it stands in no list). */
void gw_dispatch_enqueue(struct gateway *gateway, struct gw_request *request, bool front);
void gw_dispatch_dequeue(struct gateway *gateway, struct gw_request *request);
void gw_dispatch_free(struct gateway *gateway, struct gw_request *request);
uint64_t gw_dispatch_next_id(struct gateway *gateway);
/* 503, counted. */
void gw_dispatch_refuse(struct gw_connection *connection, const char *reason);

/* gateway_dispatch_back.c. Out of its worker's list. */
void gw_dispatch_leave_worker(struct gw_request *request);
/* Swap its claim from OFFERED to REVOKED; false: the worker was quicker. */
bool gw_dispatch_revoke(struct gw_request *request);
/* Revoke it and put it at the front of the queue; true: it is not the worker's any more. */
bool gw_dispatch_take_back(struct gateway *gateway, struct gw_request *request);
/* Take back what waits behind slow requests, if a worker has time for it. */
void gw_dispatch_unstick(struct gateway *gateway);

#endif
