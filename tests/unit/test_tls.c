/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for broker links: what is sent to the server, what is accepted from it, and the sentence for
 * each refusal. The server is in the same thread, behind a pair of sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/certificates.h"
#include "../support/tls_peer.h"
#include "tls.h"

struct world {
    char directory[64];
    char ca[128];
    struct vd_tls *tls;
    int fds[2]; /* client, server */
    SSL *client;
    struct tls_peer server;
};

static void make(const struct world *world, struct certificate_wish wish)
{
    wish.directory = world->directory;
    certificate_make(&wish);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct vd_broker_options options = {0};

    strcpy(world->directory, "/tmp/viaduct-tls-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    make(world, (struct certificate_wish){.name = "ca"});
    make(world, (struct certificate_wish){
                    .name = "server", .issuer = "ca", .hosts = "DNS:localhost,IP:127.0.0.1"});
    options.tls_ca_file = certificate_path(world->ca, world->directory, "ca.pem");
    assert_int_equal(vd_tls_create(&options, &world->tls, NULL), VD_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, world->fds),
                     0);
    *state = world;
    return 0;
}

static void remove_file(const struct world *world, const char *name)
{
    char file[64], path[128];

    snprintf(file, sizeof(file), "%s.pem", name);
    unlink(certificate_path(path, world->directory, file));
    snprintf(file, sizeof(file), "%s.key", name);
    unlink(certificate_path(path, world->directory, file));
}

static int teardown(void **state)
{
    struct world *world = *state;

    SSL_free(world->client);
    tls_peer_finish(&world->server);
    vd_tls_destroy(world->tls);
    close(world->fds[0]);
    close(world->fds[1]);
    remove_file(world, "ca");
    remove_file(world, "server");
    rmdir(world->directory);
    free(world);
    return 0;
}

static void begin(struct world *world, const char *host)
{
    tls_peer_start(&world->server, world->directory, "server", world->fds[1]);
    assert_int_equal(vd_tls_session_create(world->tls, host, world->fds[0], &world->client, NULL),
                     VD_OK);
}

/* Both ends in turn. VD_OK: the client's is done. */
static enum vd_err shake_hands(struct world *world, struct vd_error *error)
{
    for (unsigned turns = 0; turns < 20; turns++) {
        int result = SSL_do_handshake(world->client), kind;
        if (result == 1) {
            tls_peer_advance(&world->server);
            return VD_OK;
        }
        kind = SSL_get_error(world->client, result);
        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
            return vd_tls_explain(world->client, kind, error);
        tls_peer_advance(&world->server);
    }
    fail_msg("the handshake does not end");
    return VD_OK;
}

static void refused(struct world *world, const char *host, const char *part)
{
    struct vd_error error = {0};

    begin(world, host);
    assert_int_equal(shake_hands(world, &error), VD_ERR_TLS);
    if (!strstr(error.text, part))
        fail_msg("%s", error.text);
}

/* ---- tests -------------------------------------------------------------------------------------
 */

static void test_a_name_is_sent(void **state)
{
    struct world *world = *state;

    begin(world, "localhost");
    assert_int_equal(shake_hands(world, NULL), VD_OK);
    assert_string_equal(world->server.name, "localhost");
}

/* RFC 6066 */
static void test_an_address_is_not(void **state)
{
    struct world *world = *state;

    begin(world, "127.0.0.1");
    assert_int_equal(shake_hands(world, NULL), VD_OK);
    assert_string_equal(world->server.name, "");
}

static void test_another_address(void **state)
{
    refused(*state, "127.0.0.2", "another host name");
}

static void test_another_name(void **state)
{
    refused(*state, "local", "another host name");
}

/* The name stands in the subject only, beside names that are others. */
static void test_a_name_in_the_subject(void **state)
{
    make(*state, (struct certificate_wish){
                     .name = "server", .issuer = "ca", .hosts = "DNS:elsewhere.example"});
    refused(*state, "server", "another host name");
}

static void test_an_authority_of_its_own(void **state)
{
    make(*state, (struct certificate_wish){.name = "server", .hosts = "DNS:localhost"});
    refused(*state, "localhost", "not signed by an authority");
}

static void test_not_valid_any_more(void **state)
{
    make(*state, (struct certificate_wish){.name = "server",
                                           .issuer = "ca",
                                           .hosts = "DNS:localhost",
                                           .from_seconds = -7200,
                                           .to_seconds = -60});
    refused(*state, "localhost", "has expired");
}

static void test_not_valid_yet(void **state)
{
    make(*state, (struct certificate_wish){.name = "server",
                                           .issuer = "ca",
                                           .hosts = "DNS:localhost",
                                           .from_seconds = 3600,
                                           .to_seconds = 7200});
    refused(*state, "localhost", "not valid yet");
}

static void test_a_certificate_of_a_client(void **state)
{
    make(*state,
         (struct certificate_wish){
             .name = "server", .issuer = "ca", .hosts = "DNS:localhost", .purpose = "clientAuth"});
    refused(*state, "localhost", "not meant for servers");
}

static void test_an_old_version(void **state)
{
    struct world *world = *state;
    struct vd_error error = {0};

    begin(world, "localhost");
    tls_peer_limit(&world->server, TLS1_1_VERSION);
    assert_int_equal(shake_hands(world, &error), VD_ERR_TLS);
}

static void test_the_oldest_that_is_taken(void **state)
{
    struct world *world = *state;

    begin(world, "localhost");
    tls_peer_limit(&world->server, TLS1_2_VERSION);
    assert_int_equal(shake_hands(world, NULL), VD_OK);
}

/* Whatever it is, it has a sentence, and no two causes that are mended in different places share
 * one. */
static void test_every_result_has_a_sentence(void **state)
{
    struct vd_error error;

    (void)state;
    assert_int_equal(vd_tls_explain_certificate(X509_V_OK, &error), VD_OK);
    for (long result = 1; result < 100; result++) {
        assert_int_equal(vd_tls_explain_certificate(result, &error), VD_ERR_TLS);
        assert_non_null(strstr(error.text, "certificate"));
    }
    vd_tls_explain_certificate(X509_V_ERR_CERT_REVOKED, &error);
    assert_non_null(strstr(error.text, "refused: certificate revoked"));
    vd_tls_explain_certificate(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, &error);
    assert_non_null(strstr(error.text, "not signed by an authority"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_name_is_sent),
        TEST(test_an_address_is_not),
        TEST(test_another_address),
        TEST(test_another_name),
        TEST(test_a_name_in_the_subject),
        TEST(test_an_authority_of_its_own),
        TEST(test_not_valid_any_more),
        TEST(test_not_valid_yet),
        TEST(test_a_certificate_of_a_client),
        TEST(test_an_old_version),
        TEST(test_the_oldest_that_is_taken),
        cmocka_unit_test(test_every_result_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
