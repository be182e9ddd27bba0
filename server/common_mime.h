/* SPDX-License-Identifier: Apache-2.0 */
/* The media type of a file, by its name. */
#ifndef VIADUCT_COMMON_MIME_H
#define VIADUCT_COMMON_MIME_H

#include <stdbool.h>
#include <stddef.h>

struct vd_mime {
    const char *extension; /* lower case, without the dot */
    const char *type;      /* the whole Content-Type value */
    bool compressible;     /* gets smaller by gzip or brotli: worth a precompressed sibling */
};

/* By what follows the last dot of the last segment of @path, in any case of ASCII letters. Never
 * NULL: what is not known is application/octet-stream. */
const struct vd_mime *vd_mime_of(const char *path, size_t length);

#endif
