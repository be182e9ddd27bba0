/* SPDX-License-Identifier: Apache-2.0 */
/* The broker handle: life, publish and loop; the same for every driver.
 *
 * Happy path: open fills in the defaults, makes the driver's state and an epoll that holds the
 * driver's descriptor, a timer and a wake-up, so that the caller has one descriptor to poll.
 * publish checks and numbers, the driver sends. dispatch lets the driver work, then looks whether a
 * close is complete and when to wake up next.
 *
 * Failure modes: a callback destroys the handle it is called from: `doomed`, and the memory goes
 * when dispatch is left. A fork: the child's copy refuses everything, and a dispatch that was under
 * way in it (a callback forked) is left as if the handle had been destroyed. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "handle.h"

#define DISPATCH_BUDGET    256 /* messages handed out in one dispatch */
#define CONFIRM_PERIOD_MS  2   /* how often flush and close ask whether all is confirmed */
#define INBOX_BYTES        ((size_t)16 * 1024 * 1024)
#define OUTBOX_BYTES       ((size_t)4 * 1024 * 1024)
#define OUTBOX_MESSAGES    1000
#define PUBLISH_TIMEOUT_MS 1000
#define PROBE_INTERVAL_MS  5000
#define CONNECT_TIMEOUT_MS 5000
#define BACKOFF_FIRST_MS   1000
#define BACKOFF_CAP_MS     30000

/* ---- open --------------------------------------------------------------------------------------
 */

#define DEFAULT(member, value)                                                                     \
    if (!options->member)                                                                          \
    options->member = (value)

static void fill_in_defaults(struct vd_broker_options *options)
{
    DEFAULT(max_message_bytes, VD_MESSAGE_MAX_BYTES);
    DEFAULT(inbox_bytes, INBOX_BYTES);
    DEFAULT(publish_timeout_ms, PUBLISH_TIMEOUT_MS);
    DEFAULT(outbox_messages, OUTBOX_MESSAGES);
    DEFAULT(outbox_bytes, OUTBOX_BYTES);
    DEFAULT(probe_interval_ms, PROBE_INTERVAL_MS);
    DEFAULT(connect_timeout_ms, CONNECT_TIMEOUT_MS);
    DEFAULT(backoff_first_ms, BACKOFF_FIRST_MS);
    DEFAULT(backoff_cap_ms, BACKOFF_CAP_MS);
}

/* What only a network driver understands must not be swallowed by another: whoever asks for TLS
 * and gets none would not know. */
static enum vd_err refuse_network_options(const struct vd_broker_driver *driver,
                                          const struct vd_broker_options *options,
                                          struct vd_error *error)
{
    const struct {
        const char *name;
        bool set;
    } rows[] = {
        {"channel", options->channel},
        {"credentials", options->credentials.username || options->credentials.password ||
                            options->credentials.token || options->credentials.seed_file ||
                            options->credentials.creds_file || options->credentials_for_attempt},
        {"tls", options->tls || options->tls_ca_file || options->tls_certificate_file ||
                    options->tls_key_file},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].set) {
            return vd_error_set(error, VD_ERR_INVALID, "%s: the %s broker has no use for it",
                                rows[i].name, driver->name);
        }
    }
    return VD_OK;
}

static enum vd_err check_url_is_bare(const struct vd_broker_driver *driver, const char *url,
                                     struct vd_error *error)
{
    const char *rest = url + strcspn(url, ":");

    if (strcmp(rest, "") == 0 || strcmp(rest, ":") == 0 || strcmp(rest, "://") == 0)
        return VD_OK;
    return vd_error_set(error, VD_ERR_INVALID, "url: nothing may follow \"%s:\"", driver->name);
}

static enum vd_err choose_node_id(struct vd_broker *broker, const char *wanted,
                                  struct vd_error *error)
{
    struct vd_message probe = {.scope = "*", .scope_length = 1, .origin = wanted};
    struct vd_node_id drawn;
    enum vd_err code;

    if (wanted) {
        probe.origin_length = strlen(wanted);
        if (probe.origin_length == 0)
            return vd_error_set(error, VD_ERR_INVALID, "node_id: it is empty");
        code = vd_message_check(&probe, 0, error);
    } else {
        code = vd_node_id_draw(&drawn, error);
        wanted = drawn.text;
    }
    if (code)
        return code;
    broker->node_id_length = strlen(wanted);
    memcpy(broker->node_id, wanted, broker->node_id_length + 1);
    return VD_OK;
}

