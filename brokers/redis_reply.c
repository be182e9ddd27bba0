/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a Redis server: see redis_reply.h. Builds against hiredis 0.14 to 1.2, whose
 * createArray differ in one type. */
#include <stdlib.h>
#include <string.h>

#include "redis_reply.h"

#define READER_KEEP_BYTES ((size_t)256 * 1024)

#if HIREDIS_MAJOR >= 1
typedef size_t array_count;
#else
typedef int array_count;
#endif

static bool is_whole(const redisReadTask *task)
{
    return !task->parent;
}

static bool keep_payload(struct vd_redis_reply *reply, const char *bytes, size_t length)
{
    if (length + 1 > reply->payload_capacity) {
        char *larger = realloc(reply->payload, length + 1 + length / 2);
        if (!larger)
            return false;
        reply->payload = larger;
        reply->payload_capacity = length + 1 + length / 2;
    }
    memcpy(reply->payload, bytes, length);
    reply->payload[length] = '\0';
    reply->payload_length = length;
    return true;
}

static void *create_string(const redisReadTask *task, char *bytes, size_t length)
{
    struct vd_redis_reply *reply = task->privdata;
    size_t kept = length < VD_REDIS_WORD_BYTES ? length : VD_REDIS_WORD_BYTES - 1;

    if (is_whole(task) || task->idx == 0) {
        memcpy(reply->word, bytes, kept);
        reply->word[kept] = '\0';
    } else if (task->idx == 2 && !keep_payload(reply, bytes, length)) {
        return NULL;
    }
    if (is_whole(task))
        reply->type = task->type;
    return reply;
}

static void *create_array(const redisReadTask *task, array_count count)
{
    struct vd_redis_reply *reply = task->privdata;

    if (!is_whole(task) || (size_t)count > VD_REDIS_PARTS)
        return NULL;
    reply->type = REDIS_REPLY_ARRAY;
    reply->word[0] = '\0';
    reply->payload_length = 0;
    reply->integer = 0;
    reply->elements = (size_t)count;
    return reply;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct vd_redis_reply *reply = task->privdata;

    reply->integer = value;
    if (is_whole(task))
        reply->type = REDIS_REPLY_INTEGER;
    return reply;
}

static void *create_nil(const redisReadTask *task)
{
    struct vd_redis_reply *reply = task->privdata;

    if (is_whole(task))
        reply->type = REDIS_REPLY_NIL;
    return reply;
}

static void free_nothing(void *object)
{
    (void)object;
}

enum vd_err vd_redis_reader_init(struct vd_redis_reader *reader, size_t limit_bytes)
{
    *reader = (struct vd_redis_reader){.limit_bytes = limit_bytes};
    reader->functions = (redisReplyObjectFunctions){
        .createString = create_string,
        .createArray = create_array,
        .createInteger = create_integer,
        .createNil = create_nil,
        .freeObject = free_nothing,
    };
    reader->reader = redisReaderCreateWithFunctions(&reader->functions);
    if (!reader->reader)
        return VD_ERR_NO_MEMORY;
    reader->reader->privdata = &reader->reply;
    reader->reader->maxbuf = READER_KEEP_BYTES;
    return VD_OK;
}

void vd_redis_reader_finish(struct vd_redis_reader *reader)
{
    if (reader->reader)
        redisReaderFree(reader->reader);
    free(reader->reply.payload);
    *reader = (struct vd_redis_reader){0};
}

enum vd_err vd_redis_reader_feed(struct vd_redis_reader *reader, const char *bytes, size_t length)
{
    if (redisReaderFeed(reader->reader, bytes, length) != REDIS_OK)
        return VD_ERR_NO_MEMORY;
    if (reader->reader->len - reader->reader->pos > reader->limit_bytes)
        return VD_ERR_TOO_LARGE;
    return VD_OK;
}

enum vd_err vd_redis_reader_next(struct vd_redis_reader *reader)
{
    void *object = NULL;

    if (reader->taken) {
        reader->taken = false;
        reader->reply.type = 0; /* kinds that came after RESP2 set none */
        reader->reply.word[0] = '\0';
        reader->reply.payload_length = 0;
    }
    if (redisReaderGetReply(reader->reader, &object) != REDIS_OK)
        return VD_ERR_MALFORMED;
    if (!object)
        return VD_ERR_EMPTY;
    reader->taken = true;
    return VD_OK;
}
