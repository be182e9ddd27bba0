/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: the faults that all drivers share, then those that only Redis has. No sentence
 * holds a secret; nothing accepted is lost in silence. */
#include <string.h>

#include <viaduct/clock.h>

#include "broker_faults.h"

static const struct fault_driver driver = {
    .server = &broker_server_redis,
    .subscribe = "SUBSCRIBE",
    .texts =
        {
            .refused = "refused",
            .frozen = "frozen, half-open or deaf",
            .mute = "subscription",
            .ended = "closed",
            .stalled_handshake = "did not finish the TLS handshake in time",
            .wrong_authority = "not signed by an authority",
            .wrong_host = "another host name",
            .expired = "has expired",
            .client_certificate = "certificate",
            .no_tls = "speak TLS",
        },
};

/* ---- not let in --------------------------------------------------------------------------------
 */

static void test_wrong_passwords_and_rights(void **state)
{
    static const char *const options[] = {
        "--user",   "default",    "off",      "--user",         "mute",           "on",
        ">hunter2", "+subscribe", "+ping",    "&via:broadcast", "--user",         "deaf",
        "on",       ">hunter2",   "+publish", "+ping",          "&via:broadcast", NULL};
    const struct {
        struct vd_broker_credentials credentials;
        const char *part;
    } rows[] = {
        {{0}, "asks for a password"},
        {{.username = "mute", .password = "wrong"}, "refused user or password (WRONGPASS)"},
        {{.password = FAULT_SECRET}, "refused user or password"},
        {{.username = "mute", .password = FAULT_SECRET},
         "+subscribe +publish +ping &via:broadcast"},
        {{.username = "deaf", .password = FAULT_SECRET}, "NOPERM"},
    };
    struct fault_world *world = *state;

    memcpy(world->server.options, options, sizeof(options));
    fault_start(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fault_fails_with(world, (struct vd_broker_options){.credentials = rows[i].credentials},
                         VD_ERR_AUTHENTICATION, rows[i].part);
    }
}

/* A plain client at a TLS port. */
static void test_no_tls_to_a_port_that_wants_it(void **state)
{
    struct fault_world *world = *state;

    fault_make_certificates(world, NULL);
    fault_start(world);
    fault_fails_with(world, (struct vd_broker_options){0}, VD_ERR_CONNECTION, "");
}

static void refused_at_open(struct vd_broker_options options, const char *part)
{
    struct vd_broker *broker = NULL;
    struct vd_error error;

    assert_int_equal(vd_broker_open(&options, &broker, &error), VD_ERR_INVALID);
    assert_null(broker);
    assert_null(strstr(error.text, FAULT_SECRET));
    if (!strstr(error.text, part))
        fail_msg("%s", error.text);
}

static void test_options_that_no_attempt_could_mend(void **state)
{
    static const struct {
        const char *url, *part;
    } urls[] = {
        {"redis://:hunter2@h:0", "port"},
        {"redis://:hunter2@h:65536", "port"},
        {"redis://h:", "port"},
        {"redis://h:1x", "port"},
        {"redis://:hunter2@h/7", "/0"},
        {"redis://:hunter2%@h", "hex"},
        {"redis://:hunter2%4", "one host"},
        {"redis://[::1", "]"},
        {"redis://[::1]x", ":port"},
        {"redis://a,b", "one host"},
        {"redis://:hunter2@:6379", "one host"},
        {"redis://user@h", "without a password"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        refused_at_open((struct vd_broker_options){.url = urls[i].url}, urls[i].part);
    refused_at_open((struct vd_broker_options){.url = "redis:", .channel = ""}, "channel");
    refused_at_open((struct vd_broker_options){.url = "redis:", .credentials.token = FAULT_SECRET},
                    "user name and a password");
    refused_at_open((struct vd_broker_options){.url = "rediss:", .tls_ca_file = "/nowhere.pem"},
                    "tls_ca_file");
    refused_at_open((struct vd_broker_options){.url = "rediss:", .tls_key_file = "/nowhere.pem"},
                    "tls_certificate_file");
    refused_at_open((struct vd_broker_options){.url = "redis:", .tls_ca_file = "/nowhere.pem"},
                    "rediss://");
}

static const struct CMUnitTest own[] = {
    FAULT_TEST(test_wrong_passwords_and_rights),
    FAULT_TEST(test_no_tls_to_a_port_that_wants_it),
    cmocka_unit_test(test_options_that_no_attempt_could_mend),
};

int main(int argc, char **argv)
{
    return fault_run(&driver, argc, argv, own, sizeof(own) / sizeof(own[0]));
}
