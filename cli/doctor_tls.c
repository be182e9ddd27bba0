/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's look at certificates: see doctor_line.h.
 *
 * Happy path: the handshake passes the driver's own checks (brokers/tls.c); what is left to say is
 * how long the certificates last. When it fails, a second handshake that refuses nothing is made,
 * only to read what the server shows: names, issuer, dates. Nothing is sent over that one. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <viaduct/clock.h>

#include "doctor_line.h"

#define DAY_SECONDS 86400
#define GUESS_MS    1000

/* ---- words about a certificate -----------------------------------------------------------------
 */

static void add_name(struct cli_text *text, const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes;
    long length;

    if (!memory)
        return;
    X509_NAME_print_ex(memory, name, 0, XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    length = BIO_get_mem_data(memory, &bytes);
    cli_text_add(text, bytes, (size_t)length);
    BIO_free(memory);
}

static void add_alternative(struct cli_text *text, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN];
    int type, length;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    const unsigned char *bytes;

    if (type != GEN_DNS && type != GEN_IPADD)
        return;
    bytes = ASN1_STRING_get0_data(value);
    length = ASN1_STRING_length(value);
    cli_text_print(text, "%s", text->length ? ", " : "");
    if (type == GEN_DNS) {
        cli_text_add(text, bytes, (size_t)length);
    } else if (inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, address, sizeof(address)) &&
               (length == 4 || length == 16)) {
        cli_text_print(text, "%s", address);
    }
}

/* The names it is good for; "none" when there are none. */
static void add_hosts(struct cli_text *text, X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    struct cli_text list = {0};

    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
        add_alternative(&list, sk_GENERAL_NAME_value(names, i));
    cli_text_print(text, "%s", list.length ? cli_text_string(&list) : "none");
    cli_text_finish(&list);
    GENERAL_NAMES_free(names);
}

static double days_until(const ASN1_TIME *when)
{
    int days = 0, seconds = 0;

    ASN1_TIME_diff(&days, &seconds, NULL, when);
    return days + (double)seconds / DAY_SECONDS;
}

static void add_date(struct cli_text *text, const ASN1_TIME *when)
{
    struct tm parts;
    char formatted[32];

    if (ASN1_TIME_to_tm(when, &parts) != 1)
        return;
    strftime(formatted, sizeof(formatted), "%Y-%m-%d %H:%M UTC", &parts);
    cli_text_print(text, "%s", formatted);
}

/* ---- a handshake that refuses nothing ----------------------------------------------------------
 */

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static int accept_all(int verified, X509_STORE_CTX *store)
{
    (void)verified;
    (void)store;
    return 1;
}

static bool shake_hands(SSL *session, const struct doctor_line *line, uint32_t limit_ms)
{
    uint64_t deadline_ms = vd_monotonic_ms() + limit_ms;
    struct pollfd waiting = {.fd = line->stream.fd};
    int result;

    while ((result = SSL_connect(session)) != 1) {
        int kind = SSL_get_error(session, result);
        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
            return false;
        waiting.events = kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        if (vd_monotonic_ms() >= deadline_ms || poll(&waiting, 1, 100) < 0)
            return false;
    }
    return true;
}

/* The server's certificate, or NULL. */
static X509 *fetch_certificate(const struct doctor_line *first, const char *host,
                               doctor_greeting_fn *greeting, uint32_t limit_ms)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *session = context ? SSL_new(context) : NULL;
    struct doctor_line line;
    X509 *certificate = NULL;

    if (session && doctor_line_again(&line, first)) {
        SSL_set_verify(session, SSL_VERIFY_PEER, accept_all);
        if (!is_address(host)) /* RFC 6066: no SNI for those */
            SSL_set_tlsext_host_name(session, host);
        SSL_set_fd(session, line.stream.fd);
        if (!greeting || greeting(&line))
            shake_hands(session, &line, limit_ms);
        certificate = SSL_get1_peer_certificate(session);
        doctor_line_close(&line);
    }
    SSL_free(session);
    SSL_CTX_free(context);
    ERR_clear_error();
    return certificate;
}

bool doctor_speaks_tls(const struct doctor_line *line, const char *host)
{
    uint32_t limit_ms = line->step_ms < GUESS_MS ? line->step_ms : GUESS_MS;
    X509 *certificate = fetch_certificate(line, host, NULL, limit_ms);

    X509_free(certificate);
    return certificate != NULL;
}

/* ---- days left ---------------------------------------------------------------------------------
 */

static void tell_days(struct doctor *doctor, const char *step, const char *whose,
                      const X509 *certificate)
{
    double days = days_until(X509_get0_notAfter(certificate));
    struct cli_text date = {0};

    add_date(&date, X509_get0_notAfter(certificate));
    if (days < 0) {
        doctor_step(doctor, DOCTOR_FAILED, step, "%s certificate ended %.1f days ago, at %s", whose,
                    -days, cli_text_string(&date));
    } else {
        doctor_step(doctor, days < DOCTOR_EXPIRES_DAYS ? DOCTOR_WARNING : DOCTOR_OK, step,
                    "%s certificate is good for %.1f days, until %s", whose, days,
                    cli_text_string(&date));
    }
    doctor_value(doctor, "days", days);
    if (days < DOCTOR_EXPIRES_DAYS) {
        doctor_advise(doctor, "Renew it, and see why nobody has: all nodes lose the broker at that "
                              "time.");
    }
    cli_text_finish(&date);
}

