/* SPDX-License-Identifier: Apache-2.0 */
/* The server's end of a TLS connection, in the test's own thread: never waits. */
#ifndef VIADUCT_TESTS_TLS_PEER_H
#define VIADUCT_TESTS_TLS_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_peer {
    SSL_CTX *context;
    SSL *session;
    char name[256]; /* the host name that the client has sent (SNI); empty: none */
};

/* With NAME.pem and NAME.key of @directory (certificates.h), on the non-blocking @fd (borrowed). */
void tls_peer_start(struct tls_peer *peer, const char *directory, const char *name, int fd);
/* TLS1_2_VERSION and the like; before the first byte. */
void tls_peer_limit(struct tls_peer *peer, int version);
/* Go on with the handshake. true: it is over, well or not. */
bool tls_peer_advance(struct tls_peer *peer);
/* Bytes; 0: none now; -1: the end. */
ssize_t tls_peer_read(struct tls_peer *peer, void *buffer, size_t capacity);
ssize_t tls_peer_write(struct tls_peer *peer, const void *bytes, size_t length);
void tls_peer_finish(struct tls_peer *peer); /* without a goodbye; zeroed memory is fine */

#endif
