/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and JWTs of NATS: see doctor_nats_key.h. The driver has checked the files before; what is
 * wrong with them all the same is a refusal here, nothing is guessed. Whatever was read of a file
 * is wiped.
 *
 * Source: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "doctor_nats_key.h"
#include "json.h"

#define FILE_BYTES      ((size_t)64 * 1024)
#define SEED_CHARACTERS 58
#define SEED_BYTES      36 /* two of prefix, 32 of seed, two of checksum */
#define JWT_BEGIN       "-----BEGIN NATS USER JWT-----"

/* ---- files -------------------------------------------------------------------------------------
 */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, FILE_BYTES + 1);

    if (file && text) {
        setvbuf(file, NULL, _IONBF, 0);
        if (fread(text, 1, FILE_BYTES, file) == 0)
            text[0] = '\0';
    }
    if (file)
        fclose(file);
    return text;
}

static void forget(char *text)
{
    if (text)
        explicit_bzero(text, FILE_BYTES);
    free(text);
}

/* ---- base32, base64 ----------------------------------------------------------------------------
 */

/* RFC 4648, of SEED_CHARACTERS. */
static bool decode_seed(const char *text, unsigned char bytes[SEED_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned held = 0, count = 0;

    for (int i = 0; i < SEED_CHARACTERS; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit || !*digit)
            return false;
        bits = bits << 5 | (uint32_t)(digit - digits);
        held += 5;
        if (held >= 8) {
            held -= 8;
            bytes[count++] = (unsigned char)(bits >> held);
        }
    }
    return count == SEED_BYTES;
}

static void add_base64_url(struct cli_text *text, const unsigned char *bytes, size_t length)
{
    size_t start = text->length;

    cli_text_base64(text, bytes, length);
    while (text->length > start && text->bytes[text->length - 1] == '=')
        text->length--;
    for (size_t i = start; i < text->length; i++) {
        if (text->bytes[i] == '+')
            text->bytes[i] = '-';
        if (text->bytes[i] == '/')
            text->bytes[i] = '_';
    }
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static void decode_base64_url(const char *text, size_t length, struct cli_text *decoded)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < length && digit_of(text[i]) >= 0; i++) {
        bits = bits << 6 | (uint32_t)digit_of(text[i]);
        held += 6;
        if (held >= 8) {
            char byte = (char)(bits >> (held - 8));
            held -= 8;
            cli_text_add(decoded, &byte, 1);
        }
    }
}

/* ---- JWT ---------------------------------------------------------------------------------------
 */

bool nats_key_jwt(const char *file, struct cli_text *jwt)
{
    char *text = read_file(file), *at = text ? strstr(text, JWT_BEGIN) : NULL;

    if (at) {
        at += strlen(JWT_BEGIN);
        at += strspn(at, " \t\r\n");
        cli_text_add(jwt, at, strcspn(at, " \t\r\n"));
    }
    forget(text);
    return jwt->length > 0;
}

double nats_key_expires(const char *jwt)
{
    const char *claims = strchr(jwt, '.');
    struct json_document document;
    struct cli_text decoded = {0};
    double expires = 0;

    if (!claims)
        return 0;
    decode_base64_url(claims + 1, strcspn(claims + 1, "."), &decoded);
    if (decoded.length > 0 && json_parse(&document, decoded.bytes, decoded.length)) {
        expires = json_number(document.root, "exp");
        json_finish(&document);
    }
    cli_text_finish(&decoded);
    return expires;
}

/* ---- signature ---------------------------------------------------------------------------------
 */

/* The line that is a user's seed. */
static const char *find_seed(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        if (strncmp(line, "SU", 2) == 0 && strcspn(line, " \t\r\n") == SEED_CHARACTERS)
            return line;
    }
    return NULL;
}

static bool sign(const unsigned char *raw, const char *nonce, struct cli_text *signature)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char bytes[64];
    size_t length = sizeof(bytes);
    bool signed_ =
        key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(context, bytes, &length, (const unsigned char *)nonce, strlen(nonce)) == 1;

    if (signed_)
        add_base64_url(signature, bytes, length);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return signed_;
}

bool nats_key_sign(const char *file, const char *nonce, struct cli_text *signature)
{
    unsigned char bytes[SEED_BYTES];
    char *text = read_file(file);
    const char *seed = text ? find_seed(text) : NULL;
    bool done = seed && decode_seed(seed, bytes) && sign(bytes + 2, nonce, signature);

    explicit_bzero(bytes, sizeof(bytes));
    forget(text);
    return done;
}
