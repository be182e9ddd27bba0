/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of the NATS client library in our words: see nats_error.h. The library tells a class;
 * what whoever is on call must know beyond it (which check of the certificate failed, which
 * permission is missing) stands only in its text, from which known words are picked. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "nats_error.h"
#include "tls.h"

/* "...error: 62:hostname mismatch:...": the number is OpenSSL's result of the verification. */
static long verify_result(const char *text)
{
    for (const char *at = text; (at = strchr(at, ':')) != NULL; at++) {
        const char *digits = at + 1 + strspn(at + 1, " ");
        size_t count = strspn(digits, "0123456789");
        if (count > 0 && count < 4 && digits[count] == ':')
            return strtol(digits, NULL, 10);
    }
    return X509_V_OK;
}

static enum vd_err explain_tls(const char *text, const struct vd_nats_context *context,
                               struct vd_error *error)
{
    if (vd_tls_explain_certificate(verify_result(text), error) != VD_OK)
        return VD_ERR_TLS;
    if (!context->certificate &&
        (strstr(text, "certificate required") || strstr(text, "bad certificate") ||
         strstr(text, "handshake failure")))
        return vd_error_set(error, VD_ERR_TLS, "the server wants a client certificate");
    if (context->certificate && strstr(text, "certificate"))
        return vd_error_set(error, VD_ERR_TLS, "the server refused the client certificate");
    return vd_error_set(error, VD_ERR_TLS, "the TLS handshake failed");
}

static enum vd_err explain_permission(const char *text, const struct vd_nats_context *context,
                                      struct vd_error *error)
{
    const char *right = "publish and subscribe";

    if (strcasestr(text, "for publish")) {
        right = "publish";
    } else if (strcasestr(text, "for subscription")) {
        right = "subscribe";
    }
    return vd_error_set(error, VD_ERR_AUTHENTICATION,
                        "the user may not %s on %s: it needs publish and subscribe permission for "
                        "that subject",
                        right, context->channel);
}

static enum vd_err explain_end(const char *text, const struct vd_nats_context *context,
                               struct vd_error *error)
{
    if (strcasestr(text, "permissions violation"))
        return explain_permission(text, context, error);
    if (strcasestr(text, "authorization") || strcasestr(text, "authentication")) {
        return vd_error_set(error, VD_ERR_AUTHENTICATION,
                            "the server ended the session: the credentials expired or were "
                            "withdrawn");
    }
    if (strcasestr(text, "slow consumer")) {
        return vd_error_set(error, VD_ERR_CONNECTION,
                            "the server closed the connection: this node read too slowly");
    }
    if (strcasestr(text, "maximum")) {
        return vd_error_set(error, VD_ERR_CONNECTION,
                            "the server closed the connection: one of its limits was reached");
    }
    if (context->connecting && context->tls && !context->certificate) {
        return vd_error_set(error, VD_ERR_TLS,
                            "the server closed the connection right after the TLS handshake: it "
                            "may want a client certificate");
    }
    return vd_error_set(error, VD_ERR_CONNECTION, "the server closed the connection");
}

enum vd_err vd_nats_explain(natsStatus status, const char *text,
                            const struct vd_nats_context *context, struct vd_error *error)
{
    text = text ? text : "";
    switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
        return vd_error_set(error, VD_ERR_AUTHENTICATION, "the server refused the credentials");
    case NATS_NOT_PERMITTED:
        if (context->connecting && !strcasestr(text, "permissions violation"))
            return vd_error_set(error, VD_ERR_AUTHENTICATION, "the server refused the credentials");
        return explain_permission(text, context, error);
    case NATS_SSL_ERROR:
        if (!context->tls) /* the server asked for it, and the library has tried */
            return vd_error_set(error, VD_ERR_TLS, "the server wants TLS: use tls://");
        return explain_tls(text, context, error);
    case NATS_SECURE_CONNECTION_REQUIRED:
        return vd_error_set(error, VD_ERR_TLS, "the server wants TLS: use tls://");
    case NATS_SECURE_CONNECTION_WANTED:
        return vd_error_set(error, VD_ERR_TLS, "the server does not speak TLS on that port");
    case NATS_TIMEOUT:
    case NATS_STALE_CONNECTION:
        return vd_error_set(error, VD_ERR_TIMEOUT, "the server did not answer in time");
    case NATS_NO_SERVER:
        return vd_error_set(error, VD_ERR_CONNECTION,
                            "the connection was refused, or the server cannot be reached");
    case NATS_NO_MEMORY:
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a connection");
    case NATS_PROTOCOL_ERROR:
        if (strstr(text, "got ''")) /* where a line was expected: the connection ended there */
            return explain_end(text, context, error);
        return vd_error_set(error, VD_ERR_MALFORMED, "the server answers as no NATS server does");
    case NATS_LINE_TOO_LONG:
        if (strstr(text, "got ''")) /* nothing: the end of the connection */
            return explain_end(text, context, error);
        return vd_error_set(error, VD_ERR_MALFORMED, "the server answers as no NATS server does");
    default:
        return explain_end(text, context, error);
    }
}
