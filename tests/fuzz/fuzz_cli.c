/* SPDX-License-Identifier: Apache-2.0 */
/* What the command `viaduct` reads and shows of others: replies of a Redis server, documents of a
 * node, and any bytes on a terminal.
 *
 * Invariants: nothing is read beyond the input; a reply takes no more bytes than there are, and its
 * parts lie within; what is shown is UTF-8 without control characters, or, as JSON, a string that
 * is read back as what it was. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json.h"
#include "resp.h"
#include "text.h"

static void read_reply(const char *bytes, size_t length)
{
    struct resp reply;
    long taken = resp_parse(bytes, length, &reply);

    FUZZ_REQUIRE(taken <= (long)length);
    for (size_t i = 0; taken > 0 && i < reply.count; i++) {
        const struct resp_part *part = &reply.parts[i];
        FUZZ_REQUIRE(part->bytes >= bytes && part->bytes + part->length <= bytes + taken);
    }
}

static size_t count_nodes(const struct json *value)
{
    size_t count = 1;

    for (const struct json *one = value->first; one; one = one->next)
        count += count_nodes(one);
    return count;
}

static void read_document(const char *bytes, size_t length)
{
    struct json_document document;

    if (!json_parse(&document, bytes, length))
        return;
    FUZZ_REQUIRE(count_nodes(document.root) <= length);
    json_string(document.root, "a");
    json_finish(&document);
}

static bool is_plain(const struct cli_text *text)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->bytes[i];
        if (byte < 0x20 || byte == 0x7f ||
            (byte == 0xc2 && i + 1 < text->length && (unsigned char)text->bytes[i + 1] < 0xa0))
            return false;
    }
    return cli_is_utf8(text->bytes, text->length);
}

static void show(const char *bytes, size_t length)
{
    struct cli_text shown = {0}, json = {0};
    struct json_document document;

    cli_text_safe(&shown, bytes, length);
    FUZZ_REQUIRE(is_plain(&shown));
    cli_text_json(&json, bytes, length);
    FUZZ_REQUIRE(is_plain(&json));
    if (cli_is_utf8(bytes, length) && !memmem(json.bytes, json.length, "\\ud", 3) &&
        !memchr(bytes, '\0', length)) { /* surrogates are for other readers than ours */
        FUZZ_REQUIRE(json_parse(&document, json.bytes, json.length));
        FUZZ_REQUIRE(document.root->length == length &&
                     memcmp(document.root->string, bytes, length) == 0);
        json_finish(&document);
    }
    cli_text_finish(&shown);
    cli_text_finish(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size ? size : 1); /* exactly: what is beyond is nobody's */

    FUZZ_REQUIRE(bytes);
    if (size > 0)
        memcpy(bytes, data, size);
    read_reply(bytes, size);
    read_document(bytes, size);
    show(bytes, size);
    free(bytes);
    return 0;
}
