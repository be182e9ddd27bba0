/* SPDX-License-Identifier: Apache-2.0 */
/* RedisBroker and NatsBroker: one C structure for both, and what its files share.
 *
 *   broker_servers.c         hosts and ports, checked, as a URL
 *   broker_settings.c        the other arguments of the constructors, checked, as vd_broker_options
 *   class_broker_network.c   life of the object, constructors, what a dump shows
 *   broker_link.c            the link without a server: open, wait, publish, credentials
 *   broker_inbox.c           what has arrived and waits for poll()
 *   class_broker_link.c      the methods of NetworkBroker */
#ifndef VIADUCT_PHP_CLASS_BROKER_NETWORK_H
#define VIADUCT_PHP_CLASS_BROKER_NETWORK_H

#include <php.h>
#include <sys/types.h>

#include <viaduct/broker.h>

#include "broker_inbox.h"
#include "callable.h"

/* Texts that the options point to. */
enum vd_php_broker_text {
    VD_BROKER_HOST,
    VD_BROKER_PASSWORD,
    VD_BROKER_USERNAME,
    VD_BROKER_TOKEN,
    VD_BROKER_CHANNEL,
    VD_BROKER_CA_FILE,
    VD_BROKER_CERT_FILE,
    VD_BROKER_KEY_FILE,
    VD_BROKER_SEED_FILE,
    VD_BROKER_CREDS_FILE,
    VD_BROKER_URL, /* made of host, port and servers; the last */
    VD_BROKER_TEXTS
};

struct vd_php_broker_settings {
    zend_string *texts[VD_BROKER_TEXTS]; /* NULL: not given */
    zend_long port;
    zval servers;                   /* array as given; UNDEF: none */
    struct vd_callable credentials; /* callable UNDEF: none */
    struct vd_broker_options options;
};

struct vd_php_broker_subscription {
    zend_long id;
    zend_string *pattern;
    struct vd_callable handler;
    struct vd_broker_subscription *made; /* of the handle; NULL while there is none */
    struct vd_php_broker *broker;
    struct vd_php_broker_subscription *next;
};

struct vd_php_broker {
    const char *display; /* "RedisBroker"; NULL: not constructed */
    bool is_nats;
    struct vd_php_broker_settings settings;

    /* the link that this process has opened without a server */
    struct vd_broker *handle; /* NULL: none */
    pid_t pid;                /* that opened it */
    zval answer;              /* texts of the credentials callable; the driver points to them */
    bool asking;              /* that callable: dispatch does nothing meanwhile */
    bool bailed_out;          /* in it: to be gone on with when dispatch was left */
    struct vd_php_failure failure;
    uint64_t failed_at_ms;
    uint64_t failures; /* ever */

    struct vd_php_inbox inbox;
    bool delivering;
    struct vd_php_broker_subscription *subscriptions;
    zend_long last_id;
    struct vd_callable_list on_error, on_gap;
    zend_object std;
};

static inline struct vd_php_broker *vd_php_broker_from(zend_object *object)
{
    return (struct vd_php_broker *)((char *)object - XtOffsetOf(struct vd_php_broker, std));
}

/* class_broker_network.c. What the server's own link is opened with; points into the object. NULL:
 * it is no network broker. */
const struct vd_broker_options *vd_php_broker_server_options(zend_object *object);
/* It has a credentials callable, which a worker has to ask. Any broker object. */
bool vd_php_broker_asks(zend_object *object);
/* Was it constructed? Returns false after throwing. Any broker object. */
bool vd_php_broker_serves(zend_object *object);

/* broker_settings.c: what the constructors were given; NULL and 0-sized: not given. */
struct vd_php_broker_arguments {
    zend_string *texts[VD_BROKER_TEXTS];
    zend_string *policy;
    zend_long port;
    bool tls;
    HashTable *servers;
    zend_fcall_info credentials;
    zend_fcall_info_cache credentials_cache;
    zval *probe_interval, *connect_timeout;
    zend_long outbox_messages, outbox_bytes;
};

/* The same members as positions, for errors. */
struct vd_php_broker_positions {
    uint8_t texts[VD_BROKER_TEXTS];
    uint8_t port, tls, servers, credentials, probe_interval, connect_timeout, outbox_messages,
        outbox_bytes, policy;
};

/* Check and take over. Returns false after throwing; then nothing is taken. */
bool vd_php_broker_settings_take(struct vd_php_broker_settings *settings,
                                 const struct vd_php_broker_arguments *arguments,
                                 const struct vd_php_broker_positions *positions, bool is_nats);
void vd_php_broker_settings_finish(struct vd_php_broker_settings *settings);

/* broker_link.c. These return false after throwing. */

/* Ask the credentials callable. @credentials points into @kept, which is the caller's to release in
 * any case. */
bool vd_php_broker_credentials(const struct vd_php_broker *broker, zval *kept,
                               struct vd_broker_credentials *credentials);

/* The link is another process's, which has forked this one. */
bool vd_php_broker_is_copy(const struct vd_php_broker *broker);
/* Constructed, and not the copy of a forked process. */
bool vd_php_broker_usable(const struct vd_php_broker *broker);
/* There is a handle. */
bool vd_php_broker_open(struct vd_php_broker *broker);
/* Let the link work once, after waiting for it up to @timeout_ms; arrivals go to the inbox. *@woken
 * (may be NULL): not the time-out, nor a signal, ended the wait. */
bool vd_php_broker_step(struct vd_php_broker *broker, uint64_t timeout_ms, bool *woken);
/* Wait until it is up. */
bool vd_php_broker_connect(struct vd_php_broker *broker, uint64_t deadline_ms, uint32_t timeout_ms);
/* Wait until all is confirmed. */
bool vd_php_broker_flush(struct vd_php_broker *broker, uint64_t deadline_ms, uint32_t timeout_ms);
bool vd_php_broker_publish(struct vd_php_broker *broker, const struct vd_message *message,
                           uint32_t timeout_ms);
bool vd_php_broker_join(struct vd_php_broker_subscription *subscription);
void vd_php_broker_end(struct vd_php_broker *broker);

#endif
