/* SPDX-License-Identifier: Apache-2.0 */
/* A program that carries messages and can be asked how it is.
 *
 *     $ bin/health 9090 &
 *     health: http://127.0.0.1:9090/_health
 *     $ curl -s http://127.0.0.1:9090/_health
 *     $ curl -s http://127.0.0.1:9090/metrics
 *
 * It publishes a message to itself every second, reports after each turn of its loop, and ends on
 * SIGTERM or SIGINT. To build it on its own: cc health.c $(pkg-config --cflags --libs viaduct) */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/broker.h>
#include <viaduct/health.h>

#define TURN_MS  1000
#define STALE_MS 3000 /* three turns without a report: it hangs */

static volatile sig_atomic_t running = 1;

static void on_signal(int number)
{
    (void)number;
    running = 0;
}

static void turn(struct vd_broker *broker, struct vd_health_listener *listener)
{
    const struct vd_message tick = {
        .scope = "clock", .scope_length = 5, .data = "tick", .data_length = 4, .has_data = true};
    struct vd_error error;

    if (vd_broker_publish(broker, &tick, &error) != VD_OK)
        fprintf(stderr, "health: publish: %s\n", error.text);
    vd_broker_poll(broker, TURN_MS);
    vd_health_report(listener, &(struct vd_health_report){.broker = broker});
}

int main(int argc, char **argv)
{
    const struct vd_broker_options broker_options = {.url = "memory:"};
    const struct vd_health_options health_options = {
        .port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 9090),
        .version = "1.0",
        .stale_ms = STALE_MS};
    struct sigaction action = {.sa_handler = on_signal};
    struct vd_health_listener *listener;
    struct vd_broker *broker;
    struct vd_error error;

    if (vd_broker_open(&broker_options, &broker, &error) != VD_OK) {
        fprintf(stderr, "health: %s\n", error.text);
        return 1;
    }
    if (vd_health_listen(&health_options, &listener, &error) != VD_OK) {
        fprintf(stderr, "health: %s\n", error.text);
        vd_broker_destroy(broker);
        return 1;
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    vd_health_report(listener, &(struct vd_health_report){.broker = broker});
    printf("health: http://127.0.0.1:%u/_health\n", vd_health_port(listener));
    fflush(stdout);
    while (running)
        turn(broker, listener);
    vd_health_close(listener);
    vd_broker_destroy(broker);
    return 0;
}
