/* SPDX-License-Identifier: Apache-2.0 */
/* CORS: what may be configured, and whose lines an answer gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common_cors.h"
#include "gateway.h"

static void expect_refused(struct vd_server_config config, const char *field, const char *why)
{
    struct vd_error error = {0};

    assert_int_equal(vd_cors_config_check(&config, &error), VD_ERR_INVALID);
    if (!strstr(error.text, field) || !strstr(error.text, why))
        fail_msg("%s", error.text);
}

static void origins_that_could_never_match_are_refused(void **state)
{
    static const char *const no_origin[] = {
        "https://a.example/",  "https://A.example",       "a.example",    "https://",
        "://a.example",        "https://a.example/path",  "https://u@a",  "https://a.example:",
        "1https://a",          "https://a.example?x",     "https://a\"b", "*.a.example",
        "https://*.a.example", "https://a.example\r\nX:y"};

    (void)state;
    for (size_t i = 0; i < sizeof(no_origin) / sizeof(*no_origin); i++)
        expect_refused((struct vd_server_config){.cors_origins = no_origin[i]}, "cors_origins",
                       "is no origin");
    expect_refused((struct vd_server_config){.cors_origins = "null"}, "cors_origins", "sandboxed");
    expect_refused((struct vd_server_config){.cors_origins = "https://a:443"}, "cors_origins",
                   "default port");
    expect_refused((struct vd_server_config){.cors_origins = "http://a:80"}, "cors_origins",
                   "default port");
    expect_refused((struct vd_server_config){.cors_origins = "  "}, "cors_origins", "1 to 64");
    expect_refused((struct vd_server_config){.cors_origins = "https://a *"}, "cors_origins",
                   "name no other");
}

static void lists_are_names(void **state)
{
    static const char *const bad[] = {"", "GET,", "GET POST", ",", "GET,,POST", "a\r\nb", "G\xc3"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        expect_refused((struct vd_server_config){.cors_origins = "*", .cors_methods = bad[i]},
                       "cors_methods", "methods");
        expect_refused((struct vd_server_config){.cors_origins = "*", .cors_headers = bad[i]},
                       "cors_headers", "headers");
    }
}

static void credentials_need_names(void **state)
{
    struct vd_server_config good = {.cors_origins = "https://a.example http://[::1]:8080",
                                    .cors_credentials = true};

    (void)state;
    assert_int_equal(vd_cors_config_check(&good, NULL), VD_OK);
    assert_string_equal(good.cors_methods, VD_CORS_METHODS);
    assert_string_equal(good.cors_headers, VD_CORS_HEADERS);
    expect_refused((struct vd_server_config){.cors_origins = "*", .cors_credentials = true},
                   "cors_credentials", "name the origins");
    expect_refused((struct vd_server_config){.cors_origins = "https://a",
                                             .cors_methods = "*",
                                             .cors_credentials = true},
                   "cors_credentials", "name the methods");
    expect_refused((struct vd_server_config){.cors_origins = "https://a",
                                             .cors_headers = "*",
                                             .cors_credentials = true},
                   "cors_credentials", "name the headers");
    assert_int_equal(vd_cors_config_check(&(struct vd_server_config){0}, NULL), VD_OK);
}

/* ---- lines -------------------------------------------------------------------------------------
 */

static void expect_lines(struct gateway *gateway, const char *request, const char *lines)
{
    const struct vd_http_limits limits = {
        .line_bytes = 1000, .head_bytes = 4000, .header_count = 20};
    struct gw_connection connection = {.gateway = gateway};
    struct vd_http_request head;
    struct vd_http_error error;
    size_t scanned = 0;

    assert_int_equal(vd_http_parse_head(request, strlen(request), &scanned, &limits, &head, &error),
                     VD_HTTP_COMPLETE);
    gw_cors_note(&connection, &head, request);
    if (!lines) {
        assert_null(connection.cors);
    } else {
        assert_string_equal(connection.cors->text, lines);
        assert_int_equal(connection.cors->length, strlen(lines));
    }
}

#define GET(headers) "GET / HTTP/1.1\r\nHost: x\r\n" headers "\r\n"

static void start(struct gateway *gateway, struct vd_server_config *config)
{
    assert_int_equal(vd_cors_config_check(config, NULL), VD_OK);
    memset(gateway, 0, sizeof(*gateway));
    gateway->config = config;
    assert_int_equal(gw_cors_start(gateway), VD_OK);
}

static void lines_are_those_of_the_origin(void **state)
{
    struct vd_server_config config = {.cors_origins = "https://a.example https://b.example:8443",
                                      .cors_credentials = true};
    struct gateway gateway;

    (void)state;
    start(&gateway, &config);
    expect_lines(&gateway, GET("origin: https://b.example:8443\r\n"),
                 "Access-Control-Allow-Origin: https://b.example:8443\r\n"
                 "Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n");
    expect_lines(&gateway, GET(""), "Vary: Origin\r\n");
    expect_lines(&gateway, GET("Origin: https://b.example\r\n"), "Vary: Origin\r\n");
    expect_lines(&gateway, GET("Origin: https://a.example.evil\r\n"), "Vary: Origin\r\n");
    expect_lines(&gateway, GET("Origin: null\r\n"), "Vary: Origin\r\n");
    expect_lines(&gateway, GET("Origin: https://a.example\r\nOrigin: https://a.example\r\n"),
                 "Vary: Origin\r\n");
    gw_cors_finish(&gateway);
    gw_cors_finish(&gateway);
}

static void a_star_is_for_everybody(void **state)
{
    struct vd_server_config config = {.cors_origins = "*"}, off = {0};
    struct gateway gateway;

    (void)state;
    start(&gateway, &config);
    expect_lines(&gateway, GET("Origin: https://b.example\r\n"),
                 "Access-Control-Allow-Origin: *\r\n");
    expect_lines(&gateway, GET(""), "Access-Control-Allow-Origin: *\r\n");
    gw_cors_finish(&gateway);
    start(&gateway, &off);
    expect_lines(&gateway, GET("Origin: https://b.example\r\n"), NULL);
}

static void a_handler_that_sets_its_own_has_its_way(void **state)
{
    static const char own[] = "X: y\r\nACCESS-control-allow-origin: https://c\r\n";
    static const char other[] =
        "X: Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Orig: x\r\n";
    const struct gw_cors_lines lines = {.text = NULL, .length = 0};
    struct gw_connection connection = {.cors = &lines};

    (void)state;
    gw_cors_yield(&connection, other, sizeof(other) - 1);
    gw_cors_yield(&connection, "", 0);
    assert_ptr_equal(connection.cors, &lines);
    gw_cors_yield(&connection, own, sizeof(own) - 1);
    assert_null(connection.cors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_that_could_never_match_are_refused),
        cmocka_unit_test(lists_are_names),
        cmocka_unit_test(credentials_need_names),
        cmocka_unit_test(lines_are_those_of_the_origin),
        cmocka_unit_test(a_star_is_for_everybody),
        cmocka_unit_test(a_handler_that_sets_its_own_has_its_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