static enum vd_err watch(struct vd_broker *broker, int fd, struct vd_error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(broker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return vd_error_set_errno(error, "epoll_ctl");
    return VD_OK;
}

static void close_descriptors(struct vd_broker *broker)
{
    const int fds[] = {broker->epoll_fd, broker->wake_fd, broker->timer_fd};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

static enum vd_err open_descriptors(struct vd_broker *broker, struct vd_error *error)
{
    enum vd_err code;

    broker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    broker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    broker->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (broker->epoll_fd < 0 || broker->wake_fd < 0 || broker->timer_fd < 0) {
        code = vd_error_set_errno(error, "descriptors of a broker handle");
    } else if ((code = watch(broker, broker->wake_fd, error)) == VD_OK) {
        code = watch(broker, broker->timer_fd, error);
    }
    if (code)
        close_descriptors(broker);
    return code;
}

static void take_options(struct vd_broker *broker, const struct vd_broker_options *options)
{
    vd_here_init(&broker->here);
    broker->sequence = options->sequence;
    broker->max_message_bytes = options->max_message_bytes;
    broker->logger = options->logger;
    broker->on_error = options->on_error;
    broker->on_gap = options->on_gap;
    broker->context = options->context;
}

static enum vd_err check_options(const struct vd_broker_driver *driver,
                                 const struct vd_broker_options *options, struct vd_error *error)
{
    enum vd_err code = VD_OK;

    if (!driver->network)
        code = check_url_is_bare(driver, options->url, error);
    if (!code && !driver->network)
        code = refuse_network_options(driver, options, error);
    return code;
}

enum vd_err vd_broker_open(const struct vd_broker_options *given, struct vd_broker **opened,
                           struct vd_error *error)
{
    struct vd_broker_options options = *given;
    const struct vd_broker_driver *driver = vd_broker_driver_find(options.url, error);
    struct vd_broker *broker;
    enum vd_err code;

    if (!driver)
        return options.url && options.url[0] ? VD_ERR_UNSUPPORTED : VD_ERR_INVALID;
    fill_in_defaults(&options);
    code = check_options(driver, &options, error);
    if (code)
        return code;
    broker = calloc(1, sizeof(*broker));
    if (!broker)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker handle");
    broker->driver = driver;
    take_options(broker, &options);
    code = choose_node_id(broker, options.node_id, error);
    if (code)
        goto err_after_calloc;
    options.node_id = broker->node_id;
    code = vd_origins_init(&broker->origins);
    if (code) {
        vd_error_set(error, code, "no memory for a broker handle");
        goto err_after_calloc;
    }
    code = open_descriptors(broker, error);
    if (code)
        goto err_after_origins;
    code = driver->open(&options, broker, &broker->state, error);
    if (code)
        goto err_after_descriptors;
    code = watch(broker, driver->fd(broker->state), error);
    if (code)
        goto err_after_state;
    *opened = broker;
    return VD_OK;

err_after_state:
    driver->destroy(broker->state);
err_after_descriptors:
    close_descriptors(broker);
err_after_origins:
    vd_origins_finish(&broker->origins);
err_after_calloc:
    vd_here_finish(&broker->here);
    free(broker);
    return code;
}

/* ---- close -------------------------------------------------------------------------------------
 */

static bool is_usable(const struct vd_broker *broker)
{
    return broker->life != VD_LIFE_CLOSED && vd_broker_goes_on(broker);
}

static bool all_confirmed(struct vd_broker *broker)
{
    return !broker->driver->unconfirmed || broker->driver->unconfirmed(broker->state) == 0;
}

static void end_driver(struct vd_broker *broker)
{
    if (!broker->state)
        return;
    /* a driver's descriptor may outlive its state: it can be shared */
    epoll_ctl(broker->epoll_fd, EPOLL_CTL_DEL, broker->driver->fd(broker->state), NULL);
    broker->driver->destroy(broker->state);
    broker->state = NULL;
}

static void complete_close(struct vd_broker *broker, enum vd_err result)
{
    broker->life = VD_LIFE_CLOSED;
    if (broker->closed)
        broker->closed(broker, result, broker->closed_context);
}

static void maybe_closed(struct vd_broker *broker, uint64_t now_ms)
{
    bool confirmed;

    if (broker->life != VD_LIFE_CLOSING || !vd_broker_goes_on(broker))
        return;
    confirmed = all_confirmed(broker);
    if (!confirmed && now_ms < broker->close_deadline_ms)
        return;
    end_driver(broker);
    complete_close(broker, confirmed ? VD_OK : VD_ERR_TIMEOUT);
}

enum vd_err vd_broker_close(struct vd_broker *broker, uint32_t timeout_ms,
                            vd_broker_closed_fn *closed, void *context)
{
    if (!is_usable(broker) || broker->life != VD_LIFE_OPEN)
        return VD_ERR_STATE;
    broker->life = VD_LIFE_CLOSING;
    broker->closed = closed;
    broker->closed_context = context;
    broker->close_deadline_ms = vd_monotonic_ms() + timeout_ms;
    if (broker->driver->close)
        broker->driver->close(broker->state);
    vd_broker_host_wake(broker);
    return VD_OK;
}

/* The parent's epoll would lose the driver's descriptor with end_driver: an epoll is shared by the
 * fork, so a forked copy closes its descriptors and nothing else. */
static void free_broker(struct vd_broker *broker)
{
    if (vd_here_is(&broker->here)) {
        end_driver(broker);
    } else if (broker->state) {
        broker->driver->abandon(broker->state);
    }
    vd_broker_subscriptions_free(broker);
    vd_origins_finish(&broker->origins);
    close_descriptors(broker);
    vd_here_finish(&broker->here);
    free(broker);
}

void vd_broker_destroy(struct vd_broker *broker)
{
    if (!broker || broker->doomed)
        return;
    broker->doomed = true;
    if (broker->life == VD_LIFE_CLOSING && vd_here_is(&broker->here))
        complete_close(broker, VD_ERR_CLOSED);
    if (!broker->dispatching)
        free_broker(broker);
}

/* ---- publish -----------------------------------------------------------------------------------
 */

static bool is_own(const struct vd_broker *broker, const struct vd_message *message)
{
    return message->origin_length == broker->node_id_length &&
           memcmp(message->origin, broker->node_id, broker->node_id_length) == 0;
}

uint64_t vd_broker_host_own_sequence(const struct vd_broker *broker,
                                     const struct vd_message *message)
{
    return is_own(broker, message) ? message->sequence : 0;
}

enum vd_err vd_broker_publish(struct vd_broker *broker, const struct vd_message *given,
                              struct vd_error *error)
{
    struct vd_message message = *given;
    enum vd_err code;

    if (!is_usable(broker) || broker->life != VD_LIFE_OPEN)
        return vd_error_set(error, VD_ERR_STATE, "the broker handle is closing, or a forked copy");
    if (!message.origin || message.origin_length == 0) {
        message.origin = broker->node_id;
        message.origin_length = broker->node_id_length;
    }
    code = vd_message_check(&message, broker->max_message_bytes, error);
    if (code)
        return code;
    if (is_own(broker, &message)) {
        if (message.sequence == 0)
            message.sequence = broker->sequence + 1;
        if (message.sequence <= broker->sequence) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "sequence: it is %llu, allowed are numbers over %llu, the last",
                                (unsigned long long)message.sequence,
                                (unsigned long long)broker->sequence);
        }
    }
    code = broker->driver->publish(broker->state, &message, error);
    if (code == VD_OK) {
        broker->counters.published++;
    } else {
        broker->counters.publish_failures++;
    }
    /* not known whether it arrived: then the number must not be used for another */
    if ((code == VD_OK || code == VD_ERR_CLOSED) && is_own(broker, &message))
        broker->sequence = message.sequence;
    return code;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

int vd_broker_fd(const struct vd_broker *broker)
{
    return broker->epoll_fd;
}

void vd_broker_host_wake(struct vd_broker *broker)
{
    const uint64_t one = 1;

    if (broker->woken)
        return;
    broker->woken = true;
    while (write(broker->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void vd_broker_credentials_ready(struct vd_broker *broker)
{
    if (is_usable(broker))
        vd_broker_host_wake(broker);
}

static void swallow(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

static void swallow_wakeups(struct vd_broker *broker, uint64_t now_ms)
{
    if (broker->woken) {
        broker->woken = false;
        swallow(broker->wake_fd);
    }
    if (broker->timer_armed_ms != 0 && now_ms >= broker->timer_armed_ms) {
        broker->timer_armed_ms = 0;
        swallow(broker->timer_fd);
    }
}

static void arm_timer(struct vd_broker *broker, uint64_t now_ms)
{
    uint64_t deadline = 0;
    struct itimerspec when = {0};

    if (broker->life != VD_LIFE_CLOSED && broker->driver->next_deadline_ms)
        deadline = broker->driver->next_deadline_ms(broker->state);
    if (broker->life == VD_LIFE_CLOSING && (deadline == 0 || deadline > now_ms + CONFIRM_PERIOD_MS))
        deadline = now_ms + CONFIRM_PERIOD_MS;
    if (deadline == broker->timer_armed_ms)
        return;
    broker->timer_armed_ms = deadline;
    when.it_value.tv_sec = (time_t)(deadline / 1000);
    when.it_value.tv_nsec = (long)(deadline % 1000) * 1000000;
    timerfd_settime(broker->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

enum vd_err vd_broker_dispatch(struct vd_broker *broker)
{
    uint64_t now_ms;

    if (!vd_here_is(&broker->here) || broker->dispatching || broker->doomed)
        return VD_ERR_STATE;
    if (broker->life == VD_LIFE_CLOSED)
        return VD_ERR_CLOSED;
    now_ms = vd_monotonic_ms();
    broker->dispatching = true;
    swallow_wakeups(broker, now_ms);
    broker->driver->dispatch(broker->state, now_ms, DISPATCH_BUDGET);
    maybe_closed(broker, now_ms);
    broker->dispatching = false;
    if (broker->doomed) {
        free_broker(broker);
        return VD_ERR_CLOSED;
    }
    if (!vd_here_is(&broker->here))
        return VD_ERR_STATE;
    arm_timer(broker, now_ms);
    return broker->life == VD_LIFE_CLOSED ? VD_ERR_CLOSED : VD_OK;
}

enum vd_err vd_broker_poll(struct vd_broker *broker, int timeout_ms)
{
    struct pollfd ready = {.fd = broker->epoll_fd, .events = POLLIN};

    if (!vd_here_is(&broker->here) || broker->dispatching || broker->doomed)
        return VD_ERR_STATE;
    if (broker->life == VD_LIFE_CLOSED)
        return VD_ERR_CLOSED;
    if (poll(&ready, 1, timeout_ms) <= 0)
        return VD_ERR_TIMEOUT;
    return vd_broker_dispatch(broker);
}

enum vd_err vd_broker_flush(struct vd_broker *broker, uint32_t timeout_ms)
{
    uint64_t deadline_ms = vd_monotonic_ms() + timeout_ms;
    enum vd_err code;

    if (!is_usable(broker) || broker->dispatching)
        return VD_ERR_STATE;
    while (!all_confirmed(broker)) {
        if (vd_monotonic_ms() >= deadline_ms)
            return VD_ERR_TIMEOUT;
        code = vd_broker_poll(broker, CONFIRM_PERIOD_MS);
        if (code == VD_ERR_CLOSED || code == VD_ERR_STATE) /* a callback destroyed it, or forked */
            return code;
    }
    if (broker->counters.outbox_drops == broker->drops_told)
        return VD_OK;
    broker->drops_told = broker->counters.outbox_drops;
    return VD_ERR_FULL;
}

/* ---- facts -------------------------------------------------------------------------------------
 */

const char *vd_broker_node_id(const struct vd_broker *broker)
{
    return broker->node_id;
}

void vd_broker_status(const struct vd_broker *broker, struct vd_broker_status *status)
{
    *status = (struct vd_broker_status){.last_error = broker->last_error};
    if (broker->state && vd_here_is(&broker->here))
        broker->driver->status(broker->state, status);
    status->driver = broker->driver->name;
    status->display = broker->driver->display;
    status->sequence = broker->sequence;
    status->counters = broker->counters;
    if (broker->life == VD_LIFE_CLOSING)
        status->state = VD_BROKER_CLOSING;
    if (!broker->state)
        status->state = VD_BROKER_CLOSED;
}
