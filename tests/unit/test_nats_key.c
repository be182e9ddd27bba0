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

static void test_creds(void **state)
{
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
    write_text("-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n");
    assert_int_equal(vd_nats_creds_check("creds_file", path, &error), VD_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_public_key_of_a_seed),
        cmocka_unit_test(test_what_is_refused),
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
