/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests: see certificates.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certificates.h"

const char *certificate_path(char *path, const char *directory, const char *file)
{
    snprintf(path, 128, "%s/%s", directory, file);
    return path;
}

static FILE *open_file(const char *directory, const char *name, const char *ending,
                       const char *mode)
{
    char file[64], path[128];
    FILE *opened;

    snprintf(file, sizeof(file), "%s.%s", name, ending);
    opened = fopen(certificate_path(path, directory, file), mode);
    assert_non_null(opened);
    return opened;
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void read_issuer(const struct certificate_wish *wish, X509 **issuer, EVP_PKEY **key)
{
    FILE *file = open_file(wish->directory, wish->issuer, "pem", "r");

    *issuer = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    file = open_file(wish->directory, wish->issuer, "key", "r");
    *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_true(*issuer && *key);
}

static void fill_in(X509 *certificate, EVP_PKEY *key, const struct certificate_wish *wish)
{
    static long serial = 1;
    X509_NAME *name = X509_get_subject_name(certificate);
    bool usual = wish->from_seconds == 0 && wish->to_seconds == 0;

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), usual ? -3600 : wish->from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate), usual ? 86400 : wish->to_seconds);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)wish->name, -1, -1,
                               0);
    X509_set_pubkey(certificate, key);
}

void certificate_make(const struct certificate_wish *wish)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *issuer_key = key;
    X509 *certificate = X509_new(), *issuer = certificate;
    FILE *file;

    assert_true(key && certificate);
    fill_in(certificate, key, wish);
    if (wish->issuer)
        read_issuer(wish, &issuer, &issuer_key);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    extend(certificate, issuer, NID_basic_constraints,
           wish->issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (wish->hosts)
        extend(certificate, issuer, NID_subject_alt_name, wish->hosts);
    if (wish->purpose)
        extend(certificate, issuer, NID_ext_key_usage, wish->purpose);
    assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    file = open_file(wish->directory, wish->name, "pem", "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = open_file(wish->directory, wish->name, "key", "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    if (wish->issuer) {
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}
