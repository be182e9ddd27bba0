/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a Redis server, by hiredis's reader, with limits that it does not have itself: no
 * array over 4 elements or within another, no string over the limit. All that pub/sub needs is one
 * array of at most three elements, so one reply at a time is kept, in buffers that are used again.
 */
#ifndef VIADUCT_BROKERS_REDIS_REPLY_H
#define VIADUCT_BROKERS_REDIS_REPLY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include <viaduct/error.h>

#define VD_REDIS_PARTS      3
#define VD_REDIS_WORD_BYTES 256

struct vd_redis_reply {
    int type; /* REDIS_REPLY_* of the whole */
    size_t elements;
    long long integer;
    char word[VD_REDIS_WORD_BYTES]; /* beginning of a status, an error, or the first element */
    char *payload;                  /* third element; NUL-terminated */
    size_t payload_length, payload_capacity;
};

struct vd_redis_reader {
    redisReader *reader;
    redisReplyObjectFunctions functions;
    size_t limit_bytes;
    bool taken; /* the reply is the caller's; the next begins anew */
    struct vd_redis_reply reply;
};

/* @reader must not move. @limit_bytes: of one whole reply. Returns: VD_OK, VD_ERR_NO_MEMORY. */
enum vd_err vd_redis_reader_init(struct vd_redis_reader *reader, size_t limit_bytes);
void vd_redis_reader_finish(struct vd_redis_reader *reader); /* zeroed memory is fine */

/* At most 64 KiB at a time: hiredis moves the rest of its buffer with each reply.
 * Returns: VD_OK, VD_ERR_TOO_LARGE, VD_ERR_NO_MEMORY. */
enum vd_err vd_redis_reader_feed(struct vd_redis_reader *reader, const char *bytes, size_t length);

/* Returns: VD_OK: reader->reply, until the next call; VD_ERR_EMPTY: not whole yet;
 * VD_ERR_MALFORMED: that is no such server, and nothing more can be read. */
enum vd_err vd_redis_reader_next(struct vd_redis_reader *reader);

#endif
