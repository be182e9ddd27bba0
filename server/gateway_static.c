/* SPDX-License-Identifier: Apache-2.0 */
/* A request that may be for a file: found, judged and answered here; else left to the workers, so
 * that routes and files live side by side.
 *
 * Happy path: the path names a regular file; it is opened, its conditions hold, and headers and the
 * first bytes leave in one write. A file no larger than that is closed again at once; the rest of a
 * larger one follows as the socket takes it (gateway_static_send.c).
 *
 * Failure modes: nothing there, or nothing that clients may see - the workers decide; a directory
 * without its slash - 308, if it has an index.html; out of descriptors or memory - 503. The
 * directory itself may be replaced at any time (a deployment that moves a link): it is looked up
 * again once a second; while it is gone the workers answer. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common_coding.h"
#include "common_mime.h"
#include "gateway.h"
#include "gateway_static.h"

#define LOOK_AGAIN_MS 1000
#define FIRST_BYTES   (16 * 1024) /* of the body, with the headers */
#define HEAD_BYTES    (GW_HEAD_BYTES + 1024)
#define ETAG_BYTES    64
#define INDEX         "index.html"

struct request {
    struct gw_connection *connection;
    const struct vd_http_request *head;
    const char *bytes;
    char relative[GW_STATIC_PATH_BYTES];
    int fd;
    struct stat status;
    const struct vd_mime *mime;
    enum vd_coding coding;
    char etag[ETAG_BYTES];
    uint64_t modified_s; /* as announced: never in the future */
};

/* ---- the directory -----------------------------------------------------------------------------
 */

static bool is_same(int a, int b)
{
    struct stat one, other;

    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static void look_up_root(struct gateway *gateway)
{
    struct gw_static_root *root = &gateway->static_root;
    int fd = gw_static_root_open(gateway->config->static_directory);

    root->look_again_ms = gateway->now_ms + LOOK_AGAIN_MS;
    if (fd < 0) {
        /* Out of descriptors says nothing about the directory: go on with the one at hand. */
        if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
            return;
        if (root->fd >= 0)
            close(root->fd);
        root->fd = -1;
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "static_directory_gone",
                       "%s: %s", gateway->config->static_directory, strerror(-fd));
        return;
    }
    if (root->fd >= 0 && is_same(root->fd, fd)) {
        close(fd);
        return;
    }
    if (root->fd >= 0)
        close(root->fd);
    root->fd = fd;
    root->whole_tree = gw_static_open_beneath_works(fd);
}

void gw_static_start(struct gateway *gateway)
{
    gateway->static_root.fd = -1;
    if (gateway->config->static_directory)
        look_up_root(gateway);
}

void gw_static_finish(struct gateway *gateway)
{
    if (gateway->config && gateway->config->static_directory && gateway->static_root.fd >= 0)
        close(gateway->static_root.fd);
}

/* ---- choosing the file -------------------------------------------------------------------------
 */

static struct vd_text text_of(const struct request *request, struct vd_http_span span)
{
    return (struct vd_text){request->bytes + span.offset, span.length};
}

static bool out_of_something(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int open_relative(const struct request *request, const char *relative, struct stat *status)
{
    struct gateway *gateway = request->connection->gateway;
    int fd = gw_static_open(&gateway->static_root, relative, status);

    if (fd == -EACCES || fd == -EIO) {
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "static_file_unreadable",
                       "a file of the static directory cannot be read: %s", strerror(-fd));
    }
    return fd;
}

/* Does the path have room for @more, and what is it then? */
static bool append(struct request *request, const char *more)
{
    size_t length = strlen(request->relative);

    if (length + strlen(more) + 1 > GW_STATIC_PATH_BYTES)
        return false;
    memcpy(request->relative + length, more, strlen(more) + 1);
    return true;
}

