/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loop of the wire codec: how many bytes of a JSON string stand for themselves.
 *
 * Plain is 0x20 to 0x7F without `"` and `\`; the rest is an end, an escape, or UTF-8 that must be
 * checked. Sixteen bytes at a time by the compiler's generic vectors (SSE2, NEON, or whatever the
 * machine has); the last block overlaps the one before instead of going byte by byte, so that no
 * byte outside the string is ever read. */
#ifndef VIADUCT_SRC_WIRE_PLAIN_H
#define VIADUCT_SRC_WIRE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VD_PLAIN_BLOCK 16

typedef signed char vd_plain_block __attribute__((vector_size(VD_PLAIN_BLOCK)));

/* Signed on purpose: bytes from 0x80 are negative, so one comparison finds them and the control
 * characters. */
static inline bool vd_byte_is_plain(unsigned char byte)
{
    return (signed char)byte >= 0x20 && byte != '"' && byte != '\\';
}

/* Index of the first byte of the block that is not plain; VD_PLAIN_BLOCK when all are. */
static inline unsigned vd_plain_in_block(const unsigned char *at)
{
    const vd_plain_block zero = {0};
    vd_plain_block block;
    uint64_t special[2];

    memcpy(&block, at, sizeof(block));
    block = (block < zero + (signed char)0x20) | (block == zero + (signed char)'"') |
            (block == zero + (signed char)'\\');
    memcpy(special, &block, sizeof(special));
    if ((special[0] | special[1]) == 0)
        return VD_PLAIN_BLOCK;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return special[0] ? (unsigned)__builtin_ctzll(special[0]) / 8
                      : 8 + (unsigned)__builtin_ctzll(special[1]) / 8;
#else
    return special[0] ? (unsigned)__builtin_clzll(special[0]) / 8
                      : 8 + (unsigned)__builtin_clzll(special[1]) / 8;
#endif
}

/* The first byte from @at on that is not plain; @end when all are. */
static inline const unsigned char *vd_plain_skip(const unsigned char *at, const unsigned char *end)
{
    if (end - at < VD_PLAIN_BLOCK) {
        while (at < end && vd_byte_is_plain(*at))
            at++;
        return at;
    }
    for (; end - at > VD_PLAIN_BLOCK; at += VD_PLAIN_BLOCK) {
        unsigned plain = vd_plain_in_block(at);
        if (plain < VD_PLAIN_BLOCK)
            return at + plain;
    }
    return end - VD_PLAIN_BLOCK + vd_plain_in_block(end - VD_PLAIN_BLOCK);
}

#endif
