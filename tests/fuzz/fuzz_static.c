/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a request for a file can say, a line each: path, Range and the conditions, which
 * begin anew after the last. The first two bytes make the file's size. What must hold whatever they
 * are: ranges lie within the file and apart, a name never leads upwards, no header that is not
 * there decides anything. */
#include <string.h>

#include "common_mime.h"
#include "fuzz.h"
#include "gateway_static.h"

#define NOW_S 1795182000u

static const char names[] = "pathrangeif-matchif-none-matchif-modified-since"
                            "if-unmodified-sinceif-range";
static const unsigned char name_lengths[] = {4, 5, 8, 13, 17, 19, 8};
#define KINDS sizeof(name_lengths)

static bool has(const struct vd_http_request *head, const char *bytes, const char *name)
{
    struct vd_text value;
    size_t from = 0;

    return gw_static_field(head, bytes, name, &from, &value);
}

static void check_range(struct vd_text value, uint64_t size)
{
    struct gw_static_ranges ranges;
    enum gw_static_span span = gw_static_range(value, size, &ranges);

    FUZZ_REQUIRE((span == GW_STATIC_PARTIAL) == (ranges.count > 0));
    FUZZ_REQUIRE(ranges.count <= GW_STATIC_RANGES_MAX);
    for (unsigned i = 0; i < ranges.count; i++) {
        const struct gw_static_range *one = &ranges.at[i];

        FUZZ_REQUIRE(one->length > 0 && one->first < size && one->length <= size - one->first);
        for (unsigned k = 0; k < i; k++) {
            FUZZ_REQUIRE(ranges.at[k].first + ranges.at[k].length <= one->first ||
                         one->first + one->length <= ranges.at[k].first);
        }
    }
    if (span == GW_STATIC_UNSATISFIABLE)
        FUZZ_REQUIRE(value.length > 6 && (value.bytes[0] | 0x20) == 'b');
}

static void check_path(struct vd_text path)
{
    char relative[GW_STATIC_PATH_BYTES];
    enum gw_static_path result = gw_static_path(path, "/", relative);

    if (result != GW_STATIC_PATH_FILE)
        return;
    size_t length = strlen(relative);
    FUZZ_REQUIRE(length < GW_STATIC_PATH_BYTES && length <= path.length);
    FUZZ_REQUIRE(relative[0] != '/' && strstr(relative, "//") == NULL);
    FUZZ_REQUIRE(strstr(relative, "/.") == NULL);
    FUZZ_REQUIRE(relative[0] != '.' || strcmp(relative, ".well-known") == 0 ||
                 strncmp(relative, ".well-known/", 12) == 0);
    FUZZ_REQUIRE(vd_mime_of(relative, length)->type != NULL);
}

static void check_conditions(const struct vd_http_request *head, const char *bytes)
{
    const struct gw_static_validators validators = {
        .etag = "\"1-2-3\"", .modified_s = 784111777, .now_s = NOW_S};
    enum gw_static_condition result = gw_static_condition(head, bytes, &validators);

    FUZZ_REQUIRE(result != GW_STATIC_FAILED || has(head, bytes, "if-match") ||
                 has(head, bytes, "if-unmodified-since"));
    FUZZ_REQUIRE(result != GW_STATIC_NOT_MODIFIED || has(head, bytes, "if-none-match") ||
                 has(head, bytes, "if-modified-since"));
    FUZZ_REQUIRE(gw_static_range_applies(head, bytes, &validators) || has(head, bytes, "if-range"));
}

static void check_date(struct vd_text text)
{
    uint64_t seconds, again;
    char written[30];

    if (!vd_http_date_parse(text.bytes, text.length, NOW_S, &seconds))
        return;
    vd_http_date(seconds * 1000, written);
    FUZZ_REQUIRE(vd_http_date_parse(written, 29, NOW_S, &again));
    /* A leap second at the very end of 9999 is written as the second before. */
    FUZZ_REQUIRE(seconds == again || seconds > 253402300799u);
}

static void add_line(struct vd_http_request *head, size_t kind, size_t offset, size_t length)
{
    size_t name = 0;

    for (size_t i = 0; i < kind; i++)
        name += name_lengths[i];
    head->headers[head->header_count++] =
        (struct vd_http_field){.name = {(uint32_t)name, name_lengths[kind]},
                               .value = {(uint32_t)offset, (uint32_t)length}};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vd_http_request head;
    const size_t front = sizeof(names) - 1;

    if (size < 2 || size > 16384)
        return 0;
    /* Lines in memory that ends where they end, behind the names of the headers. */
    char *bytes = malloc(front + size - 2);
    FUZZ_REQUIRE(bytes != NULL);
    memcpy(bytes, names, front);
    memcpy(bytes + front, data + 2, size - 2);
    uint64_t file_bytes = (uint64_t)data[0] << (data[1] % 56);
    head.header_count = 0;
    size_t kind = 0, at = front, end = front + size - 2;
    while (at < end && head.header_count < VD_HTTP_HEADERS_MAX) {
        const char *newline = memchr(bytes + at, '\n', end - at);
        size_t stop = newline ? (size_t)(newline - bytes) : end;
        struct vd_text line = {bytes + at, stop - at};

        if (line.length > 0)
            add_line(&head, kind, at, line.length);
        check_range(line, file_bytes);
        check_path(line);
        check_date(line);
        kind = (kind + 1) % KINDS;
        at = stop + 1;
    }
    check_conditions(&head, bytes);
    free(bytes);
    return 0;
}
