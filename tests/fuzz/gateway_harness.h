/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway and one worker in one process, driven by bytes: no port, no fork, no time to wait for.
 *
 * The gateway is the real one, turned by the caller; each conversation is a socketpair of which it
 * has one end. The worker is the real one too, in a thread: it answers each request with one line
 * that says how it was read (see harness_line). */
#ifndef VIADUCT_TESTS_GATEWAY_HARNESS_H
#define VIADUCT_TESTS_GATEWAY_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HARNESS_LINE_BYTES 1024
#define HARNESS_CUTS_MAX   512

#define HARNESS_LINE_LIMIT   300
#define HARNESS_HEAD_LIMIT   1024
#define HARNESS_HEADER_LIMIT 12
#define HARNESS_BODY_LIMIT   90000

struct harness_talk {
    char *output; /* what the client got; without the Date lines and 100 Continue; free it */
    size_t length;
    bool closed; /* the gateway has ended the connection */
};

/* Say @bytes, cut at @cuts (ascending), each piece read before the next is sent; listen until the
 * gateway has nothing more to do. Starts the gateway when first called. */
void harness_talk(const char *bytes, size_t length, const size_t *cuts, size_t cut_count,
                  struct harness_talk *talk);

/* "GET /path 1 3 5 0a1b..": method, target, minor version, headers, length and sum of the body. */
size_t harness_line(char line[HARNESS_LINE_BYTES], const char *method, size_t method_length,
                    const char *target, size_t target_length, unsigned minor_version,
                    size_t header_count, const char *body, size_t body_length);

#endif
