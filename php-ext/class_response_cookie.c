/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Response::cookie(): one Set-Cookie line (RFC 6265 4.1.1). */
#include "class_response.h"

#include <ext/date/php_date.h>
#include <ext/standard/url.h>
#include <zend_exceptions.h>
#include <zend_smart_str.h>

#include "php_viaduct.h"

/* The year has four digits in a cookie's date. */
#define EXPIRES_LEAST (-62135596800)
#define EXPIRES_MOST  253402300799

struct cookie {
    zend_string *name, *value, *path, *domain, *same_site;
    zend_long expires;
    bool secure, http_only;
};

static bool attribute_is_clean(const zend_string *text)
{
    for (size_t i = 0; i < ZSTR_LEN(text); i++) {
        unsigned char byte = (unsigned char)ZSTR_VAL(text)[i];
        if (byte < 0x20 || byte == 0x7f || byte == ';' || byte == ',') {
            return false;
        }
    }
    return true;
}

static bool cookie_check(const struct cookie *cookie)
{
    static const char separators[] = "=,; \t\r\n\013\014";
    if (ZSTR_LEN(cookie->name) == 0 ||
        strcspn(ZSTR_VAL(cookie->name), separators) != ZSTR_LEN(cookie->name)) {
        zend_argument_value_error(1, "must be a name without spaces, \"=\", \",\" or \";\"");
        return false;
    }
    if (!attribute_is_clean(cookie->path) || !attribute_is_clean(cookie->domain)) {
        zend_argument_value_error(attribute_is_clean(cookie->path) ? 5 : 4,
                                  "must not contain control characters, \",\" or \";\"");
        return false;
    }
    if (cookie->expires < EXPIRES_LEAST || cookie->expires > EXPIRES_MOST) {
        zend_argument_value_error(
            3, "must be a time in the years 1 to 9999, " ZEND_LONG_FMT " given", cookie->expires);
        return false;
    }
    if (ZSTR_LEN(cookie->same_site) && !zend_string_equals_literal_ci(cookie->same_site, "lax") &&
        !zend_string_equals_literal_ci(cookie->same_site, "strict") &&
        !zend_string_equals_literal_ci(cookie->same_site, "none")) {
        zend_argument_value_error(8, "must be \"Lax\", \"Strict\", \"None\" or \"\"");
        return false;
    }
    if (zend_string_equals_literal_ci(cookie->same_site, "none") && !cookie->secure) {
        zend_argument_value_error(8, "must not be \"None\" unless argument #6 ($secure) is true");
        return false;
    }
    return true;
}

static void append_attribute(smart_str *line, const char *name, const zend_string *value)
{
    if (ZSTR_LEN(value)) {
        smart_str_appends(line, name);
        smart_str_append(line, value);
    }
}

static zend_string *cookie_line(const struct cookie *cookie)
{
    smart_str line = {0};
    zend_string *encoded = php_raw_url_encode(ZSTR_VAL(cookie->value), ZSTR_LEN(cookie->value));
    smart_str_append(&line, cookie->name);
    smart_str_appendc(&line, '=');
    smart_str_append(&line, encoded);
    zend_string_release(encoded);
    if (cookie->expires) {
        static const char format[] = "D, d M Y H:i:s \\G\\M\\T";
        zend_string *date =
            php_format_date(format, sizeof(format) - 1, (time_t)cookie->expires, false);
        append_attribute(&line, "; Expires=", date);
        zend_string_release(date);
    }
    append_attribute(&line, "; Path=", cookie->path);
    append_attribute(&line, "; Domain=", cookie->domain);
    if (cookie->secure) {
        smart_str_appends(&line, "; Secure");
    }
    if (cookie->http_only) {
        smart_str_appends(&line, "; HttpOnly");
    }
    append_attribute(&line, "; SameSite=", cookie->same_site);
    return smart_str_extract(&line);
}

ZEND_METHOD(Viaduct_Response, cookie)
{
    zend_string *slash = ZSTR_CHAR('/');
    struct cookie cookie = {.value = ZSTR_EMPTY_ALLOC(),
                            .path = slash,
                            .domain = ZSTR_EMPTY_ALLOC(),
                            .http_only = true};
    ZEND_PARSE_PARAMETERS_START(1, 8)
    Z_PARAM_STR(cookie.name)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(cookie.value)
    Z_PARAM_LONG(cookie.expires)
    Z_PARAM_STR(cookie.path)
    Z_PARAM_STR(cookie.domain)
    Z_PARAM_BOOL(cookie.secure)
    Z_PARAM_BOOL(cookie.http_only)
    Z_PARAM_STR(cookie.same_site)
    ZEND_PARSE_PARAMETERS_END();
    zend_string *lax = cookie.same_site ? NULL : zend_string_init(ZEND_STRL("Lax"), false);
    if (lax) {
        cookie.same_site = lax;
    }
    if (cookie_check(&cookie)) {
        zend_string *name = zend_string_init(ZEND_STRL("Set-Cookie"), false);
        zend_string *line = cookie_line(&cookie);
        vd_php_response_add_header(Z_OBJ_P(ZEND_THIS), name, line);
        zend_string_release(line);
        zend_string_release(name);
    }
    if (lax) {
        zend_string_release(lax);
    }
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}