/* A sibling older than the file is what the file was before: not it. */
static bool take_sibling(struct request *request, enum vd_coding coding)
{
    size_t length = strlen(request->relative);
    struct stat status;

    if (!append(request, coding == VD_CODING_BROTLI ? ".br" : ".gz"))
        return false;
    int fd = open_relative(request, request->relative, &status);
    request->relative[length] = '\0';
    if (fd < 0)
        return false;
    if (!S_ISREG(status.st_mode) || status.st_mtim.tv_sec < request->status.st_mtim.tv_sec) {
        close(fd);
        return false;
    }
    close(request->fd);
    request->fd = fd;
    request->status = status;
    return true;
}

/* What the client likes best of what is there: looking costs an open, so only for what it takes. */
static enum vd_coding choose_coding(struct request *request)
{
    unsigned offered = VD_CODING_BIT(VD_CODING_GZIP) | VD_CODING_BIT(VD_CODING_BROTLI);
    struct vd_coding_accept accept = {0};
    struct vd_text value;
    size_t from = 0;

    if (!request->mime->compressible)
        return VD_CODING_IDENTITY;
    while (gw_static_field(request->head, request->bytes, "accept-encoding", &from, &value))
        vd_coding_accept_line(&accept, value.bytes, value.length);
    for (;;) {
        enum vd_coding coding = vd_coding_choose(&accept, offered);

        if (coding == VD_CODING_IDENTITY || take_sibling(request, coding))
            return coding;
        offered &= ~VD_CODING_BIT(coding);
    }
}

static void describe(struct request *request)
{
    const struct stat *status = &request->status;
    uint64_t now_s = request->connection->gateway->wall_ms / 1000;

    snprintf(request->etag, sizeof(request->etag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"",
             (uint64_t)status->st_ino, (uint64_t)status->st_size,
             (uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec);
    request->modified_s = status->st_mtim.tv_sec > 0 ? (uint64_t)status->st_mtim.tv_sec : 0;
    if (request->modified_s > now_s)
        request->modified_s = now_s;
}

/* ---- answers without a file --------------------------------------------------------------------
 */

static void unavailable(struct request *request)
{
    gw_respond_error(request->connection, 503, "the server is out of descriptors or memory");
}

/* The path as the client spelled it, for it may be encoded, with the slash; and the query. The
 * parser lets no control character through, and no path that begins with two slashes gets here. */
static void redirect(const struct request *request)
{
    struct vd_text path = text_of(request, request->head->path);
    struct vd_text query = text_of(request, request->head->query);
    char head[HEAD_BYTES];
    size_t used = gw_response_head(request->connection, head, GW_HEAD_BYTES, 308);
    static const char location[] = "Content-Length: 0\r\nCache-Control: no-cache\r\nLocation: ";

    memcpy(head + used, location, sizeof(location) - 1);
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = used + sizeof(location) - 1},
        {.iov_base = (void *)path.bytes, .iov_len = path.length},
        {.iov_base = (void *)"/?", .iov_len = query.length ? 2 : 1},
        {.iov_base = (void *)query.bytes, .iov_len = query.length},
        {.iov_base = (void *)"\r\n\r\n", .iov_len = 4},
    };
    gw_output_write(request->connection, parts, 5);
    gw_connection_response_done(request->connection);
}

/* ---- answers with a file -----------------------------------------------------------------------
 */

struct answer {
    unsigned status;
    uint64_t length; /* of the body; not sent with 304 */
    char type[128];
    char range[96];               /* the Content-Range line, or empty */
    struct gw_download *download; /* NULL: no body */
};

static size_t print_head(struct request *request, const struct answer *answer, char *head)
{
    const struct vd_server_config *config = request->connection->gateway->config;
    char date[30], length[48] = "", cache[40] = "no-cache", coding[40] = "";
    size_t used = gw_response_head(request->connection, head, GW_HEAD_BYTES, answer->status);

    vd_http_date(request->modified_s * 1000, date);
    if (answer->status != 304)
        snprintf(length, sizeof(length), "Content-Length: %" PRIu64 "\r\n", answer->length);
    if (answer->status != 304 && request->coding != VD_CODING_IDENTITY) {
        snprintf(coding, sizeof(coding), "Content-Encoding: %s\r\n",
                 vd_coding_name(request->coding));
    }
    if (config->static_max_age_s)
        snprintf(cache, sizeof(cache), "max-age=%" PRIu32, config->static_max_age_s);
    used += (size_t)snprintf(
        head + used, HEAD_BYTES - used,
        "%sLast-Modified: %.29s\r\nETag: %s\r\nCache-Control: %s\r\nAccept-Ranges: bytes\r\n"
        "%s%s%s%s%s%s\r\n",
        length, date, request->etag, cache, answer->type[0] ? "Content-Type: " : "", answer->type,
        answer->type[0] ? "\r\n" : "", coding,
        request->mime->compressible ? "Vary: Accept-Encoding\r\n" : "", answer->range);
    return used;
}

