/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults, limits, and errors that name the field and what is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common_node.h"

static void expect(struct vd_server_config config, enum vd_err code, const char *field,
                   const char *allowed)
{
    struct vd_error error = {0};

    assert_int_equal(vd_server_config_check(&config, &error), code);
    assert_non_null(strstr(error.text, field));
    assert_non_null(strstr(error.text, allowed));
}

static void zeroes_become_the_defaults(void **state)
{
    struct vd_server_config config = {0};

    (void)state;
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_string_equal(config.host, "127.0.0.1");
    assert_int_equal(config.port, 3000);
    assert_int_equal(config.workers, 1);
    assert_int_equal(config.request_timeout_ms, 30000);
    assert_int_equal(config.max_requests, 0);
    assert_int_equal(config.drain_timeout_ms, 10000);
    assert_int_equal(config.max_body_bytes, 8 * 1024 * 1024);
    assert_int_equal(config.max_message_bytes, VD_MESSAGE_MAX_BYTES);
    assert_int_equal(config.history_log_bytes, 16 * 1024 * 1024);
    assert_true(config.max_connections > 0);
    assert_int_equal(config.max_address_connections, 0);
    assert_int_equal(config.max_connection_requests, 0);
    assert_int_equal(config.max_line_bytes, 8192);
    assert_int_equal(config.max_upload_workers, 1);
    assert_int_equal(config.max_header_count, 100);
    assert_int_equal(config.body_timeout_ms, 30000);
    assert_int_equal(config.min_rate_bytes, 500);
    assert_int_equal(config.response_buffer_bytes, 1024 * 1024);
    assert_int_equal(config.compression_min_bytes, 1024);
    assert_int_equal(config.compression_level, 4);
    assert_false(config.compression_off || config.compress_streams);
    assert_string_equal(config.broker_driver, "memory");
    assert_string_equal(config.broker_display, "InMemoryBroker");
    assert_string_equal(config.version, VIADUCT_VERSION);
    assert_int_equal(config.log_fd, 2);
}

static void checking_twice_changes_nothing(void **state)
{
    struct vd_server_config once = {.workers = 3, .port_any = true}, twice;

    (void)state;
    assert_int_equal(vd_server_config_check(&once, NULL), VD_OK);
    twice = once;
    assert_int_equal(vd_server_config_check(&twice, NULL), VD_OK);
    assert_memory_equal(&once, &twice, sizeof(once));
    assert_int_equal(once.port, 0);
    assert_string_equal(once.broker_driver, "pipe"); /* no choice was made: the one that works */
    assert_string_equal(once.broker_display, "PipeBroker");
}

