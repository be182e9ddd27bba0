/* SPDX-License-Identifier: Apache-2.0 */
/* nkeys: see nats_key.h. A seed is a line of base32 (RFC 4648, without padding) that begins with
 * S and the kind of its owner; the last two bytes are a CRC-16/XMODEM of the others, low byte
 * first. Whatever was read of a file is wiped before its memory goes.
 *
 * Source:
 * https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "nats_key.h"
#include "url.h"

#define FILE_MAX_BYTES ((size_t)1024 * 1024)
#define SEED_BYTES     36
#define KEY_BYTES      35
#define PREFIX_SEED    (18 << 3) /* 'S' */
#define PREFIX_USER    (20 << 3) /* 'U' */

#define JWT_BEGIN   "BEGIN NATS USER JWT"
#define JWT_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* ---- base32, CRC -------------------------------------------------------------------------------
 */

static bool decode(const char *text, size_t length, unsigned char *bytes)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << 5 | (uint32_t)(digit - alphabet);
        held += 5;
        if (held >= 8) {
            held -= 8;
            *bytes++ = (unsigned char)(bits >> held);
        }
    }
    return true;
}

static void encode(const unsigned char *bytes, size_t length, char *text)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 5; held -= 5)
            *text++ = alphabet[bits >> (held - 5) & 31];
    }
    *text = '\0'; /* 35 bytes are 56 digits and no rest */
}

static uint16_t checksum(const unsigned char *bytes, size_t length)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < length; i++) {
        crc ^= (uint16_t)(bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

static bool is_whole(const unsigned char *bytes, size_t length)
{
    return checksum(bytes, length - 2) == (bytes[length - 2] | bytes[length - 1] << 8);
}

/* ---- files -------------------------------------------------------------------------------------
 */

enum vd_err vd_nats_read_file(const char *option, const char *file, char **text,
                              struct vd_error *error)
{
    FILE *opened = fopen(file, "re");
    char *bytes;
    size_t length;
    bool failed;

    if (!opened) {
        return vd_error_set(error, VD_ERR_INVALID, "%s: the file cannot be read (%s)", option,
                            strerror(errno));
    }
    setvbuf(opened, NULL, _IONBF, 0); /* no second copy of a secret */
    bytes = malloc(FILE_MAX_BYTES + 1);
    if (!bytes) {
        fclose(opened);
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a file of keys");
    }
    length = fread(bytes, 1, FILE_MAX_BYTES, opened);
    failed = ferror(opened) || length == FILE_MAX_BYTES;
    fclose(opened);
    bytes[length] = '\0';
    if (failed || strlen(bytes) != length) {
        OPENSSL_cleanse(bytes, length);
        free(bytes);
        return vd_error_set(error, VD_ERR_INVALID, "%s: the file cannot be read, or is no text",
                            option);
    }
    *text = bytes;
    return VD_OK;
}

/* The line that is a user's seed. */
static const char *find_seed(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        if (strncmp(line, "SU", 2) == 0 && strcspn(line, " \t\r\n") == VD_NATS_SEED_LENGTH)
            return line;
    }
    return NULL;
}

/* ---- keys --------------------------------------------------------------------------------------
 */

static enum vd_err derive_public(const unsigned char *raw, char key[VD_NATS_PUBLIC_LENGTH + 1],
                                 struct vd_error *error)
{
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, VD_NATS_SEED_BYTES);
    unsigned char bytes[KEY_BYTES] = {PREFIX_USER};
    size_t length = KEY_BYTES - 3;
    uint16_t crc;

    if (!pair || EVP_PKEY_get_raw_public_key(pair, bytes + 1, &length) != 1) {
        EVP_PKEY_free(pair);
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a key");
    }
    EVP_PKEY_free(pair);
    crc = checksum(bytes, KEY_BYTES - 2);
    bytes[KEY_BYTES - 2] = (unsigned char)crc;
    bytes[KEY_BYTES - 1] = (unsigned char)(crc >> 8);
    encode(bytes, KEY_BYTES, key);
    return VD_OK;
}

