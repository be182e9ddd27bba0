/* SPDX-License-Identifier: Apache-2.0 */
/* The same faults for every driver with a network: what their tests stand on, and the rows that all
 * drivers share.
 *
 * A driver's test program fills in a struct fault_driver, adds rows of its own and calls
 * fault_run. Each row begins with a world: a server that is prepared and not started (it may be
 * given options and certificates first), no proxy, no nodes. The tear-down ends all of it, also
 * after a failure. Nodes act on one thread; every wait drives all of them that are not asleep. */
#ifndef VIADUCT_TESTS_FAULT_BROKER_FAULTS_H
#define VIADUCT_TESTS_FAULT_BROKER_FAULTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <viaduct/broker.h>
#include <viaduct/scope.h>

#include "../support/broker_server.h"
#include "../support/certificates.h"
#include "../support/tcp_proxy.h"
#include "../support/tries.h"

#define FAULT_NODES       4
#define FAULT_DEADLINE_MS 60000
#define FAULT_SECRET      "hunter2" /* no text may hold it */

/* Part of the sentence that a driver must tell; "" where it has none of its own. */
struct fault_texts {
    const char *refused;            /* nobody listens on the port */
    const char *frozen;             /* up, then nothing moves or comes any more */
    const char *mute;               /* a connection is taken, and nobody answers */
    const char *ended;              /* closed by the other side */
    const char *stalled_handshake;  /* TLS: nothing more comes in the middle of it */
    const char *wrong_authority;    /* TLS */
    const char *wrong_host;         /* TLS */
    const char *expired;            /* TLS */
    const char *wrong_purpose;      /* TLS: the certificate is not for servers */
    const char *client_certificate; /* TLS: one is wanted */
    const char *no_tls;             /* TLS to a port that speaks none */
};

struct fault_driver {
    const struct broker_server_kind *server;
    const char *subscribe; /* what a connection that subscribes sends: for TCP_PROXY_DEAFEN */
    struct fault_texts texts;
    bool greets_in_whole_lines; /* its library gives up on a greeting that comes byte by byte */
};

struct fault_node {
    struct vd_broker *broker;
    bool asleep; /* is not driven: a slow reader */
    char url[128];
    unsigned failures, gaps;
    uint64_t missed;                  /* of the last gap */
    struct vd_broker_failure failure; /* the last; text is a copy */
    char text[VD_ERROR_TEXT_BYTES];
    size_t count;
    uint64_t last_sequence; /* of one origin */
    uint64_t jumps;         /* something was missing and nobody had said so */
    bool backwards;
    bool gap_since;            /* a gap, and no message after it yet */
    const uint64_t *published; /* of the one writer; NULL: nobody asks */
    uint64_t excused;          /* *published, when the last gap was told */
    char data[64];             /* of the last message, its beginning */
    bool has_data;
    char scope[VD_SCOPE_MAX_BYTES + 1];
    void *vault; /* a test's own */
};

struct fault_world {
    const struct fault_driver *driver;
    struct broker_server server, other; /* other: prepared by who needs it */
    struct tcp_proxy proxy;             /* started by who needs it: then nodes go through it */
    struct fault_node nodes[FAULT_NODES];
    char ca[128], certificate[128], key[128];
};

/* ---- world -------------------------------------------------------------------------------------
 */

/* Start the server. */
void fault_start(struct fault_world *world);
/* Before any node is opened. */
void fault_start_proxy(struct fault_world *world);
/* ca, other (a second authority), server (issued by ca for @hosts, NULL: localhost and 127.0.0.1)
 * and client in the server's directory; the server speaks TLS and wants client certificates.
 * world->ca, certificate and key are their paths. */
void fault_make_certificates(struct fault_world *world, const char *hosts);
/* These with the options for TLS, all right ones. */
struct vd_broker_options fault_tls(const struct fault_world *world,
                                   struct vd_broker_options options);

/* Open node @number at the proxy, if there is one, else at the server, with short back-offs unless
 * options say otherwise, and subscribe it to everything. */
struct fault_node *fault_open(struct fault_world *world, unsigned number,
                              struct vd_broker_options options);
void fault_close(struct fault_node *node);

/* ---- waits: each fails the test when it takes too long ----------------------------------------
 */

void fault_turn(struct fault_world *world, int timeout_ms);
void fault_until_connected(struct fault_world *world, struct fault_node *node, bool wanted);
void fault_until_count(struct fault_world *world, struct fault_node *node, size_t wanted);
void fault_until_sequence(struct fault_world *world, struct fault_node *node, uint64_t wanted);
void fault_until_failed(struct fault_world *world, struct fault_node *node, unsigned wanted);
void fault_until_gaps(struct fault_world *world, struct fault_node *node, unsigned wanted);
/* Until the server has confirmed all that @node published. */
void fault_flush(struct fault_world *world, struct fault_node *node);

/* Start server, writer (node 0) and reader (node 1), both connected. */
void fault_start_pair(struct fault_world *world, struct vd_broker_options options);

enum vd_err fault_publish(struct fault_node *node, const char *data);

/* A node with @options fails twice in a row with @code and a sentence that has @part. */
void fault_fails_with(struct fault_world *world, struct vd_broker_options options, enum vd_err code,
                      const char *part);

/* ---- run ---------------------------------------------------------------------------------------
 */

int fault_setup(void **state);
int fault_teardown(void **state);

#define FAULT_TEST(function) cmocka_unit_test_setup_teardown(function, fault_setup, fault_teardown)

/* The rows that all drivers share (broker_fault_rows.c, _tls.c, _storm.c), in groups: what a broken
 * link does, what load does to it, very many reconnects, everything in any order, TLS, and what
 * takes half a minute. */
extern const struct CMUnitTest fault_link_rows[], fault_load_rows[], fault_reconnect_rows[],
    fault_storm_rows[], fault_tls_rows[], fault_long_rows[];
extern const size_t fault_link_row_count, fault_load_row_count, fault_reconnect_row_count,
    fault_storm_row_count, fault_tls_row_count, fault_long_row_count;

/* main: `program link|load|reconnect|storm|tls|long|own` runs one group; a row of ctest each. */
int fault_run(const struct fault_driver *driver, int argc, char **argv,
              const struct CMUnitTest *own, size_t own_count);

#endif
