/* SPDX-License-Identifier: Apache-2.0 */
/* nkeys and signed JWTs that a test makes for itself, as `nsc` would: written anew here, so that
 * the driver's own reading of them is checked against a second hand. */
#ifndef VIADUCT_TESTS_NKEYS_H
#define VIADUCT_TESTS_NKEYS_H

#include <stddef.h>

#include <openssl/evp.h>

enum nkey_kind { NKEY_ACCOUNT = 0, NKEY_OPERATOR = 14 << 3, NKEY_USER = 20 << 3 };

struct nkey {
    EVP_PKEY *pair;
    char seed[59];
    char public_key[57];
};

void nkey_make(struct nkey *key, enum nkey_kind kind);
void nkey_finish(struct nkey *key);

/* Write "seed\n" to @path. */
void nkey_write_seed(const struct nkey *key, const char *path);

/* A user's JWT and seed in @path, and in @config what a server needs to trust it: an operator, an
 * account, and nothing else. */
void nkey_write_creds(const char *path, char *config, size_t capacity);

#endif
