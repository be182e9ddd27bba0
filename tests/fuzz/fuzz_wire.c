/* SPDX-License-Identifier: Apache-2.0 */
/* The wire codec with jansson as its oracle. The input is read as a text; and, since few inputs are
 * texts, cut into the fields of a message that is encoded. */
#include "fuzz.h"
#include "wire_oracle.h"

/* The next piece: its length is in the byte before it. */
static size_t cut(const uint8_t **at, const uint8_t *end)
{
    size_t length = *at < end ? *(*at)++ : 0;

    return length < (size_t)(end - *at) ? length : (size_t)(end - *at);
}

static void encode_pieces(const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *end = data + size;
    struct vd_message message = {.sequence = size > 0 ? data[0] : 0, .has_data = size % 7 != 0};

    message.scope_length = cut(&at, end);
    message.scope = (const char *)at;
    at += message.scope_length;
    message.event_length = cut(&at, end);
    message.event = message.event_length > 0 ? (const char *)at : NULL;
    at += message.event_length;
    message.origin_length = cut(&at, end);
    message.origin = message.origin_length > 0 ? (const char *)at : NULL;
    at += message.origin_length;
    message.data = at;
    message.data_length = (size_t)(end - at);
    wire_oracle_check_encoding(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wire_oracle_check((const char *)data, size);
    encode_pieces(data, size);
    return 0;
}
