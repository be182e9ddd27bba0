/* SPDX-License-Identifier: Apache-2.0 */
/* nkeys for tests: see nkeys.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "nkeys.h"

#define RAW_BYTES 32
#define JWT_BYTES 2048

static uint16_t crc16(const unsigned char *bytes, size_t length)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < length; i++) {
        crc ^= (uint16_t)(bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

static void base32(const unsigned char *bytes, size_t length, char *text)
{
    size_t bits = length * 8;

    for (size_t at = 0; at < bits; at += 5) {
        unsigned value = 0;
        for (size_t bit = at; bit < at + 5; bit++)
            value = value << 1 | (bit < bits ? bytes[bit / 8] >> (7 - bit % 8) & 1 : 0);
        *text++ = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value];
    }
    *text = '\0';
}

static void finish_key(unsigned char *bytes, size_t length, char *text)
{
    uint16_t crc = crc16(bytes, length);

    bytes[length] = (unsigned char)crc;
    bytes[length + 1] = (unsigned char)(crc >> 8);
    base32(bytes, length + 2, text);
}

void nkey_make(struct nkey *key, enum nkey_kind kind)
{
    unsigned char seed[RAW_BYTES + 4] = {(unsigned char)(18 << 3 | (unsigned)kind >> 5),
                                         (unsigned char)((kind & 31) << 3)};
    unsigned char public_key[RAW_BYTES + 3] = {(unsigned char)kind};
    size_t length = RAW_BYTES;

    key->pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(key->pair);
    assert_int_equal(EVP_PKEY_get_raw_private_key(key->pair, seed + 2, &length), 1);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key->pair, public_key + 1, &length), 1);
    finish_key(seed, RAW_BYTES + 2, key->seed);
    finish_key(public_key, RAW_BYTES + 1, key->public_key);
}

void nkey_finish(struct nkey *key)
{
    EVP_PKEY_free(key->pair);
    key->pair = NULL;
}

void nkey_write_seed(const struct nkey *key, const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "%s\n", key->seed);
    assert_int_equal(fclose(file), 0);
}

/* ---- JWT ---------------------------------------------------------------------------------------
 */

static size_t base64url(const unsigned char *bytes, size_t length, char *text)
{
    int count = EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);

    while (count > 0 && text[count - 1] == '=')
        count--;
    text[count] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return (size_t)count;
}

/* @nats: the claims of the kind. */
static void make_jwt(const struct nkey *issuer, const struct nkey *subject, const char *nats,
                     char jwt[JWT_BYTES])
{
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[64];
    size_t length = sizeof(signature), at;
    char claims[1024];

    snprintf(claims, sizeof(claims),
             "{\"jti\":\"%s\",\"iat\":%lld,\"iss\":\"%s\",\"name\":\"test\",\"sub\":\"%s\","
             "\"nats\":{%s,\"version\":2}}",
             subject->public_key, (long long)time(NULL), issuer->public_key, subject->public_key,
             nats);
    at = base64url((const unsigned char *)header, strlen(header), jwt);
    jwt[at++] = '.';
    at += base64url((const unsigned char *)claims, strlen(claims), jwt + at);
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, issuer->pair), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &length, (const unsigned char *)jwt, at),
                     1);
    EVP_MD_CTX_free(context);
    jwt[at++] = '.';
    base64url(signature, length, jwt + at);
}

void nkey_write_creds(const char *path, char *config, size_t capacity)
{
    char account_jwt[JWT_BYTES], user_jwt[JWT_BYTES];
    struct nkey root, account, user;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    nkey_make(&root, NKEY_OPERATOR);
    nkey_make(&account, NKEY_ACCOUNT);
    nkey_make(&user, NKEY_USER);
    make_jwt(&root, &account,
             "\"type\":\"account\",\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,"
             "\"imports\":-1,\"exports\":-1,\"wildcards\":true,\"conn\":-1,\"leaf\":-1}",
             account_jwt);
    make_jwt(&account, &user,
             "\"type\":\"user\",\"pub\":{},\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1",
             user_jwt);
    fprintf(file,
            "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
            "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
            user_jwt, user.seed);
    assert_int_equal(fclose(file), 0);
    snprintf(config, capacity,
             "trusted_keys: [ %s ]\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n}\n",
             root.public_key, account.public_key, account_jwt);
    nkey_finish(&root);
    nkey_finish(&account);
    nkey_finish(&user);
}
