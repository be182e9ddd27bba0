/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for broker links: chain and host name are always verified, TLS 1.2 at least.
 *
 * One vd_tls a handle, one session a connection. Nothing here waits or prompts; no text holds a
 * secret, a file's content or the server's words. */
#ifndef VIADUCT_BROKERS_TLS_H
#define VIADUCT_BROKERS_TLS_H

#include <openssl/ssl.h>

#include <viaduct/broker.h>

struct vd_tls;

/* From tls_ca_file (NULL: the system's), tls_certificate_file, tls_key_file (NULL: in the
 * certificate's file). The files are read now; see
 * vd_tls_refresh.
 * Returns: VD_OK; VD_ERR_INVALID: @error names the option; VD_ERR_NO_MEMORY. */
enum vd_err vd_tls_create(const struct vd_broker_options *options, struct vd_tls **tls,
                          struct vd_error *error);
void vd_tls_destroy(struct vd_tls *tls); /* NULL is fine */

/* Before an attempt: when one of the files has changed (certificates are rotated), read them again,
 * for the sessions from now on. What cannot be read whole, a file half written or a key that is not
 * the certificate's, leaves everything as it was and is tried again with the next call.
 * Returns: VD_OK (also: nothing has changed); VD_ERR_INVALID: the old ones stay, @error says why;
 * VD_ERR_NO_MEMORY. */
enum vd_err vd_tls_refresh(struct vd_tls *tls, struct vd_error *error);

/* A session as client over the connected, non-blocking @fd (borrowed; SIGPIPE is never raised).
 * @host: a name (sent as SNI) or an IP address; the certificate must be for it.
 * Returns: VD_OK, VD_ERR_NO_MEMORY, VD_ERR_TLS (no host name that a certificate can be for). */
enum vd_err vd_tls_session_create(struct vd_tls *tls, const char *host, int fd, SSL **session,
                                  struct vd_error *error);

/* What a result of OpenSSL's verification (X509_V_*) means to whoever is on call.
 * Returns: VD_ERR_TLS; VD_OK for X509_V_OK. */
enum vd_err vd_tls_explain_certificate(long result, struct vd_error *error);

/* Why an SSL_* call on @session failed (its SSL_get_error() was @kind): fills @error, empties
 * OpenSSL's queue of errors. Returns: VD_ERR_TLS; VD_ERR_CONNECTION when it is only that the other
 * side went away in mid-session. */
enum vd_err vd_tls_explain(SSL *session, int kind, struct vd_error *error);

#endif
