/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings (RFC 9110 8.4, 12.5.3): which one a client wants, and what is worth coding. Pure;
 * used by whoever holds several representations of a response. */
#ifndef VIADUCT_COMMON_CODING_H
#define VIADUCT_COMMON_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vd_coding { VD_CODING_IDENTITY, VD_CODING_GZIP, VD_CODING_BROTLI };
#define VD_CODINGS 3

/* For vd_coding_choose: what can be offered besides identity. */
#define VD_CODING_BIT(coding) (1u << (coding))

/* What the Accept-Encoding of one request says. Zeroed: nothing. */
struct vd_coding_accept {
    uint16_t weight[VD_CODINGS]; /* thousandths */
    uint16_t rest;               /* of `*` */
    bool named[VD_CODINGS];
    bool rest_named;
};

/* Read one Accept-Encoding field line; several lines are one list. A member that is not
 * `coding [;q=weight]` counts as not there; of a coding that is named twice the lower weight holds.
 */
void vd_coding_accept_line(struct vd_coding_accept *accept, const char *bytes, size_t length);

/* The coding for a client that sent @accept, of those in @offered (VD_CODING_BIT); brotli before
 * gzip where the client does not care. IDENTITY when it wants none of them, prefers none, or said
 * nothing; also when it refuses identity and everything else: an answer is better than a 406. */
enum vd_coding vd_coding_choose(const struct vd_coding_accept *accept, unsigned offered);

/* "gzip", "br", "identity" */
const char *vd_coding_name(enum vd_coding coding);

/* Is content of this Content-Type (parameters may follow) text, or like it? Not so
 * text/event-stream: that is a stream, whose coding is decided elsewhere. */
bool vd_coding_type_compresses(const char *type, size_t length);
bool vd_coding_type_is_event_stream(const char *type, size_t length);

/* Is @member, ASCII case-insensitive and in lower case here, in the comma-separated @list? Of a
 * member with parameters the part before `;` or `=` counts. */
bool vd_coding_list_has(const char *list, size_t length, const char *member);

#endif
