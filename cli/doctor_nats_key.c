/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and JWTs of NATS: see doctor_nats_key.h. The driver has checked the files before; what is
 * wrong with them all the same is a refusal here, nothing is guessed. Files are read and signatures
 * made by the driver's own functions; only how both are written for the wire is here.
 *
 * Source: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro */
#include <stdint.h>
#include <string.h>

#include "doctor_nats_key.h"
#include "json.h"
#include "nats_key.h"

/* ---- base64 ------------------------------------------------------------------------------------
 */

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
    struct vd_nats_identity identity;

    if (vd_nats_identity_read("creds", file, true, &identity, NULL) != VD_OK)
        return false;
    cli_text_add(jwt, identity.jwt, strlen(identity.jwt));
    vd_nats_identity_finish(&identity);
    return true;
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

bool nats_key_sign(const char *file, const char *nonce, struct cli_text *signature)
{
    unsigned char bytes[VD_NATS_SIGNATURE_BYTES];
    struct vd_nats_identity identity;
    bool done;

    if (vd_nats_identity_read("seed", file, false, &identity, NULL) != VD_OK)
        return false;
    done = vd_nats_sign(identity.seed, nonce, strlen(nonce), bytes);
    if (done)
        add_base64_url(signature, bytes, sizeof(bytes));
    vd_nats_identity_finish(&identity);
    return done;
}
