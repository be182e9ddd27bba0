/* SPDX-License-Identifier: Apache-2.0 */
/* What the NATS client library says, in our words: the class and the sentence, whatever else stands
 * in its text. The texts are those of cnats 3.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nats_error.h"

static void test_texts(void **state)
{
    static const struct {
        natsStatus status;
        const char *text;
        bool tls, certificate, connecting;
        enum vd_err code;
        const char *part;
    } rows[] = {
        {NATS_CONNECTION_AUTH_FAILED, "Authorization Violation", false, false, true,
         VD_ERR_AUTHENTICATION, "refused the credentials"},
        {NATS_NOT_PERMITTED, "Permissions Violation for Publish to \"hunter2\"", false, false,
         false, VD_ERR_AUTHENTICATION, "may not publish on via.x"},
        {NATS_NOT_PERMITTED, "Permissions Violation for Subscription to \"hunter2\"", false, false,
         false, VD_ERR_AUTHENTICATION, "may not subscribe on via.x"},
        {NATS_NOT_PERMITTED, "", false, false, false, VD_ERR_AUTHENTICATION,
         "publish and subscribe"},
        {NATS_SSL_ERROR, "(conn.c:733): SSL handshake error: 62:hostname mismatch:expected=hunter2",
         true, false, true, VD_ERR_TLS, "another host name"},
        {NATS_SSL_ERROR, "SSL handshake error: 10:certificate has expired:depth=0:cert=/CN=server",
         true, false, true, VD_ERR_TLS, "has expired"},
        {NATS_SSL_ERROR, "SSL handshake error: 9:certificate is not yet valid:depth=0", true, false,
         true, VD_ERR_TLS, "not valid yet"},
        {NATS_SSL_ERROR, "(conn.c:1): SSL handshake error: 20:unable to get local issuer", true,
         false, true, VD_ERR_TLS, "not signed by an authority"},
        {NATS_SSL_ERROR, "SSL handshake error: 18:self-signed certificate:depth=0", true, false,
         true, VD_ERR_TLS, "not signed by an authority"},
        {NATS_SSL_ERROR, "tlsv13 alert certificate required", true, false, true, VD_ERR_TLS,
         "wants a client certificate"},
        {NATS_SSL_ERROR, "alert bad certificate", true, true, true, VD_ERR_TLS,
         "refused the client certificate"},
        {NATS_SSL_ERROR, "unexpected eof while reading", true, true, true, VD_ERR_TLS,
         "handshake failed"},
        {NATS_SSL_ERROR, "SSL handshake error: 20:unable to get", false, false, true, VD_ERR_TLS,
         "use tls://"},
        {NATS_SECURE_CONNECTION_REQUIRED, NULL, false, false, true, VD_ERR_TLS, "use tls://"},
        {NATS_SECURE_CONNECTION_WANTED, NULL, true, false, true, VD_ERR_TLS, "does not speak TLS"},
        {NATS_TIMEOUT, NULL, false, false, true, VD_ERR_TIMEOUT, "in time"},
        {NATS_STALE_CONNECTION, NULL, false, false, false, VD_ERR_TIMEOUT, "in time"},
        {NATS_NO_SERVER, NULL, false, false, true, VD_ERR_CONNECTION, "refused"},
        {NATS_NO_MEMORY, NULL, false, false, true, VD_ERR_NO_MEMORY, "memory"},
        {NATS_PROTOCOL_ERROR, "Expected 'INFO', got 'hunter2'", false, false, true,
         VD_ERR_MALFORMED, "no NATS server"},
        {NATS_PROTOCOL_ERROR, "Expected 'PONG', got ''", false, false, true, VD_ERR_CONNECTION,
         "closed the connection"},
        {NATS_PROTOCOL_ERROR, "Expected 'PONG', got ''", true, false, true, VD_ERR_TLS,
         "client certificate"},
        {NATS_ERR, "User Authentication Expired", false, false, false, VD_ERR_AUTHENTICATION,
         "expired or were withdrawn"},
        {NATS_ERR, "Slow Consumer", false, false, false, VD_ERR_CONNECTION, "read too slowly"},
        {NATS_ERR, "maximum connections exceeded", false, false, true, VD_ERR_CONNECTION,
         "one of its limits"},
        {NATS_IO_ERROR, "recv error: 104 hunter2", false, false, false, VD_ERR_CONNECTION,
         "closed the connection"},
        {NATS_OK, NULL, false, false, false, VD_ERR_CONNECTION, "closed the connection"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct vd_nats_context context = {"via.x", rows[i].tls, rows[i].certificate,
                                                rows[i].connecting};
        struct vd_error error;
        enum vd_err code = vd_nats_explain(rows[i].status, rows[i].text, &context, &error);
        assert_int_equal(code, error.code);
        assert_null(strstr(error.text, "hunter2"));
        if (code != rows[i].code || !strstr(error.text, rows[i].part))
            fail_msg("row %zu: %s: %s", i, vd_err_name(code), error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