/* Headers and the first of the body in one write; the rest by gateway_static_send.c. */
static void send_answer(struct request *request, const struct answer *answer)
{
    struct gw_connection *connection = request->connection;
    struct gw_download *download = answer->download;
    char out[HEAD_BYTES + FIRST_BYTES];
    struct iovec part = {.iov_base = out, .iov_len = print_head(request, answer, out)};

    if (download && !download->multipart) {
        size_t first = download->left < FIRST_BYTES ? (size_t)download->left : FIRST_BYTES;
        ssize_t got = pread(download->fd, out + part.iov_len, first, (off_t)download->offset);

        if (got < 0 || (size_t)got < first) { /* it shrank already, or cannot be read */
            gw_download_destroy(download);
            gw_connection_close(connection);
            return;
        }
        part.iov_len += first;
        connection->access.body_bytes += first;
        download->offset += first;
        download->left -= first;
    }
    gw_output_write(connection, &part, 1);
    if (connection->dead) {
        gw_download_destroy(download);
    } else if (download && (download->left || download->multipart)) {
        gw_download_start(connection, download);
    } else {
        gw_download_destroy(download);
        gw_connection_response_done(connection);
    }
}

static struct gw_download *download_create(struct request *request)
{
    struct gw_download *download = calloc(1, sizeof(*download));

    if (!download)
        return NULL;
    download->fd = request->fd;
    download->size = (uint64_t)request->status.st_size;
    download->left = download->size;
    download->type = request->mime->type;
    request->fd = -1;
    return download;
}

static void draw_boundary(char boundary[33])
{
    unsigned char drawn[16];

    if (getrandom(drawn, sizeof(drawn), GRND_NONBLOCK) != sizeof(drawn))
        memset(drawn, 0x5a, sizeof(drawn)); /* at the machine's first boot only */
    for (size_t i = 0; i < sizeof(drawn); i++)
        snprintf(boundary + 2 * i, 3, "%02x", drawn[i]);
}

static void set_partial(const struct request *request, struct answer *answer,
                        const struct gw_static_ranges *ranges)
{
    struct gw_download *download = answer->download;
    const struct gw_static_range *only = &ranges->at[0];

    answer->status = 206;
    if (ranges->count == 1) {
        download->offset = only->first;
        download->left = answer->length = only->length;
        snprintf(answer->range, sizeof(answer->range),
                 "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", only->first,
                 only->first + only->length - 1, (uint64_t)request->status.st_size);
        return;
    }
    download->multipart = true;
    download->ranges = *ranges;
    download->left = 0;
    draw_boundary(download->boundary);
    answer->length = gw_download_multipart_bytes(download);
    snprintf(answer->type, sizeof(answer->type), "multipart/byteranges; boundary=%s",
             download->boundary);
}

static void set_unsatisfiable(const struct request *request, struct answer *answer)
{
    answer->status = 416;
    answer->length = 0;
    answer->type[0] = '\0';
    snprintf(answer->range, sizeof(answer->range), "Content-Range: bytes */%" PRIu64 "\r\n",
             (uint64_t)request->status.st_size);
}

/* Only GET has ranges (RFC 9110 14.2). Two Range lines are a malformed one. */
static enum gw_static_span wanted(const struct request *request,
                                  const struct gw_static_validators *validators,
                                  struct gw_static_ranges *ranges)
{
    struct vd_text value, second;
    size_t from = 0;

