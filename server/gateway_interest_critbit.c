/* SPDX-License-Identifier: Apache-2.0 */
/* Inner nodes name the first bit in which the keys below differ; leaves hang below them:
 *
 *     root -> { byte 5, bit 0x10 } -- 0 -> "room:a"
 *                                  \- 1 -> { byte 6, bit 0x20 } -- 0 -> "room:p"
 *                                                               \- 1 -> "room:p1"
 *
 * A key goes on with NUL bytes behind its end, so that a prefix differs from what extends it. The
 * lowest bit of a reference tells an inner node (1) from a leaf (0). A path is at most as long as a
 * key has bits; keys are scopes, so recursion is bounded by 8 * 257.
 *
 * Failure modes: only vd_critbit_add allocates; it does so before it changes anything. */
#include "gateway_interest_critbit.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct inner {
    void *child[2];
    size_t byte;
    unsigned char bit; /* exactly one set */
};

static struct inner *inner_of(void *reference)
{
    return (uintptr_t)reference & 1 ? (struct inner *)((char *)reference - 1) : NULL;
}

static unsigned char byte_at(const char *key, size_t length, size_t at)
{
    return at < length ? (unsigned char)key[at] : 0;
}

static unsigned side(const struct inner *node, const char *key, size_t length)
{
    return (byte_at(key, length, node->byte) & node->bit) != 0;
}

/* Some leaf that agrees with the key in every bit the tree asks about. */
static struct vd_critbit_leaf *closest(void *reference, const char *key, size_t length)
{
    struct inner *node;
    while ((node = inner_of(reference))) {
        reference = node->child[side(node, key, length)];
    }
    return reference;
}

/* Does the place before @node belong to a difference at (@byte, @bit)? Higher bits come first. */
static int comes_before(size_t byte, unsigned char bit, const struct inner *node)
{
    return byte < node->byte || (byte == node->byte && bit > node->bit);
}

int vd_critbit_add(struct vd_critbit *tree, struct vd_critbit_leaf *leaf)
{
    assert(((uintptr_t)leaf & 1) == 0);
    if (!tree->root) {
        tree->root = leaf;
        return 0;
    }
    const struct vd_critbit_leaf *other = closest(tree->root, leaf->key, leaf->length);
    size_t byte = 0;
    unsigned char difference;
    do {
        assert(byte <= leaf->length); /* the key is not there yet */
        difference =
            byte_at(leaf->key, leaf->length, byte) ^ byte_at(other->key, other->length, byte);
        byte++;
    } while (!difference);
    byte--;
    unsigned char bit = 0x80;
    while (!(difference & bit)) {
        bit >>= 1;
    }

    struct inner *fresh = malloc(sizeof *fresh);
    if (!fresh) {
        return -1;
    }
    fresh->byte = byte;
    fresh->bit = bit;
    void **at = &tree->root;
    struct inner *node;
    while ((node = inner_of(*at)) && !comes_before(byte, bit, node)) {
        at = &node->child[side(node, leaf->key, leaf->length)];
    }
    unsigned mine = side(fresh, leaf->key, leaf->length);
    fresh->child[mine] = leaf;
    fresh->child[1 - mine] = *at;
    *at = (char *)fresh + 1;
    return 0;
}

void vd_critbit_remove(struct vd_critbit *tree, struct vd_critbit_leaf *leaf)
{
    void **at = &tree->root;
    void **parent_at = NULL;
    unsigned mine = 0;
    struct inner *node;
    while ((node = inner_of(*at))) {
        parent_at = at;
        mine = side(node, leaf->key, leaf->length);
        at = &node->child[mine];
    }
    assert(*at == leaf);
    if (!parent_at) {
        tree->root = NULL;
        return;
    }
    struct inner *parent = inner_of(*parent_at);
    *parent_at = parent->child[1 - mine];
    free(parent);
}

static void each_below(void *reference, void (*found)(struct vd_critbit_leaf *leaf, void *context),
                       void *context)
{
    struct inner *node;
    while ((node = inner_of(reference))) {
        each_below(node->child[0], found, context);
        reference = node->child[1];
    }
    found(reference, context);
}

void vd_critbit_each(const struct vd_critbit *tree, const char *prefix, size_t length,
                     void (*found)(struct vd_critbit_leaf *leaf, void *context), void *context)
{
    if (!tree->root) {
        return;
    }
    void *top = tree->root;
    struct inner *node;
    while ((node = inner_of(top)) && node->byte < length) {
        top = node->child[side(node, prefix, length)];
    }
    /* All keys below share the bits asked about so far; one of them tells of the bits between. */
    const struct vd_critbit_leaf *some = closest(top, prefix, length);
    if (some->length >= length && memcmp(some->key, prefix, length) == 0) {
        each_below(top, found, context);
    }
}