static void errors_name_the_field_and_what_is_allowed(void **state)
{
    char long_host[100];

    (void)state;
    memset(long_host, 'a', sizeof(long_host) - 1);
    long_host[sizeof(long_host) - 1] = '\0';
    expect((struct vd_server_config){.workers = VD_WORKERS_MAX + 1}, VD_ERR_INVALID, "workers",
           "1 to 256");
    expect((struct vd_server_config){.request_timeout_ms = 1}, VD_ERR_INVALID,
           "request_timeout_ms is 1", "10 to 86400000");
    expect((struct vd_server_config){.max_header_bytes = 10}, VD_ERR_INVALID, "max_header_bytes",
           "1024 to 61440");
    expect((struct vd_server_config){.max_body_bytes = (size_t)1 << 41}, VD_ERR_INVALID,
           "max_body_bytes", "1 to 1099511627776");
    expect((struct vd_server_config){.history_log_bytes = 100000}, VD_ERR_INVALID,
           "history_log_bytes", "powers of two");
    expect((struct vd_server_config){.max_connections = 999999999}, VD_ERR_INVALID,
           "max_connections", "0 to 1000000");
    expect((struct vd_server_config){.max_upload_workers = 3, .workers = 2}, VD_ERR_INVALID,
           "max_upload_workers is 3", "1 to 2");
    expect((struct vd_server_config){.max_line_bytes = 1}, VD_ERR_INVALID, "max_line_bytes",
           "64 to 61440");
    expect((struct vd_server_config){.max_header_count = 101}, VD_ERR_INVALID, "max_header_count",
           "1 to 100");
    expect((struct vd_server_config){.response_buffer_bytes = 1}, VD_ERR_INVALID,
           "response_buffer_bytes", "65536 to 1073741824");
    expect((struct vd_server_config){.compression_level = 10}, VD_ERR_INVALID, "compression_level",
           "1 to 9");
    expect((struct vd_server_config){.cors_origins = "*", .cors_credentials = true}, VD_ERR_INVALID,
           "cors_credentials", "name the origins");
    expect((struct vd_server_config){.cors_origins = "*", .cors_max_age_s = 86401}, VD_ERR_INVALID,
           "cors_max_age_s", "1 to 86400");
    expect((struct vd_server_config){.host = ""}, VD_ERR_INVALID, "host", "1 to 63");
    expect((struct vd_server_config){.host = long_host}, VD_ERR_INVALID, "host", "1 to 63");
    expect((struct vd_server_config){.port = 80, .port_any = true}, VD_ERR_INVALID, "port",
           "one of the two");
    expect((struct vd_server_config){.broker_driver = "carrier pigeon"}, VD_ERR_INVALID,
           "broker_driver", "memory, pipe");
    expect((struct vd_server_config){.broker_driver = "redis://u:secret@here"}, VD_ERR_INVALID,
           "broker_driver", "memory, pipe");
    expect((struct vd_server_config){.log_fd = -1}, VD_ERR_INVALID, "log_fd", "open descriptor");
    expect((struct vd_server_config){.log_level = (enum vd_log_level)9}, VD_ERR_INVALID,
           "log_level", "VD_LOG_OFF");
}

static void the_memory_broker_is_for_one_worker(void **state)
{
    struct vd_server_config alone = {.broker_driver = "memory", .workers = 1};

    (void)state;
    assert_int_equal(vd_server_config_check(&alone, NULL), VD_OK);
    expect((struct vd_server_config){.broker_driver = "memory", .workers = 4}, VD_ERR_UNSUPPORTED,
           "4 workers", "use PipeBroker (withBroker(new PipeBroker())) or withWorkerNum(1)");
}

/* What can be told before the fork; nothing is opened for it. */
static void the_link_to_other_nodes_names_its_driver(void **state)
{
    const struct vd_broker_options redis = {.url = "redis://127.0.0.1:1"}, local = {.url = "pipe:"},
                                   unknown = {.url = "carrier://pigeon:secret@here"}, none = {0},
                                   policy = {.url = "redis:",
                                             .outbox_policy = (enum vd_outbox_policy)7};
    struct vd_server_config config = {.broker = &redis, .workers = 3};

    (void)state;
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_string_equal(config.broker_driver, "redis");
    assert_string_equal(config.broker_display, "RedisBroker");
    assert_ptr_equal(config.broker, &redis);
    expect((struct vd_server_config){.broker = &local}, VD_ERR_INVALID, "does not leave",
           "URL of a server");
    expect((struct vd_server_config){.broker = &unknown}, VD_ERR_UNSUPPORTED, "scheme", "redis");
    expect((struct vd_server_config){.broker = &none}, VD_ERR_INVALID, "url", "missing");
    expect((struct vd_server_config){.broker = &policy}, VD_ERR_INVALID, "outbox_policy", "7");
}

static void a_node_is_laid_out_for_its_workers(void **state)
{
    struct vd_server_config config = {.workers = 256, .port_any = true};
    struct vd_node node;
    struct vd_error error = {0};

    (void)state;
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_int_equal(vd_node_create(&node, &config, &error), VD_OK);
    assert_int_equal(node.shared->magic, VD_SHARED_MAGIC);
    assert_int_equal(node.shared->workers, 256);
    assert_true(vd_history_epoch(node.history) != 0);
    for (unsigned i = 0; i < config.workers; i++) {
        assert_int_equal(vd_ring_capacity_bytes(node.requests[i]), VD_RING_REQUESTS_BYTES);
        assert_true(node.slots[i].bell.fd >= 0);
        assert_int_equal((uintptr_t)&node.slots[i] % 64, 0);
    }
    assert_ptr_equal(vd_arena_find(node.arena, "slots", NULL), node.slots);
    vd_node_destroy(&node);
    vd_node_destroy(&node); /* twice is fine */
    vd_node_destroy(NULL);
}

