/* SPDX-License-Identifier: Apache-2.0 */
/* nkeys: Ed25519 keys as NATS writes them, and the files that hold their seeds. Nothing here needs
 * the client library; no text holds any part of a file. */
#ifndef VIADUCT_BROKERS_NATS_KEY_H
#define VIADUCT_BROKERS_NATS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include <viaduct/error.h>

#define VD_NATS_SEED_LENGTH   58 /* base32 of: prefix (2), seed (32), CRC-16 (2) */
#define VD_NATS_PUBLIC_LENGTH 56 /* base32 of: prefix (1), key (32), CRC-16 (2) */

#define VD_NATS_SEED_BYTES      32
#define VD_NATS_SIGNATURE_BYTES 64

/* All of a text file of at most 1 MiB, into memory that vd_url_wipe frees. @option: what the file
 * is called in an error. Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY. */
enum vd_err vd_nats_read_file(const char *option, const char *file, char **text,
                              struct vd_error *error);

/* The user's public key ("U...") that belongs to the seed ("SU...") in @file, as the server knows
 * it.
 * Returns: VD_OK; VD_ERR_INVALID: @error names the option, and what is wrong; VD_ERR_NO_MEMORY. */
enum vd_err vd_nats_seed_public(const char *option, const char *file,
                                char key[VD_NATS_PUBLIC_LENGTH + 1], struct vd_error *error);

/* Is @file what `nsc generate creds` makes: a user's JWT and a seed?
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY. */
enum vd_err vd_nats_creds_check(const char *option, const char *file, struct vd_error *error);

/* Who a node is to the server, as one reading of one file says: a key never meets another's JWT. */
struct vd_nats_identity {
    char *jwt; /* NULL: an nkey alone */
    char key[VD_NATS_PUBLIC_LENGTH + 1];
    unsigned char seed[VD_NATS_SEED_BYTES];
};

/* @with_jwt: @file is a creds file. Nothing needs to be finished after an error.
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY. */
enum vd_err vd_nats_identity_read(const char *option, const char *file, bool with_jwt,
                                  struct vd_nats_identity *identity, struct vd_error *error);
void vd_nats_identity_finish(struct vd_nats_identity *identity); /* wipes; zeroed is fine */

/* Ed25519 (RFC 8032). Returns: false: no memory. Threads: any. */
bool vd_nats_sign(const unsigned char seed[VD_NATS_SEED_BYTES], const void *bytes, size_t length,
                  unsigned char signature[VD_NATS_SIGNATURE_BYTES]);

#endif
