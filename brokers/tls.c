/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for broker links, by OpenSSL 3: see tls.h.
 *
 * Failure modes: each has a sentence of its own, because whoever is on call mends a wrong CA, a
 * wrong host name and an expired certificate in three different places. The socket is driven
 * through a BIO of ours: OpenSSL's own writes with write(2), which raises SIGPIPE in programs that
 * did not ask for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls.h"

#define FILES 3 /* authorities, certificate, key */

struct file {
    char *path; /* NULL: none */
    struct stat seen;
};

struct vd_tls {
    SSL_CTX *context;
    BIO_METHOD *socket;
    struct file files[FILES];
};

/* ---- a socket that raises no signal ------------------------------------------------------------
 */

static int descriptor(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int socket_write(BIO *bio, const char *bytes, int length)
{
    ssize_t count = send(descriptor(bio), bytes, (size_t)length, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)count;
}

static int socket_read(BIO *bio, char *bytes, int length)
{
    ssize_t count = recv(descriptor(bio), bytes, (size_t)length, 0);

    BIO_clear_retry_flags(bio);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)count;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

static BIO_METHOD *make_socket_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "viaduct socket");

    if (method) {
        BIO_meth_set_write(method, socket_write);
        BIO_meth_set_read(method, socket_read);
        BIO_meth_set_ctrl(method, socket_control);
    }
    return method;
}

/* ---- context -----------------------------------------------------------------------------------
 */

/* OpenSSL would ask on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static enum vd_err refuse(struct vd_error *error, const char *option, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    vd_error_set(error, VD_ERR_INVALID, "%s: %s%s%s%s", option, what, reason ? " (" : "",
                 reason ? reason : "", reason ? ")" : "");
    ERR_clear_error();
    return VD_ERR_INVALID;
}

static enum vd_err load_authorities(SSL_CTX *context, const char *ca_file, struct vd_error *error)
{
    if (ca_file) {
        if (SSL_CTX_load_verify_file(context, ca_file) != 1)
            return refuse(error, "tls_ca_file", "it cannot be read as PEM certificates");
    } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
        return refuse(error, "tls_ca_file", "the system's certificates cannot be read");
    }
    return VD_OK;
}

static enum vd_err load_own_certificate(SSL_CTX *context, const struct vd_broker_options *options,
                                        struct vd_error *error)
{
    const char *certificate = options->tls_certificate_file;
    const char *key = options->tls_key_file ? options->tls_key_file : certificate;

    if (!certificate) {
        if (key) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "tls_key_file: it needs tls_certificate_file beside it");
        }
        return VD_OK;
    }
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return refuse(error, "tls_certificate_file", "it cannot be read as a PEM certificate");
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        return refuse(error, "tls_key_file",
                      "it cannot be read as the certificate's PEM key without a passphrase");
    }
    return VD_OK;
}

static enum vd_err make_context(const struct vd_broker_options *options, SSL_CTX **made,
                                struct vd_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    enum vd_err code;

    if (!context) {
        ERR_clear_error();
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for TLS");
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    code = load_authorities(context, options->tls_ca_file, error);
    if (!code)
        code = load_own_certificate(context, options, error);
    if (code) {
        SSL_CTX_free(context);
        return code;
    }
    *made = context;
    return VD_OK;
}

/* ---- files that change -------------------------------------------------------------------------
 */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Taken before the files are read, so that a change meanwhile is seen the next time. true: some
 * file is another than tls->files says; one that cannot be looked at is a change too. */
static bool look_at_files(const struct vd_tls *tls, struct stat seen[FILES])
{
    bool changed = false;

    for (unsigned i = 0; i < FILES; i++) {
        seen[i] = (struct stat){0};
        if (tls->files[i].path && stat(tls->files[i].path, &seen[i]) < 0)
            seen[i] = (struct stat){0};
        changed |= !is_same(&seen[i], &tls->files[i].seen);
    }
    return changed;
}

static void keep_seen(struct vd_tls *tls, const struct stat seen[FILES])
{
    for (unsigned i = 0; i < FILES; i++)
        tls->files[i].seen = seen[i];
}

static enum vd_err keep_paths(struct vd_tls *tls, const struct vd_broker_options *options,
                              struct vd_error *error)
{
    const char *paths[FILES] = {options->tls_ca_file, options->tls_certificate_file,
                                options->tls_key_file};

    for (unsigned i = 0; i < FILES; i++) {
        size_t length = paths[i] ? strlen(paths[i]) : 0;
        if (!paths[i])
            continue;
        tls->files[i].path = malloc(length + 1);
        if (!tls->files[i].path)
            return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for TLS");
        memcpy(tls->files[i].path, paths[i], length + 1);
    }
    return VD_OK;
}

