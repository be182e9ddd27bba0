/* SPDX-License-Identifier: Apache-2.0 */
/* nkeys: what is read of a file is what a second hand (support/nkeys.c) wrote into it; damage is
 * noticed, and no text shows any of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/nkeys.h"
#include "nats_key.h"

static char path[] = "/tmp/viaduct-nkey-XXXXXX";

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_the_public_key_of_a_seed(void **state)
{
    char derived[VD_NATS_PUBLIC_LENGTH + 1], text[200];
    struct nkey key;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        nkey_make(&key, NKEY_USER);
        assert_memory_equal(key.seed, "SU", 2);
        snprintf(text, sizeof(text), i % 2 ? "%s" : "# a comment\r\n\r\n  %s\r\nmore\r\n",
                 key.seed);
        write_text(text);
        assert_int_equal(vd_nats_seed_public("seed_file", path, derived, NULL), VD_OK);
        assert_string_equal(derived, key.public_key);
        nkey_finish(&key);
    }
}

static void test_what_is_refused(void **state)
{
    char derived[VD_NATS_PUBLIC_LENGTH + 1];
    struct vd_error error;
    struct nkey key;

    (void)state;
    nkey_make(&key, NKEY_ACCOUNT); /* a seed, but no user's */
    nkey_write_seed(&key, path);
    assert_int_equal(vd_nats_seed_public("seed_file", path, derived, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "seed_file: no line"));
    nkey_finish(&key);
    nkey_make(&key, NKEY_USER);
    for (unsigned i = 2; i < 57;
         i += 5) { /* any digit that is another (the last holds spare bits) */
        struct nkey damaged = key;
        damaged.seed[i] = damaged.seed[i] == 'A' ? 'B' : 'A';
        nkey_write_seed(&damaged, path);
        assert_int_equal(vd_nats_seed_public("seed_file", path, derived, &error), VD_ERR_INVALID);
        assert_null(strstr(error.text, damaged.seed));
    }
    key.seed[20] = '1'; /* no digit at all */
    nkey_write_seed(&key, path);
    assert_int_equal(vd_nats_seed_public("seed_file", path, derived, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "damaged"));
    nkey_finish(&key);
    assert_int_equal(vd_nats_seed_public("seed_file", "/nowhere", derived, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "cannot be read"));
    assert_int_equal(vd_nats_seed_public("seed_file", "/dev/zero", derived, &error),
                     VD_ERR_INVALID);
}

/* RFC 8032, 7.1: TEST 1, 2 and 3 */
static const struct {
    const char *seed, *message, *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

static size_t from_hex(const char *text, unsigned char *bytes)
{
    size_t length = strlen(text) / 2;

    for (size_t i = 0; i < length; i++)
        assert_int_equal(sscanf(text + 2 * i, "%2hhx", bytes + i), 1);
    return length;
}

static void test_signatures(void **state)
{
    unsigned char seed[VD_NATS_SEED_BYTES], message[8], wanted[VD_NATS_SIGNATURE_BYTES],
        made[VD_NATS_SIGNATURE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        size_t length = from_hex(vectors[i].message, message);
        assert_int_equal(from_hex(vectors[i].seed, seed), sizeof(seed));
        assert_int_equal(from_hex(vectors[i].signature, wanted), sizeof(wanted));
        assert_true(vd_nats_sign(seed, message, length, made));
        assert_memory_equal(made, wanted, sizeof(made));
    }
}

static void test_an_identity(void **state)
{
    struct vd_nats_identity identity;
    unsigned char seed[VD_NATS_SEED_BYTES];
    size_t length = sizeof(seed);
    struct nkey key;
    char text[400];

    (void)state;
    nkey_make(&key, NKEY_USER);
    assert_int_equal(EVP_PKEY_get_raw_private_key(key.pair, seed, &length), 1);
    snprintf(text, sizeof(text),
             "-----BEGIN NATS USER JWT-----\r\nab-_.cd.EF\r\n------END NATS USER JWT------\r\n"
             "-----BEGIN USER NKEY SEED-----\n%s\n",
             key.seed);
    write_text(text);
    for (int with_jwt = 0; with_jwt < 2; with_jwt++) {
        assert_int_equal(vd_nats_identity_read("file", path, with_jwt, &identity, NULL), VD_OK);
        assert_string_equal(identity.key, key.public_key);
        assert_memory_equal(identity.seed, seed, sizeof(seed));
        if (with_jwt) {
            assert_string_equal(identity.jwt, "ab-_.cd.EF");
        } else {
            assert_null(identity.jwt);
        }
        vd_nats_identity_finish(&identity);
        assert_null(identity.jwt);
        for (size_t i = 0; i < sizeof(identity.seed); i++)
            assert_int_equal(identity.seed[i], 0);
        vd_nats_identity_finish(&identity);
    }
    nkey_finish(&key);
}

static void test_creds(void **state)
{
    static const char *const no_jwts[] = {
        "",
        "-----BEGIN NATS USER JWT-----",
        "-----BEGIN NATS USER JWT-----\n------END NATS USER JWT------\n",
        "-----BEGIN NATS USER JWT-----\nx\",\"y\n",
    };
    struct vd_error error;
    char config[4096];
    struct nkey key;

    (void)state;
    nkey_write_creds(path, config, sizeof(config));
    assert_int_equal(vd_nats_creds_check("creds_file", path, &error), VD_OK);
    nkey_make(&key, NKEY_USER);
    nkey_write_seed(&key, path);
    assert_int_equal(vd_nats_creds_check("creds_file", path, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "creds_file: there is no user's JWT"));
    nkey_finish(&key);
    for (size_t i = 0; i < sizeof(no_jwts) / sizeof(no_jwts[0]); i++) {
        write_text(no_jwts[i]);
        assert_int_equal(vd_nats_creds_check("creds_file", path, &error), VD_ERR_INVALID);
        assert_non_null(strstr(error.text, "creds_file: there is no user's JWT"));
    }
    write_text("-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n");
    assert_int_equal(vd_nats_creds_check("creds_file", path, &error), VD_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_public_key_of_a_seed),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_an_identity),
        cmocka_unit_test(test_creds),
    };
    int fd = mkstemp(path), failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
