/* SPDX-License-Identifier: Apache-2.0 */
/* One path pattern, taken apart: "/files/{name}.json" is the segments "files" and "\0.json".
 *
 * In a segment's shape a NUL byte stands for a parameter (neither patterns nor paths hold one), so
 * two patterns that differ only in the names of their parameters have equal shapes. Private to the
 * router. */
#ifndef VIADUCT_WORKER_ROUTER_PATTERN_H
#define VIADUCT_WORKER_ROUTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include <viaduct/error.h>

#include "worker_router.h"

#define VD_ROUTE_SEGMENTS_MAX 64

struct vd_route_pattern {
    char *text; /* all bytes behind the pointers below */
    size_t segment_count;
    struct vd_text segments[VD_ROUTE_SEGMENTS_MAX]; /* shapes */
    size_t parameter_count;
    const char *parameters[VD_ROUTE_PARAMETERS_MAX]; /* names, NUL-terminated */
};

/* Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY. */
enum vd_err vd_route_pattern_init(struct vd_route_pattern *pattern, const char *source,
                                  struct vd_error *error);
void vd_route_pattern_finish(struct vd_route_pattern *pattern);

bool vd_route_shape_is_literal(struct vd_text shape);

/* Does @segment have this shape? Each parameter but a segment's last takes as little as it can.
 * @values: NULL, or room for the parameters' values, which are spans of @segment; *@count grows. */
bool vd_route_shape_matches(struct vd_text shape, struct vd_text segment, struct vd_text *values,
                            size_t *count);

#endif
