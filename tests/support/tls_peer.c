/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS server for tests: see tls_peer.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "certificates.h"
#include "tls_peer.h"

static int note_name(SSL *session, int *alert, void *context)
{
    struct tls_peer *peer = context;
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    snprintf(peer->name, sizeof(peer->name), "%s", name ? name : "");
    return SSL_TLSEXT_ERR_OK;
}

void tls_peer_start(struct tls_peer *peer, const char *directory, const char *name, int fd)
{
    char file[64], path[128];

    *peer = (struct tls_peer){.context = SSL_CTX_new(TLS_server_method())};
    assert_non_null(peer->context);
    snprintf(file, sizeof(file), "%s.pem", name);
    assert_int_equal(
        SSL_CTX_use_certificate_chain_file(peer->context, certificate_path(path, directory, file)),
        1);
    snprintf(file, sizeof(file), "%s.key", name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(
                         peer->context, certificate_path(path, directory, file), SSL_FILETYPE_PEM),
                     1);
    SSL_CTX_set_tlsext_servername_callback(peer->context, note_name);
    SSL_CTX_set_tlsext_servername_arg(peer->context, peer);
    SSL_CTX_set_mode(peer->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    peer->session = SSL_new(peer->context);
    assert_non_null(peer->session);
    assert_int_equal(SSL_set_fd(peer->session, fd), 1);
    SSL_set_accept_state(peer->session);
}

void tls_peer_limit(struct tls_peer *peer, int version)
{
    SSL_set_security_level(peer->session, 0); /* or it would not speak what is too old */
    assert_int_equal(SSL_set_min_proto_version(peer->session, version), 1);
    assert_int_equal(SSL_set_max_proto_version(peer->session, version), 1);
}

static bool goes_on(struct tls_peer *peer, int result)
{
    int kind = SSL_get_error(peer->session, result);

    return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
}

bool tls_peer_advance(struct tls_peer *peer)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(peer->session);
    return result == 1 || !goes_on(peer, result);
}

ssize_t tls_peer_read(struct tls_peer *peer, void *buffer, size_t capacity)
{
    size_t count;
    int result;

    ERR_clear_error();
    result = SSL_read_ex(peer->session, buffer, capacity, &count);
    return result == 1 ? (ssize_t)count : goes_on(peer, result) ? 0 : -1;
}

ssize_t tls_peer_write(struct tls_peer *peer, const void *bytes, size_t length)
{
    size_t count;
    int result;

    ERR_clear_error();
    result = SSL_write_ex(peer->session, bytes, length, &count);
    return result == 1 ? (ssize_t)count : goes_on(peer, result) ? 0 : -1;
}

void tls_peer_finish(struct tls_peer *peer)
{
    SSL_free(peer->session);
    SSL_CTX_free(peer->context);
    *peer = (struct tls_peer){0};
}
