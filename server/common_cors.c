/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the CORS configuration.
 *
 * An origin is compared byte for byte with what a browser sends, which is always in one form
 * (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin): whatever
 * could never match is refused here with the reason, instead of being silently useless. "null",
 * which any sandboxed page of any site sends, is refused too. */
#include "common_cors.h"

#include <ctype.h>
#include <string.h>

#include "common_http.h"

bool vd_cors_next_origin(const char **list, const char **origin, size_t *length)
{
    const char *at = *list + strspn(*list, " ");

    *origin = at;
    *length = strcspn(at, " ");
    *list = at + *length;
    return *length > 0;
}

static bool is_scheme(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char byte = bytes[i];

        if (!(byte >= 'a' && byte <= 'z') &&
            (i == 0 ||
             (!(byte >= '0' && byte <= '9') && byte != '+' && byte != '-' && byte != '.')))
            return false;
    }
    return length > 0;
}

/* Host and port: no user, path or anything else that an origin does not have. */
static bool is_host(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (!islower(byte) && !isdigit(byte) && !strchr("-._:[]~", byte))
            return false;
    }
    return length > 0 && bytes[length - 1] != ':';
}

static bool ends_in(const char *bytes, size_t length, const char *end)
{
    size_t n = strlen(end);

    return length > n && memcmp(bytes + length - n, end, n) == 0;
}

static bool has_default_port(const char *bytes, size_t length, size_t scheme_length)
{
    return (scheme_length == 4 && memcmp(bytes, "http", 4) == 0 && ends_in(bytes, length, ":80")) ||
           (scheme_length == 5 && memcmp(bytes, "https", 5) == 0 && ends_in(bytes, length, ":443"));
}

enum vd_err vd_cors_check_origin(const char *origin, size_t length, struct vd_error *error)
{
    const char *mark = length > 3 ? memmem(origin, length, "://", 3) : NULL;
    int shown = length < 80 ? (int)length : 80;
    size_t scheme;

    if (length == 1 && *origin == '*')
        return VD_OK;
    if (length == 4 && memcmp(origin, "null", 4) == 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "\"null\" cannot be allowed: sandboxed pages of any site send it");
    }
    scheme = mark ? (size_t)(mark - origin) : 0;
    if (!mark || length > VD_CORS_ORIGIN_MAX_BYTES || !is_scheme(origin, scheme) ||
        !is_host(mark + 3, length - scheme - 3)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "\"%.*s\" is no origin: allowed are \"*\" and scheme://host[:port] in "
                            "lower case, without path or closing slash, at most %d bytes",
                            shown, origin, VD_CORS_ORIGIN_MAX_BYTES);
    }
    if (has_default_port(origin, length, scheme)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "\"%.*s\" names the default port, which browsers leave out of the "
                            "origin: leave it out, too",
                            shown, origin);
    }
    return VD_OK;
}

enum vd_err vd_cors_check_list(const char *list, const char *what, struct vd_error *error)
{
    const char *at = list;

    if (strlen(list) > VD_CORS_LIST_MAX_BYTES) {
        return vd_error_set(error, VD_ERR_INVALID, "the %s take %zu bytes, allowed are %d", what,
                            strlen(list), VD_CORS_LIST_MAX_BYTES);
    }
    for (;;) {
        size_t length;

        at += strspn(at, " ");
        length = strcspn(at, ", ");
        if (!vd_http_is_token(at, length)) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "one of the %s is empty or holds a character other than letters, "
                                "digits and !#$%%&'*+-.^_`|~",
                                what);
        }
        at += length;
        at += strspn(at, " ");
        if (*at == '\0')
            return VD_OK;
        if (*at++ != ',') {
            return vd_error_set(error, VD_ERR_INVALID, "the %s need commas between them", what);
        }
    }
}

static bool has_star(const char *list)
{
    return strcmp(list, "*") == 0;
}

static enum vd_err refuse(struct vd_error *error, const char *field, enum vd_err result)
{
    char text[sizeof(error->text)];

    if (!error)
        return result;
    memcpy(text, error->text, sizeof(text));
    return vd_error_set(error, result, "%s: %s", field, text);
}

static enum vd_err check_origins(const char *origins, bool *any, struct vd_error *error)
{
    const char *list = origins, *origin;
    size_t length, count = 0;
    enum vd_err result;

    while (vd_cors_next_origin(&list, &origin, &length)) {
        if ((result = vd_cors_check_origin(origin, length, error)) != VD_OK)
            return result;
        *any |= length == 1;
        count++;
    }
    if (count == 0 || count > VD_CORS_ORIGINS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "%zu origins are named, allowed are 1 to %d",
                            count, VD_CORS_ORIGINS_MAX);
    }
    if (*any && count > 1)
        return vd_error_set(error, VD_ERR_INVALID, "\"*\" is every origin: name no other");
    return VD_OK;
}

enum vd_err vd_cors_config_check(struct vd_server_config *config, struct vd_error *error)
{
    bool any = false;
    enum vd_err result;

    if (!config->cors_origins)
        return VD_OK;
    if (!config->cors_methods)
        config->cors_methods = VD_CORS_METHODS;
    if (!config->cors_headers)
        config->cors_headers = VD_CORS_HEADERS;
    if ((result = check_origins(config->cors_origins, &any, error)) != VD_OK)
        return refuse(error, "cors_origins", result);
    if ((result = vd_cors_check_list(config->cors_methods, "methods", error)) != VD_OK)
        return refuse(error, "cors_methods", result);
    if ((result = vd_cors_check_list(config->cors_headers, "headers", error)) != VD_OK)
        return refuse(error, "cors_headers", result);
    if (config->cors_credentials &&
        (any || has_star(config->cors_methods) || has_star(config->cors_headers))) {
        return vd_error_set(
            error, VD_ERR_INVALID,
            "cors_credentials: cannot be used with \"*\": browsers refuse it, and any "
            "site could act for your users: name the %s",
            any                              ? "origins"
            : has_star(config->cors_methods) ? "methods"
                                             : "headers");
    }
    return VD_OK;
}
