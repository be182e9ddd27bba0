/* SPDX-License-Identifier: Apache-2.0 */
/* What is needed to write HTTP: reason phrases, checks of names and values, dates.
 *
 * Happy path: the gateway asks for a phrase and a date per response; the worker checks every header
 * that a handler sets, so that no value becomes a second header. Nothing here fails or allocates.
 */
#include "common_http.h"

#include <time.h>

#include "common_http_chars.h"

/* Phrases as registered: https://www.iana.org/assignments/http-status-codes */
const char *vd_http_reason_phrase(unsigned status)
{
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 102:
        return "Processing";
    case 103:
        return "Early Hints";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 203:
        return "Non-Authoritative Information";
    case 204:
        return "No Content";
    case 205:
        return "Reset Content";
    case 206:
        return "Partial Content";
    case 207:
        return "Multi-Status";
    case 208:
        return "Already Reported";
    case 226:
        return "IM Used";
    case 300:
        return "Multiple Choices";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 305:
        return "Use Proxy";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 402:
        return "Payment Required";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 407:
        return "Proxy Authentication Required";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 421:
        return "Misdirected Request";
    case 422:
        return "Unprocessable Content";
    case 423:
        return "Locked";
    case 424:
        return "Failed Dependency";
    case 425:
        return "Too Early";
    case 426:
        return "Upgrade Required";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 451:
        return "Unavailable For Legal Reasons";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    case 506:
        return "Variant Also Negotiates";
    case 507:
        return "Insufficient Storage";
    case 508:
        return "Loop Detected";
    case 511:
        return "Network Authentication Required";
    default:
        return "";
    }
}

bool vd_http_status_has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

bool vd_http_is_token(const char *bytes, size_t length)
{
    const char *end = bytes + length;
    return length > 0 && vd_http_skip(bytes, end, VD_HTTP_CHAR_TOKEN) == end;
}

bool vd_http_is_field_value(const char *bytes, size_t length)
{
    return length == 0 || vd_http_skip_value(bytes, bytes + length) == bytes + length;
}

bool vd_http_name_is(const char *bytes, size_t length, const char *name)
{
    size_t i = 0;
    for (; i < length && name[i] != '\0'; i++) {
        char byte = bytes[i];
        if (byte >= 'A' && byte <= 'Z') {
            byte = (char)(byte | 0x20);
        }
        if (byte != name[i]) {
            return false;
        }
    }
    return i == length && name[i] == '\0';
}

static char *write_digits(char *at, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

static char *write_name(char *at, const char *names, int index)
{
    memcpy(at, names + (size_t)index * 3, 3);
    return at + 3;
}

/* IMF-fixdate, RFC 9110 5.6.7. Not strftime: it speaks the language of the locale. */
void vd_http_date(uint64_t wall_ms, char text[30])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const uint64_t last_second = 253402300799u; /* 31 December 9999: the year has four digits */
    uint64_t seconds = wall_ms / 1000;
    time_t when = (time_t)(seconds < last_second ? seconds : last_second);
    struct tm utc;
    gmtime_r(&when, &utc);

    char *at = write_name(text, days, utc.tm_wday);
    *at++ = ',';
    *at++ = ' ';
    at = write_digits(at, (unsigned)utc.tm_mday, 2);
    *at++ = ' ';
    at = write_name(at, months, utc.tm_mon);
    *at++ = ' ';
    at = write_digits(at, (unsigned)utc.tm_year + 1900u, 4);
    *at++ = ' ';
    at = write_digits(at, (unsigned)utc.tm_hour, 2);
    *at++ = ':';
    at = write_digits(at, (unsigned)utc.tm_min, 2);
    *at++ = ':';
    at = write_digits(at, (unsigned)utc.tm_sec, 2);
    memcpy(at, " GMT", 5);
}
