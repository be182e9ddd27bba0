/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that every driver with a network must pass: TLS. Whoever is on call mends a wrong authority,
 * a wrong host name and an expired certificate in three different places, so each has a class and a
 * sentence of its own. See broker_faults.h. */
#include <stdio.h>
#include <string.h>

#include "broker_faults.h"

static void test_a_wrong_authority(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options wrong;
    char other[128];

    fault_make_certificates(world, NULL);
    fault_start(world);
    wrong = fault_tls(world, (struct vd_broker_options){0});
    wrong.tls_ca_file = certificate_path(other, world->server.directory, "other.pem");
    fault_fails_with(world, wrong, VD_ERR_TLS, world->driver->texts.wrong_authority);
}

static void test_a_wrong_host_name(void **state)
{
    struct fault_world *world = *state;

    fault_make_certificates(world, "DNS:elsewhere.example");
    fault_start(world);
    fault_fails_with(world, fault_tls(world, (struct vd_broker_options){0}), VD_ERR_TLS,
                     world->driver->texts.wrong_host);
}

static void test_an_expired_certificate(void **state)
{
    struct fault_world *world = *state;

    fault_make_certificates(world, NULL);
    certificate_make(&(struct certificate_wish){.directory = world->server.directory,
                                                .name = "server",
                                                .issuer = "ca",
                                                .hosts = "DNS:localhost",
                                                .from_seconds = -7200,
                                                .to_seconds = -60});
    fault_start(world);
    fault_fails_with(world, fault_tls(world, (struct vd_broker_options){0}), VD_ERR_TLS,
                     world->driver->texts.expired);
}

/* One that was made for clients. */
static void test_a_certificate_of_another_kind(void **state)
{
    struct fault_world *world = *state;

    fault_make_certificates(world, NULL);
    certificate_make(&(struct certificate_wish){.directory = world->server.directory,
                                                .name = "server",
                                                .issuer = "ca",
                                                .hosts = "DNS:localhost",
                                                .purpose = "clientAuth"});
    fault_start(world);
    fault_fails_with(world, fault_tls(world, (struct vd_broker_options){0}), VD_ERR_TLS,
                     world->driver->texts.wrong_purpose);
}

static void test_a_missing_client_certificate(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options wrong;

    fault_make_certificates(world, NULL);
    fault_start(world);
    wrong = fault_tls(world, (struct vd_broker_options){0});
    wrong.tls_certificate_file = wrong.tls_key_file = NULL;
    fault_fails_with(world, wrong, VD_ERR_TLS, world->driver->texts.client_certificate);
}

static void test_a_port_without_tls(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options;

    fault_make_certificates(world, NULL);
    world->server.tls = false;
    fault_start(world);
    options = fault_tls(world, (struct vd_broker_options){0});
    options.connect_timeout_ms = 500; /* it may wait for the end of what it takes for a command */
    fault_fails_with(world, options, VD_ERR_TLS, world->driver->texts.no_tls);
}

static void test_a_handshake_that_stalls(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options;
    struct fault_node *node;

    fault_make_certificates(world, NULL);
    fault_start(world);
    fault_start_proxy(world);
    tcp_proxy_set(&world->proxy, TCP_PROXY_STALL);
    options = fault_tls(world, (struct vd_broker_options){0});
    options.connect_timeout_ms = 500;
    fault_fails_with(world, options, VD_ERR_TLS, world->driver->texts.stalled_handshake);
    node = fault_open(world, 0, fault_tls(world, (struct vd_broker_options){0}));
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    tcp_proxy_cut(&world->proxy);
    fault_until_connected(world, node, true);
}

static void write_file(const char *path, const char *bytes, const char *mode)
{
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
}

/* Client certificates are rotated while the node runs: a half-written file does no harm, the new
 * ones are used by the next attempt. The server trusts only the new authority by then. */
static void test_rotated_certificates(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node;

    fault_make_certificates(world, NULL);
    fault_start(world);
    node = fault_open(world, 0, fault_tls(world, (struct vd_broker_options){0}));
    fault_until_connected(world, node, true);
    write_file(world->certificate, "-----BEGIN CERTIFICATE-----\nMIIB", "w");
    write_file(world->ca, "", "w");
    broker_server_kill(&world->server);
    fault_until_connected(world, node, false);
    fault_until_failed(world, node, node->failures + 2);
    assert_int_equal(node->failure.code, VD_ERR_CONNECTION); /* nobody there; no word of files */
    fault_make_certificates(world, NULL);                    /* another authority, all new */
    fault_start(world);
    fault_until_connected(world, node, true);
}

/* Pieces of one byte: records, handshake and messages are whole in the end. */
static void test_tls_in_small_pieces(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = {.probe_interval_ms = 10000, .connect_timeout_ms = 15000};
    struct fault_node *node;

    fault_make_certificates(world, NULL);
    fault_start(world);
    fault_start_proxy(world);
    if (!world->driver->greets_in_whole_lines)
        tcp_proxy_set(&world->proxy, TCP_PROXY_DRIP);
    node = fault_open(world, 0, fault_tls(world, options));
    fault_until_connected(world, node, true);
    tcp_proxy_set(&world->proxy, TCP_PROXY_DRIP);
    assert_int_equal(fault_publish(node, "in pieces"), VD_OK);
    fault_flush(world, node);
    assert_int_equal(node->failures, 0);
}

const struct CMUnitTest fault_tls_rows[] = {
    FAULT_TEST(test_a_wrong_authority),
    FAULT_TEST(test_a_wrong_host_name),
    FAULT_TEST(test_an_expired_certificate),
    FAULT_TEST(test_a_certificate_of_another_kind),
    FAULT_TEST(test_a_missing_client_certificate),
    FAULT_TEST(test_a_port_without_tls),
    FAULT_TEST(test_a_handshake_that_stalls),
    FAULT_TEST(test_rotated_certificates),
    FAULT_TEST(test_tls_in_small_pieces),
};
const size_t fault_tls_row_count = sizeof(fault_tls_rows) / sizeof(fault_tls_rows[0]);
