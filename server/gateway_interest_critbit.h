/* SPDX-License-Identifier: Apache-2.0 */
/* A crit-bit tree of byte strings: finds all keys with a given prefix at the cost of that prefix
 * and of what is found (D. J. Bernstein, https://cr.yp.to/critbit.html).
 *
 * Keys hold no NUL byte (scopes do not); one may be a prefix of another; none stands there twice.
 * Private to the interest index. */
#ifndef VIADUCT_GATEWAY_INTEREST_CRITBIT_H
#define VIADUCT_GATEWAY_INTEREST_CRITBIT_H

#include <stddef.h>

/* Embedded in what is looked for; the caller's memory. */
struct vd_critbit_leaf {
    const char *key; /* kept alive by the leaf's owner */
    size_t length;
};

/* Zeroed memory is the empty tree. */
struct vd_critbit {
    void *root; /* NULL, a leaf, or an inner node's address plus one */
};

/* Returns 0, or -1: out of memory, nothing changed. */
int vd_critbit_add(struct vd_critbit *tree, struct vd_critbit_leaf *leaf);
/* The leaf must be there. */
void vd_critbit_remove(struct vd_critbit *tree, struct vd_critbit_leaf *leaf);

/* Call @found for each leaf whose key begins with @prefix, in the order of their bytes. @found must
 * not change the tree. */
void vd_critbit_each(const struct vd_critbit *tree, const char *prefix, size_t length,
                     void (*found)(struct vd_critbit_leaf *leaf, void *context), void *context);

#endif
