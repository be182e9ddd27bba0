/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to Redis or NATS for the whole node: see gateway_link.h.
 *
 * Happy path: opened after the fork, without waiting for anybody; what is published here goes into
 * the handle's outbox and leaves at the end of the turn, all of it in one write; what comes from
 * other nodes is published here like a message of our own, with their origin and number.
 *
 * Failure modes
 * - The link is down: this node goes on as if alone; the outbox keeps what the others should get;
 *   /_health says so; each failure is told to one worker. After it: a resync (gateway_resync.c).
 * - This process is killed: the history is the outbox's journal (gateway_link_journal.c). What
 * other nodes published meanwhile is not known: a successor resynchronises when its link is up.
 * - The broker takes less than the workers publish: they wait (gateway_link_room.c).
 * - The outbox is full. Policy "drop oldest": the handle drops, counts and reports. Policy "fail":
 *   what is refused was delivered nowhere. A message that was on its way before is delivered here
 *   only, counted and reported, and its number stays used: the others see the gap.
 * - The handle cannot be opened: a certificate was just being replaced when this gateway started.
 *   It is tried again and again, and told like any other failure; the history keeps what the others
 *   should get. */
#include <stdlib.h>
#include <string.h>

#include "gateway_link_state.h"

#define OUTBOX_MESSAGES ((size_t)1000)
#define OUTBOX_BYTES    ((size_t)4 * 1024 * 1024)
#define OPEN_FIRST_MS   1000u /* until a handle that could not be opened is tried again */
#define OPEN_CAP_MS     30000u

/* ---- what comes from other nodes ---------------------------------------------------------------
 */

static bool any_worker_ready(const struct gateway *gateway)
{
    bool any = false;

    for (unsigned i = 0; i < gateway->config->workers; i++)
        any |= gateway->workers[i].ready;
    return any;
}

/* Not before the subscription holds: what comes after this is heard. A page that was loaded before
 * may show what another node has changed since; a worker may remember it. */
static void first_heard(struct gw_link *link)
{
    struct gateway *gateway = link->gateway;

    if (!link->unheard)
        return;
    link->unheard = false;
    if (gateway->epoch > 1) {
        gw_resync(gateway, "gateway restarted");
    } else if (gateway->counters.streams_opened > 0) {
        gw_resync(gateway, "broker connected");
    } else if (any_worker_ready(gateway)) {
        gw_resync_workers(gateway);
    }
}

static void received(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct gw_link *link = context;

    (void)broker;
    first_heard(link);
    if (vd_scope_kind(message->scope, message->scope_length) != VD_SCOPE_TAB)
        gw_publish_remote(link->gateway, message);
}

static void gap(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    struct gw_link *link = context;

    (void)broker;
    switch (gap->reason) {
    case VD_GAP_RECONNECT:
        link->unheard = false; /* this covers it */
        gw_resync(link->gateway, "broker reconnected");
        break;
    case VD_GAP_SEQUENCE:
        gw_resync_soon(link->gateway, "messages of another node were lost");
        break;
    case VD_GAP_OVERFLOW:
        gw_resync_soon(link->gateway, "messages of other nodes were dropped");
        break;
    }
}

/* ---- publish -----------------------------------------------------------------------------------
 */

void gw_link_slipped(struct gw_link *link, const struct vd_error *error)
{
    link->slips++;
    vd_log_limited(link->gateway->logger, link->gateway->now_ms, VD_LOG_WARN,
                   "broker_publish_failed", "other nodes do not get a message (%llu so far): %s",
                   (unsigned long long)link->slips, error->text);
    if (error->code != VD_ERR_FULL) { /* the handle tells that, once each time the link is down */
        gw_link_failed(link->broker,
                       &(struct vd_broker_failure){.code = error->code, .text = error->text}, link);
    }
}

void gw_link_publish(struct gateway *gateway, const struct vd_message *message)
{
    struct gw_link *link = gateway->link;
    struct vd_error error;

    if (!link || !link->broker)
        return;
    link->dirty = true;
    if (vd_broker_publish(link->broker, message, &error) != VD_OK)
        gw_link_slipped(link, &error);
}

