/* SPDX-License-Identifier: Apache-2.0 */
/* One reply of a Redis server (RESP2), flattened: enough for what the doctor asks. The driver has a
 * reader made for speed that keeps less (brokers/redis_reply.h). */
#ifndef VIADUCT_CLI_RESP_H
#define VIADUCT_CLI_RESP_H

#include <stddef.h>

#define RESP_PARTS 8

struct resp_part {
    const char *bytes; /* within what was parsed */
    size_t length;
};

struct resp {
    char type;                          /* of the whole: one of + - : $ * */
    size_t count;                       /* parts of an array, at most RESP_PARTS; else 1 */
    struct resp_part parts[RESP_PARTS]; /* numbers as their digits; nil is empty */
};

/* Returns: bytes that the reply takes; 0: not whole yet; -1: no such reply, or a larger array. */
long resp_parse(const char *bytes, size_t length, struct resp *reply);

#endif