    if (request->head->method != VD_HTTP_GET ||
        !gw_static_field(request->head, request->bytes, "range", &from, &value) ||
        gw_static_field(request->head, request->bytes, "range", &from, &second) ||
        !gw_static_range_applies(request->head, request->bytes, validators))
        return GW_STATIC_WHOLE;
    return gw_static_range(value, (uint64_t)request->status.st_size, ranges);
}

static void serve_file(struct request *request)
{
    struct answer answer = {.status = 200, .length = (uint64_t)request->status.st_size};
    struct gw_static_ranges ranges;

    describe(request);
    struct gw_static_validators validators = {.etag = request->etag,
                                              .modified_s = request->modified_s,
                                              .now_s =
                                                  request->connection->gateway->wall_ms / 1000};
    enum gw_static_condition condition =
        gw_static_condition(request->head, request->bytes, &validators);

    if (condition == GW_STATIC_FAILED) {
        gw_respond_error(request->connection, 412, "the file is not the one that was asked for");
        return;
    }
    if (condition == GW_STATIC_NOT_MODIFIED) {
        answer.status = 304;
        send_answer(request, &answer);
        return;
    }
    snprintf(answer.type, sizeof(answer.type), "%s", request->mime->type);
    enum gw_static_span span = wanted(request, &validators, &ranges);
    if (span == GW_STATIC_UNSATISFIABLE) {
        set_unsatisfiable(request, &answer);
    } else if (request->head->method == VD_HTTP_GET) {
        answer.download = download_create(request);
        if (!answer.download) {
            unavailable(request);
            return;
        }
        if (span == GW_STATIC_PARTIAL)
            set_partial(request, &answer, &ranges);
    }
    send_answer(request, &answer);
}

/* ---- the request -------------------------------------------------------------------------------
 */

/* Opens the file that is meant. true: it is open, or the request has been answered. */
static bool find(struct request *request, bool slash)
{
    if (slash && !append(request, INDEX))
        return false;
    request->fd = open_relative(request, request->relative, &request->status);
    if (request->fd < 0) {
        if (!out_of_something(request->fd))
            return false;
        unavailable(request);
        return true;
    }
    if (S_ISREG(request->status.st_mode))
        return true;
    close(request->fd);
    request->fd = -1;
    if (slash || !append(request, request->relative[0] ? "/" INDEX : INDEX))
        return false;
    int index = open_relative(request, request->relative, &request->status);
    if (index < 0)
        return false;
    close(index);
    if (!S_ISREG(request->status.st_mode))
        return false;
    redirect(request);
    return true;
}

static bool may_be_file(struct gateway *gateway, const struct vd_http_request *head)
{
    if (!gateway->config->static_directory ||
        (head->method != VD_HTTP_GET && head->method != VD_HTTP_HEAD) || head->chunked ||
        head->content_length > 0)
        return false;
    if (gateway->now_ms >= gateway->static_root.look_again_ms)
        look_up_root(gateway);
    return gateway->static_root.fd >= 0;
}

bool gw_static_handle(struct gw_connection *connection, const struct vd_http_request *head,
                      const char *bytes)
{
    struct gateway *gateway = connection->gateway;
    struct request request;

    if (!may_be_file(gateway, head))
        return false;
    request.connection = connection;
    request.head = head;
    request.bytes = bytes;
    struct vd_text path = text_of(&request, head->path);
    switch (gw_static_path(path, gateway->config->static_prefix, request.relative)) {
    case GW_STATIC_PATH_BAD:
        gw_respond_error(connection, 400, "the path is not a valid percent-encoding");
        return true;
    case GW_STATIC_PATH_ELSEWHERE:
        return false;
    case GW_STATIC_PATH_FILE:
        break;
    }
    if (!find(&request, path.length && path.bytes[path.length - 1] == '/'))
        return false;
    if (request.fd < 0)
        return true;
    request.mime = vd_mime_of(request.relative, strlen(request.relative));
    request.coding = choose_coding(&request);
    serve_file(&request);
    if (request.fd >= 0)
        close(request.fd);
    return true;
}
