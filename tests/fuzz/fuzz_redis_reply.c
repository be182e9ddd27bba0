/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of Redis replies: whatever bytes come, cut wherever, it gives the same replies, holds
 * no more than its limit, and ends in a reply, in waiting, or in an error for good.
 *
 * Input: one byte that says how the rest is cut, the rest is what a server sends. */
#include <string.h>

#include "fuzz.h"
#include "redis_reply.h"

#define LIMIT ((size_t)64 * 1024)

struct outcome {
    uint64_t digest;
    unsigned replies;
    enum vd_err code;
};

static void digest(struct outcome *outcome, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        outcome->digest = (outcome->digest ^ at[i]) * 1099511628211ULL;
}

static void take(struct outcome *outcome, const struct vd_redis_reply *reply)
{
    FUZZ_REQUIRE(memchr(reply->word, '\0', sizeof(reply->word)) != NULL);
    digest(outcome, &reply->type, sizeof(reply->type));
    digest(outcome, reply->word, strlen(reply->word));
    outcome->replies++;
    if (reply->type == REDIS_REPLY_ARRAY) {
        FUZZ_REQUIRE(reply->elements <= VD_REDIS_PARTS);
        digest(outcome, &reply->elements, sizeof(reply->elements));
        digest(outcome, reply->payload, reply->payload_length);
    }
    if (reply->type == REDIS_REPLY_INTEGER)
        digest(outcome, &reply->integer, sizeof(reply->integer));
}

static struct outcome read_in_pieces(const char *bytes, size_t length, size_t cut, size_t limit)
{
    struct outcome outcome = {.digest = 14695981039346656037ULL, .code = VD_ERR_EMPTY};
    struct vd_redis_reader reader;

    FUZZ_REQUIRE(vd_redis_reader_init(&reader, limit) == VD_OK);
    for (size_t at = 0; at < length && outcome.code == VD_ERR_EMPTY; at += cut) {
        size_t piece = length - at < cut ? length - at : cut;
        outcome.code = vd_redis_reader_feed(&reader, bytes + at, piece);
        while (outcome.code == VD_OK) {
            outcome.code = vd_redis_reader_next(&reader);
            if (outcome.code == VD_OK)
                take(&outcome, &reader.reply);
        }
        FUZZ_REQUIRE(reader.reply.payload_capacity <= limit + limit / 2 + cut + 1);
        FUZZ_REQUIRE(outcome.code == VD_ERR_TOO_LARGE ||
                     reader.reader->len - reader.reader->pos <= limit);
    }
    if (outcome.code == VD_ERR_MALFORMED) /* for good */
        FUZZ_REQUIRE(vd_redis_reader_next(&reader) == VD_ERR_MALFORMED);
    vd_redis_reader_finish(&reader);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data + 1;
    struct outcome whole, pieces;

    if (size < 2 || size > LIMIT)
        return 0;
    whole = read_in_pieces(bytes, size - 1, size, 2 * LIMIT);
    pieces = read_in_pieces(bytes, size - 1, 1 + (data[0] & 63), 2 * LIMIT);
    FUZZ_REQUIRE(whole.code == pieces.code && whole.replies == pieces.replies &&
                 whole.digest == pieces.digest);
    read_in_pieces(bytes, size - 1, 1 + (data[0] & 63), 100); /* over the limit: an error */
    return 0;
}