enum vd_err vd_tls_refresh(struct vd_tls *tls, struct vd_error *error)
{
    const struct vd_broker_options options = {.tls_ca_file = tls->files[0].path,
                                              .tls_certificate_file = tls->files[1].path,
                                              .tls_key_file = tls->files[2].path};
    struct stat seen[FILES];
    SSL_CTX *context = NULL;
    enum vd_err code;

    if (!look_at_files(tls, seen))
        return VD_OK;
    code = make_context(&options, &context, error);
    if (code)
        return code;
    SSL_CTX_free(tls->context); /* sessions hold it themselves */
    tls->context = context;
    keep_seen(tls, seen);
    return VD_OK;
}

/* ---- life --------------------------------------------------------------------------------------
 */

enum vd_err vd_tls_create(const struct vd_broker_options *options, struct vd_tls **made,
                          struct vd_error *error)
{
    struct vd_tls *tls = calloc(1, sizeof(*tls));
    struct stat seen[FILES];
    enum vd_err code;

    if (!tls)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for TLS");
    code = keep_paths(tls, options, error);
    if (code)
        goto err_after_calloc;
    tls->socket = make_socket_method();
    if (!tls->socket) {
        code = vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for TLS");
        goto err_after_calloc;
    }
    look_at_files(tls, seen);
    code = make_context(options, &tls->context, error);
    if (code)
        goto err_after_calloc;
    keep_seen(tls, seen);
    *made = tls;
    return VD_OK;

err_after_calloc:
    vd_tls_destroy(tls);
    return code;
}

void vd_tls_destroy(struct vd_tls *tls)
{
    if (!tls)
        return;
    for (unsigned i = 0; i < FILES; i++)
        free(tls->files[i].path);
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->socket);
    free(tls);
}

/* ---- session -----------------------------------------------------------------------------------
 */

static bool is_address(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* RFC 6066: no SNI for literal addresses. */
static bool expect_host(SSL *session, const char *host)
{
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

enum vd_err vd_tls_session_create(struct vd_tls *tls, const char *host, int fd, SSL **made,
                                  struct vd_error *error)
{
    SSL *session = SSL_new(tls->context);
    BIO *bio = BIO_new(tls->socket);

    if (!session || !bio) {
        SSL_free(session);
        BIO_free(bio);
        ERR_clear_error();
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a TLS session");
    }
    BIO_set_data(bio, (void *)(intptr_t)fd); /* NOLINT(performance-no-int-to-ptr) */
    BIO_set_init(bio, 1);
    SSL_set_bio(session, bio, bio);
    SSL_set_connect_state(session);
    if (!expect_host(session, host)) {
        SSL_free(session);
        ERR_clear_error();
        return vd_error_set(error, VD_ERR_TLS, "the host name is none that a certificate can hold");
    }
    *made = session;
    return VD_OK;
}

/* ---- what went wrong ---------------------------------------------------------------------------
 */

static const char *verify_text(long result)
{
    switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "the server's certificate is for another host name than the one connected to";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the server's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the server's certificate is not valid yet (or the clock here is wrong)";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "the server's certificate is not signed by an authority that is trusted here";
    case X509_V_ERR_INVALID_PURPOSE:
        return "the server's certificate is not meant for servers (its extended key usage)";
    default:
        return NULL;
    }
}

enum vd_err vd_tls_explain_certificate(long result, struct vd_error *error)
{
    const char *text = verify_text(result);

    if (result == X509_V_OK)
        return VD_OK;
    if (text)
        return vd_error_set(error, VD_ERR_TLS, "%s", text);
    return vd_error_set(error, VD_ERR_TLS, "the server's certificate is refused: %s",
                        X509_verify_cert_error_string(result));
}

enum vd_err vd_tls_explain(SSL *session, int kind, struct vd_error *error)
{
    long verified = SSL_get_verify_result(session);
    unsigned long last = ERR_peek_error();
    const char *reason = last ? ERR_reason_error_string(last) : NULL;
    bool finished = SSL_is_init_finished(session);

    ERR_clear_error();
    if (verified != X509_V_OK && !finished)
        return vd_tls_explain_certificate(verified, error);
    if (kind == SSL_ERROR_SSL && ERR_GET_REASON(last) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        if (ERR_GET_REASON(last) == SSL_R_WRONG_VERSION_NUMBER)
            return vd_error_set(error, VD_ERR_TLS, "the server does not speak TLS on that port");
        return vd_error_set(error, VD_ERR_TLS, "TLS failed: %s", reason ? reason : "no reason");
    }
    if (!finished) {
        return vd_error_set(error, VD_ERR_TLS,
                            "the server closed the connection in the TLS handshake");
    }
    return vd_error_set(error, VD_ERR_CONNECTION, "the server closed the connection");
}
