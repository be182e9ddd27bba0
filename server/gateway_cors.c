/* SPDX-License-Identifier: Apache-2.0 */
/* CORS in the gateway: preflights are answered here, without a worker; every other answer, but for
 * health and metrics, gets its lines from gw_response_head.
 *
 * Happy path: the lines of each allowed origin are written once, at the start; a request costs a
 * look for its Origin and at most VD_CORS_ORIGINS_MAX comparisons, nothing when CORS is not
 * configured. An origin that is not allowed gets no lines (the browser then keeps the answer from
 * the page) but Vary, since another origin would have had another answer. A handler that sets
 * Access-Control-Allow-Origin itself has its way. Failure mode: no memory at the start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common_cors.h"
#include "gateway.h"

struct origin {
    const char *text; /* in the configuration */
    size_t length;
    struct gw_cors_lines lines;
};

struct gw_cors {
    struct gw_cors_lines others; /* for everybody else; of "*": for everybody */
    char *preflight;             /* the lines that only a preflight's answer has */
    size_t preflight_length;
    bool any;
    size_t count;
    struct origin origins[VD_CORS_ORIGINS_MAX];
};

static bool lines_make(struct gw_cors_lines *lines, const char *origin, size_t length,
                       bool credentials, bool vary)
{
    int written =
        asprintf(&lines->text, "%s%.*s%s%s%s", length ? "Access-Control-Allow-Origin: " : "",
                 (int)length, origin, length ? "\r\n" : "",
                 length && credentials ? "Access-Control-Allow-Credentials: true\r\n" : "",
                 vary ? "Vary: Origin\r\n" : "");

    if (written < 0) {
        lines->text = NULL;
        return false;
    }
    lines->length = (size_t)written;
    return true;
}

static bool preflight_make(struct gw_cors *cors, const struct vd_server_config *config)
{
    bool none = strcmp(config->cors_headers, "-") == 0;
    int written =
        asprintf(&cors->preflight,
                 "Access-Control-Allow-Methods: %s\r\n%s%s%sAccess-Control-Max-Age: %u\r\n"
                 "Vary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n",
                 config->cors_methods,
                 none ? "" : "Access-Control-Allow-Headers: ", none ? "" : config->cors_headers,
                 none ? "" : "\r\n", config->cors_max_age_s);

    if (written < 0) {
        cors->preflight = NULL;
        return false;
    }
    cors->preflight_length = (size_t)written;
    return true;
}

enum vd_err gw_cors_start(struct gateway *gateway)
{
    const struct vd_server_config *config = gateway->config;
    const char *list = config->cors_origins;
    struct gw_cors *cors;

    if (!list)
        return VD_OK;
    cors = gateway->cors = calloc(1, sizeof(*cors));
    if (!cors || !preflight_make(cors, config))
        return VD_ERR_NO_MEMORY;
    cors->any = strcmp(list, "*") == 0;
    if (!lines_make(&cors->others, "*", cors->any, false, !cors->any))
        return VD_ERR_NO_MEMORY;
    while (!cors->any && cors->count < VD_CORS_ORIGINS_MAX) {
        struct origin *origin = &cors->origins[cors->count];

        if (!vd_cors_next_origin(&list, &origin->text, &origin->length))
            break;
        if (!lines_make(&origin->lines, origin->text, origin->length, config->cors_credentials,
                        true))
            return VD_ERR_NO_MEMORY;
        cors->count++;
    }
    return VD_OK;
}

void gw_cors_finish(struct gateway *gateway)
{
    struct gw_cors *cors = gateway->cors;

    if (!cors)
        return;
    for (size_t i = 0; i < cors->count; i++)
        free(cors->origins[i].lines.text);
    free(cors->others.text);
    free(cors->preflight);
    free(cors);
    gateway->cors = NULL;
}

/* The Origin of a request; NULL when it has none, or several. */
static const struct vd_http_span *find_origin(const struct vd_http_request *head, const char *bytes)
{
    const struct vd_http_span *found = NULL;

    for (size_t i = 0; i < head->header_count; i++) {
        const struct vd_http_field *field = &head->headers[i];

        if (field->name.length != 6 || !vd_http_name_is(bytes + field->name.offset, 6, "origin"))
            continue;
        if (found)
            return NULL;
        found = &field->value;
    }
    return found;
}

static const struct gw_cors_lines *lines_for(const struct gw_cors *cors,
                                             const struct vd_http_span *value, const char *bytes)
{
    for (size_t i = 0; value && i < cors->count; i++) {
        const struct origin *origin = &cors->origins[i];

        if (origin->length == value->length &&
            memcmp(origin->text, bytes + value->offset, value->length) == 0)
            return &origin->lines;
    }
    return &cors->others;
}

void gw_cors_note(struct gw_connection *connection, const struct vd_http_request *head,
                  const char *bytes)
{
    const struct gw_cors *cors = connection->gateway->cors;

    connection->cors = cors ? lines_for(cors, find_origin(head, bytes), bytes) : NULL;
}

static bool has_request_method(const struct vd_http_request *head, const char *bytes)
{
    for (size_t i = 0; i < head->header_count; i++) {
        const struct vd_http_span *name = &head->headers[i].name;

        if (vd_http_name_is(bytes + name->offset, name->length, "access-control-request-method"))
            return true;
    }
    return false;
}

bool gw_cors_preflight(struct gw_connection *connection, const struct vd_http_request *head,
                       const char *bytes)
{
    const struct gw_cors *cors = connection->gateway->cors;

    if (!cors || head->method != VD_HTTP_OPTIONS || !has_request_method(head, bytes) ||
        !find_origin(head, bytes))
        return false;
    if (!cors->any && connection->cors == &cors->others) {
        gw_respond_error(connection, 403, "this origin is not allowed");
    } else {
        gw_respond_empty(connection, 204, cors->preflight, cors->preflight_length);
    }
    return true;
}

void gw_cors_yield(struct gw_connection *connection, const char *headers, size_t length)
{
    static const char name[] = "access-control-allow-origin:";
    const char *at = headers, *end = headers + length;

    if (!connection->cors)
        return;
    while ((size_t)(end - at) >= sizeof(name) - 1) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (vd_http_name_is(at, sizeof(name) - 1, name)) {
            connection->cors = NULL;
            return;
        }
        if (!stop)
            return;
        at = stop + 1;
    }
}