static enum vd_err take_seed(const char *option, const char *text,
                             struct vd_nats_identity *identity, struct vd_error *error)
{
    const char *seed = find_seed(text);
    unsigned char bytes[SEED_BYTES + 1];
    enum vd_err code;

    if (!seed) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "%s: no line of the file is a user's seed (SU and 56 more of A-Z, 2-7)",
                            option);
    }
    /* five bits of the owner's kind are in each of the first two bytes */
    if (!decode(seed, VD_NATS_SEED_LENGTH, bytes) || !is_whole(bytes, SEED_BYTES) ||
        (bytes[0] & 0xf8) != PREFIX_SEED || ((bytes[0] & 7) << 5 | bytes[1] >> 3) != PREFIX_USER) {
        code = vd_error_set(error, VD_ERR_INVALID, "%s: the seed in the file is damaged", option);
    } else {
        memcpy(identity->seed, bytes + 2, VD_NATS_SEED_BYTES);
        code = derive_public(identity->seed, identity->key, error);
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return code;
}

/* The word after the line that announces it. */
static enum vd_err take_jwt(const char *option, const char *text, struct vd_nats_identity *identity,
                            struct vd_error *error)
{
    const char *at = strstr(text, JWT_BEGIN);
    size_t length;

    at = at ? at + strcspn(at, "\n") : "";
    at += strspn(at, " \t\r\n");
    length = strspn(at, JWT_LETTERS);
    if (length == 0 || *at == '-' || !strchr(" \t\r\n", at[length])) {
        return vd_error_set(error, VD_ERR_INVALID, "%s: there is no user's JWT in the file",
                            option);
    }
    identity->jwt = strndup(at, length);
    if (!identity->jwt)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a JWT");
    return VD_OK;
}

enum vd_err vd_nats_identity_read(const char *option, const char *file, bool with_jwt,
                                  struct vd_nats_identity *identity, struct vd_error *error)
{
    char *text = NULL;
    enum vd_err code = vd_nats_read_file(option, file, &text, error);

    *identity = (struct vd_nats_identity){0};
    if (!code && with_jwt)
        code = take_jwt(option, text, identity, error);
    if (!code)
        code = take_seed(option, text, identity, error);
    vd_url_wipe(text);
    if (code)
        vd_nats_identity_finish(identity);
    return code;
}

void vd_nats_identity_finish(struct vd_nats_identity *identity)
{
    vd_url_wipe(identity->jwt);
    OPENSSL_cleanse(identity, sizeof(*identity));
}

enum vd_err vd_nats_seed_public(const char *option, const char *file,
                                char key[VD_NATS_PUBLIC_LENGTH + 1], struct vd_error *error)
{
    struct vd_nats_identity identity;
    enum vd_err code = vd_nats_identity_read(option, file, false, &identity, error);

    if (code)
        return code;
    memcpy(key, identity.key, sizeof(identity.key));
    vd_nats_identity_finish(&identity);
    return VD_OK;
}

enum vd_err vd_nats_creds_check(const char *option, const char *file, struct vd_error *error)
{
    struct vd_nats_identity identity;
    enum vd_err code = vd_nats_identity_read(option, file, true, &identity, error);

    vd_nats_identity_finish(&identity);
    return code;
}

bool vd_nats_sign(const unsigned char seed[VD_NATS_SEED_BYTES], const void *bytes, size_t length,
                  unsigned char signature[VD_NATS_SIGNATURE_BYTES])
{
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, VD_NATS_SEED_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t room = VD_NATS_SIGNATURE_BYTES;
    bool done = pair && context && EVP_DigestSignInit(context, NULL, NULL, NULL, pair) == 1 &&
                EVP_DigestSign(context, signature, &room, bytes, length) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
    return done;
}
