/* SPDX-License-Identifier: Apache-2.0 */
/* What a link brought and no handler has seen yet, in order.
 *
 * The library's callbacks only put things here: PHP handlers may throw, exit or run out of memory,
 * which unwinds by longjmp, and that must not pass through the library's frames. For the same
 * reason all of it is malloc's memory. Bounded: over the limit messages are dropped, and the count
 * stands at its place. */
#ifndef VIADUCT_PHP_BROKER_INBOX_H
#define VIADUCT_PHP_BROKER_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>

struct vd_php_failure {
    enum vd_err code;
    uint32_t attempt;
    uint32_t next_delay_ms;
    char text[VD_ERROR_TEXT_BYTES];
};

enum vd_php_arrival_kind { VD_ARRIVED_MESSAGE, VD_ARRIVED_GAP, VD_ARRIVED_FAILURE };

struct vd_php_arrival {
    struct vd_php_arrival *next;
    enum vd_php_arrival_kind kind;
    int64_t subscription; /* MESSAGE */
    size_t size;
    union {
        struct vd_message message; /* points into bytes */
        struct vd_broker_gap gap;  /* likewise */
        struct vd_php_failure failure;
    };
    char bytes[];
};

struct vd_php_inbox {
    struct vd_php_arrival *first, *last;
    size_t size;
    size_t failures; /* among them */
    uint64_t missed; /* messages dropped after the last one */
};

void vd_php_inbox_message(struct vd_php_inbox *inbox, int64_t subscription,
                          const struct vd_message *message);
void vd_php_inbox_gap(struct vd_php_inbox *inbox, const struct vd_broker_gap *gap);
void vd_php_inbox_failure(struct vd_php_inbox *inbox, const struct vd_php_failure *failure);

/* The oldest, the caller's to free(); NULL: none. */
struct vd_php_arrival *vd_php_inbox_take(struct vd_php_inbox *inbox);
void vd_php_inbox_finish(struct vd_php_inbox *inbox);

#endif
