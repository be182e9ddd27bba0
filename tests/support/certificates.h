/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a test makes for itself: NAME.pem and NAME.key in a directory. */
#ifndef VIADUCT_TESTS_CERTIFICATES_H
#define VIADUCT_TESTS_CERTIFICATES_H

struct certificate_wish {
    const char *directory;
    const char *name;              /* of the files, and the subject */
    const char *issuer;            /* name of one made before; NULL: itself, an authority */
    const char *hosts;             /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    long from_seconds, to_seconds; /* around now; 0, 0: an hour ago to a day ahead */
    const char *purpose;           /* extended key usage: "clientAuth"; NULL: any */
};

void certificate_make(const struct certificate_wish *wish);

/* "directory/name" in @path, which has room for 128 bytes; returns it. */
const char *certificate_path(char *path, const char *directory, const char *file);

#endif