/* ---- failed ------------------------------------------------------------------------------------
 */

static void advise_certificate(struct doctor *doctor, X509 *certificate, const char *host,
                               const char *said)
{
    struct cli_text subject = {0}, issuer = {0}, hosts = {0}, from = {0}, to = {0};

    add_name(&subject, X509_get_subject_name(certificate));
    add_name(&issuer, X509_get_issuer_name(certificate));
    add_hosts(&hosts, certificate);
    add_date(&from, X509_get0_notBefore(certificate));
    add_date(&to, X509_get0_notAfter(certificate));
    if (strstr(said, "another host name")) {
        doctor_advise(doctor,
                      "Its certificate is for: %s. We connect to \"%s\". Use a name from that "
                      "list in --broker, or have a certificate made that holds this one.",
                      cli_text_string(&hosts), host);
    } else if (strstr(said, "expired")) {
        doctor_advise(doctor,
                      "It was good until %s. Have it renewed, and the server read it again "
                      "(certbot and the like renew the file, not the running server).",
                      cli_text_string(&to));
    } else if (strstr(said, "not valid yet")) {
        doctor_advise(doctor,
                      "It begins at %s. If that is in the past, the clock of this machine is "
                      "wrong: \"timedatectl\".",
                      cli_text_string(&from));
    } else {
        doctor_advise(
            doctor,
            "It is for \"%s\", signed by \"%s\". Give --ca the file with that authority's "
            "certificate%s; if the server sends no intermediate certificates, add them "
            "to its file.",
            cli_text_string(&subject), cli_text_string(&issuer),
            doctor->options->ca_file ? " (the one given does not hold it)" : "");
    }
    cli_text_finish(&subject);
    cli_text_finish(&issuer);
    cli_text_finish(&hosts);
    cli_text_finish(&from);
    cli_text_finish(&to);
}

/* TLS 1.2 servers look at our certificate within the handshake; an old one is not said otherwise.
 */
static void tell_own_end(struct doctor *doctor, SSL *session)
{
    X509 *own = session ? SSL_get_certificate(session) : NULL;

    if (own && days_until(X509_get0_notAfter(own)) < 0)
        tell_days(doctor, "own-certificate", "our", own);
}

static bool tell_failure(struct doctor *doctor, const struct doctor_line *line, const char *host,
                         doctor_greeting_fn *greeting)
{
    const char *said = line->error.text;
    /* not where the server complains of ours */
    X509 *certificate = strstr(said, "the server's certificate")
                            ? fetch_certificate(line, host, greeting, line->step_ms)
                            : NULL;

    doctor_step(doctor, DOCTOR_FAILED, "tls", "%s", said);
    if (certificate) {
        advise_certificate(doctor, certificate, host, said);
    } else if (line->error.code == VD_ERR_TIMEOUT) {
        doctor_advise(doctor, "The server took the connection and says nothing: its process may be "
                              "stopped, or that port speaks no TLS.");
    } else if (strstr(said, "does not speak TLS")) {
        doctor_advise(doctor,
                      "Is that the plain port? redis:// and nats:// are without TLS; a Redis "
                      "server with TLS has a port of its own (\"tls-port\").");
    } else {
        doctor_advise(doctor,
                      "The server broke the handshake off. Its log says why: often it wants "
                      "a client certificate (--cert and --key) or does not accept the one "
                      "given, or no TLS version or cipher is common to both (TLS 1.2 is the "
                      "least here).");
    }
    X509_free(certificate);
    tell_own_end(doctor, line->stream.session);
    return false;
}

/* ---- passed ------------------------------------------------------------------------------------
 */

/* The one of the chain that ends first: an intermediate may. */
static X509 *first_to_expire(SSL *session)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(session);
    X509 *first = NULL;

    for (int i = 0; chain && i < sk_X509_num(chain); i++) {
        X509 *one = sk_X509_value(chain, i);
        if (!first || ASN1_TIME_compare(X509_get0_notAfter(one), X509_get0_notAfter(first)) < 0)
            first = one;
    }
    return first;
}

void doctor_tls_tell(struct doctor *doctor, const struct doctor_line *line)
{
    SSL *session = line->stream.session;
    X509 *ends_first = first_to_expire(session), *own = SSL_get_certificate(session);
    char whose[128];

    snprintf(whose, sizeof(whose), "%s, chain and host name are right; the server's",
             SSL_get_version(session));
    if (ends_first)
        tell_days(doctor, "tls", whose, ends_first);
    if (own)
        tell_days(doctor, "own-certificate", "our", own);
}

bool doctor_tls(struct doctor *doctor, struct doctor_line *line, struct vd_tls *tls,
                const char *host, doctor_greeting_fn *greeting)
{
    if (doctor_line_secure(line, tls, host)) {
        doctor_tls_tell(doctor, line);
        return true;
    }
    return tell_failure(doctor, line, host, greeting);
}