/* As far as a handle would know; without one, what the next one will publish. */
void gw_link_describe(const struct gw_link *link, struct vd_broker_status *status)
{
    const struct gateway *gateway = link->gateway;
    uint64_t sequence = atomic_load_explicit(&gateway->shared->sequence, memory_order_relaxed);
    uint64_t confirmed =
        atomic_load_explicit(&gateway->shared->link_confirmed, memory_order_relaxed);

    if (link->broker) {
        vd_broker_status(link->broker, status);
    } else {
        *status = (struct vd_broker_status){
            .driver = gateway->config->broker_driver,
            .display = gateway->config->broker_display,
            .state = VD_BROKER_WAITING,
            .attempts = link->opening.attempt,
            .next_delay_ms = link->open_at_ms > gateway->now_ms
                                 ? (uint32_t)(link->open_at_ms - gateway->now_ms)
                                 : 0,
            .last_error = link->open_error,
            .sequence = sequence,
            .outbox_messages = sequence > confirmed ? (size_t)(sequence - confirmed) : 0,
        };
    }
    status->counters.failures += link->open_failures;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void look(struct gw_link *link)
{
    struct vd_broker_status status;

    gw_link_describe(link, &status);
    if (link->broker)
        gw_link_journal_confirm(link, &status);
    gw_link_room_note(link, &status);
    if (status.connected)
        first_heard(link);
}

/* The turn that follows has looked at the clock. */
static void ready(void *context)
{
    ((struct gw_link *)context)->dirty = true;
}

void gw_link_credentials_ready(struct gateway *gateway)
{
    if (!gateway->link || !gateway->link->broker)
        return;
    vd_broker_credentials_ready(gateway->link->broker);
    gateway->link->dirty = true;
}

bool gw_link_status(const struct gateway *gateway, struct vd_broker_status *status)
{
    if (!gateway->link)
        return false;
    gw_link_describe(gateway->link, status);
    return true;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static enum vd_err credentials(struct vd_broker_credentials *wanted, void *context)
{
    struct gw_link *link = context;

    if (link->gateway->config->broker_credentials_by_worker)
        return gw_credentials_for_attempt(link->gateway, wanted);
    return link->given->credentials_for_attempt(wanted, link->given->context);
}

static struct vd_broker_options options_of(struct gw_link *link, uint64_t confirmed)
{
    struct gateway *gateway = link->gateway;
    struct vd_broker_options options = *link->given;

    options.node_id = gateway->shared->node_id.text;
    options.sequence = confirmed;
    options.max_message_bytes = gateway->config->max_message_bytes;
    options.outbox_messages = link->outbox_messages;
    options.outbox_bytes = link->outbox_bytes;
    options.memory_hub = NULL;
    options.pipe_hub = NULL;
    options.logger = gateway->logger;
    options.credentials_for_attempt =
        link->given->credentials_for_attempt || gateway->config->broker_credentials_by_worker
            ? credentials
            : NULL;
    options.on_error = gw_link_failed;
    options.on_gap = gap;
    options.context = link;
    return options;
}

static enum vd_err open_handle(struct gw_link *link, struct vd_error *error)
{
    struct gateway *gateway = link->gateway;
    uint64_t confirmed = atomic_load(&gateway->shared->link_confirmed);
    struct vd_broker_options options;
    enum vd_err result;

    gw_link_journal_measure(link, confirmed);
    options = options_of(link, confirmed);
    if ((result = vd_broker_open(&options, &link->broker, error)) != VD_OK ||
        (result = vd_broker_subscribe(link->broker, "*", 1, received, link, NULL, error)) != VD_OK)
        return result;
    link->watch =
        vd_watch_create(gateway->loop, vd_broker_fd(link->broker), VD_WATCH_READ, ready, link);
    if (!link->watch)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for the broker's link");
    vd_watch_on(link->watch);
    return gw_link_journal_play(link, confirmed, error);
}

static void close_handle(struct gw_link *link)
{
    vd_watch_destroy(link->watch);
    vd_broker_destroy(link->broker);
    link->watch = NULL;
    link->broker = NULL;
}

/* Once the node runs it is not stopped for want of a file: whoever replaces one may be about to. */
static void open_or_wait(struct gw_link *link)
{
    struct gateway *gateway = link->gateway;
    struct vd_error error = {0};
    struct vd_broker_failure failure;

    failure = (struct vd_broker_failure){.code = open_handle(link, &error), .text = error.text};
    link->dirty = true;
    if (failure.code != VD_OK) {
        close_handle(link);
        failure.next_delay_ms = vd_backoff_failed(&link->opening, gateway->now_ms, UINT32_MAX);
        failure.attempt = link->opening.attempt;
        link->open_at_ms = gateway->now_ms + failure.next_delay_ms;
        link->open_error = failure.code;
        link->open_failures++;
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_ERROR, "broker_failed",
                       "the link cannot be opened: %s (next attempt in %u ms)", error.text,
                       failure.next_delay_ms);
        gw_link_failed(NULL, &failure, link);
    }
    look(link);
}

void gw_link_turn(struct gateway *gateway)
{
    struct gw_link *link = gateway->link;

    if (!link)
        return;
    if (!link->broker && gateway->now_ms >= link->open_at_ms)
        open_or_wait(link);
    if (link->broker && link->dirty) {
        link->dirty = false;
        vd_broker_dispatch(link->broker);
        look(link);
    }
    if (link->held_until_ms)
        gw_link_room_release(link);
    if (link->error_count)
        gw_link_errors_pass_on(link);
    gw_credentials_turn(gateway);
}

static uint32_t given_or(uint32_t given_ms, uint32_t usual_ms)
{
    return given_ms ? given_ms : usual_ms;
}

enum vd_err gw_link_start(struct gateway *gateway)
{
    const struct vd_broker_options *given = gateway->config->broker;

    if (!given)
        return VD_OK;
    gateway->link = calloc(1, sizeof(*gateway->link));
    if (!gateway->link)
        return VD_ERR_NO_MEMORY;
    *gateway->link = (struct gw_link){
        .gateway = gateway,
        .given = given,
        .outbox_messages = given->outbox_messages ? given->outbox_messages : OUTBOX_MESSAGES,
        .outbox_bytes = given->outbox_bytes ? given->outbox_bytes : OUTBOX_BYTES,
        .channel_bytes = given->channel ? strlen(given->channel) : 0,
        .unheard = true,
        .dirty = true,
    };
    STAILQ_INIT(&gateway->link->errors);
    vd_backoff_init(&gateway->link->opening, given_or(given->backoff_first_ms, OPEN_FIRST_MS),
                    given_or(given->backoff_cap_ms, OPEN_CAP_MS), 0);
    open_or_wait(gateway->link);
    return VD_OK;
}

void gw_link_destroy(struct gw_link *link)
{
    if (!link)
        return;
    gw_link_errors_finish(link);
    close_handle(link);
    free(link);
}