static void static_files_need_a_directory_and_a_path(void **state)
{
    (void)state;
    expect((struct vd_server_config){.static_directory = "/nowhere/at/all"}, VD_ERR_INVALID,
           "static_directory", "a directory");
    expect((struct vd_server_config){.static_directory = "/dev/null"}, VD_ERR_INVALID,
           "static_directory", "a directory");
    expect((struct vd_server_config){.static_prefix = "assets"}, VD_ERR_INVALID, "static_prefix",
           "/assets");
    expect((struct vd_server_config){.static_prefix = "/a//b"}, VD_ERR_INVALID, "static_prefix",
           "/assets");
    expect((struct vd_server_config){.static_prefix = "/a%20b"}, VD_ERR_INVALID, "static_prefix",
           "/assets");
    expect((struct vd_server_config){.static_prefix = ""}, VD_ERR_INVALID, "static_prefix",
           "/assets");
    expect((struct vd_server_config){.static_max_age_s = 31536001}, VD_ERR_INVALID,
           "static_max_age_s", "31536000");
    struct vd_server_config config = {.static_directory = "/tmp"};
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_string_equal(config.static_prefix, "/");
}

static void the_edge_is_checked(void **state)
{
    static const char *const good[] = {"unix:///run/x", "tcp://[::]:0"};
    static const char *const bad[] = {"unix:///run/x", "run/x"};
    static const char *const networks[] = {"10.0.0.0/8", "10.0.0.1/8"};
    struct vd_server_config config = {.listeners = good, .listener_count = 2};

    (void)state;
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_null(config.host); /* those are all */
    assert_int_equal(config.port, 0);
    config = (struct vd_server_config){.listeners = good, .listener_count = 2, .port_any = true};
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_string_equal(config.host, "127.0.0.1");
    assert_int_equal(config.access_log_fd, 1);
    expect((struct vd_server_config){.listeners = bad, .listener_count = 2}, VD_ERR_INVALID,
           "\"run/x\"", "unix:///PATH");
    expect((struct vd_server_config){.listeners = good, .listener_count = 17}, VD_ERR_INVALID,
           "17 listeners", "allowed are 16");
    expect((struct vd_server_config){.trusted_proxies = networks, .trusted_proxy_count = 2},
           VD_ERR_INVALID, "10.0.0.1/8", "allowed are networks");
    expect((struct vd_server_config){.trusted_proxies = networks, .trusted_proxy_count = 65},
           VD_ERR_INVALID, "trusted_proxies", "allowed are 64");
    expect((struct vd_server_config){.access_log = VD_ACCESS_JSON + 1}, VD_ERR_INVALID,
           "access_log", "VD_ACCESS_JSON");
    expect((struct vd_server_config){.control_path = "relative.sock"}, VD_ERR_INVALID,
           "control_path", "absolute path");
    expect((struct vd_server_config){.access_log_path = ""}, VD_ERR_INVALID, "access_log_path",
           "allowed is");
    expect((struct vd_server_config){.access_log_fd = -1}, VD_ERR_INVALID, "access_log_fd",
           "allowed is");
    expect((struct vd_server_config){.forwarded_headers = VD_FORWARDED_X + 1}, VD_ERR_INVALID,
           "forwarded_headers", "allowed are");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroes_become_the_defaults),
        cmocka_unit_test(checking_twice_changes_nothing),
        cmocka_unit_test(errors_name_the_field_and_what_is_allowed),
        cmocka_unit_test(the_memory_broker_is_for_one_worker),
        cmocka_unit_test(the_link_to_other_nodes_names_its_driver),
        cmocka_unit_test(a_node_is_laid_out_for_its_workers),
        cmocka_unit_test(static_files_need_a_directory_and_a_path),
        cmocka_unit_test(the_edge_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
