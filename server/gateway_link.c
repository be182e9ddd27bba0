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
 * - This process is killed. Messages have their numbers from the arena and stand in the history
 *   before the handle gets them; shared->link_confirmed says up to which number the broker has
 *   them. A successor publishes the others again, in order, with their old numbers: what had
 * arrived all the same is dropped by the receivers as a duplicate. Numbers that the history no
 * longer has are a jump, which receivers notice as a gap. What other nodes published meanwhile is
 * not known: a successor resynchronises when its link is up.
 * - The broker takes less than the workers publish: while the outbox fills up, shared->link_tight
 *   asks them to wait for our word on each publish, and we keep them waiting while it is half full,
 *   though not for longer than half of what a publish may take.
 * - The outbox is full. Policy "drop oldest": the handle drops, counts and reports. Policy "fail":
 *   our word may be no (gw_link_admits), so that a refused message was delivered nowhere. One that
 *   was on its way before is delivered here only, counted and reported, and its number stays used:
 *   the others see the gap.
 * - The handle cannot be opened: a certificate was just being replaced when this gateway started.
 *   It is tried again and again, and told like any other failure; the history keeps what the others
 *   should get. */
#include <stdlib.h>
#include <string.h>

#include <viaduct/backoff.h>
#include <viaduct/wire.h>

#include "gateway.h"

#define OUTBOX_MESSAGES ((size_t)1000)
#define OUTBOX_BYTES    ((size_t)4 * 1024 * 1024)
#define COMMAND_BYTES   ((size_t)128) /* that a driver puts around a message, beside the channel */
#define OPEN_FIRST_MS   1000u         /* until a handle that could not be opened is tried again */
#define OPEN_CAP_MS     30000u
#define TIGHT_PART      4   /* of the outbox's bytes: publishes wait for our answer from there on */
#define LAST_WORDS_MS   300 /* for the goodbye, however late it is */

struct gw_link {
    struct gateway *gateway;
    struct vd_broker *broker; /* NULL: it could not be opened */
    struct vd_watch *watch;
    const struct vd_broker_options *given;
    size_t outbox_messages, outbox_bytes; /* limits */
    size_t channel_bytes;
    struct vd_backoff opening;
    uint64_t open_at_ms;
    uint64_t open_failures;
    enum vd_err open_error;
    bool congested;         /* up, and half of the outbox's bytes are used */
    uint64_t held_until_ms; /* workers wait for answers until then at the latest; 0: none */
    bool dirty;             /* the handle has something to do */
    bool unheard;           /* what other nodes said before the link was up is not known */
    bool ended;             /* the asynchronous close is complete */
    uint64_t slips;         /* messages that came when there was no room for them */
    unsigned next_worker;
    struct gw_lane_list errors; /* no worker is there to be told just now */
    size_t error_count;
};

#define ERRORS_MAX 32

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

/* ---- errors, to one worker each ----------------------------------------------------------------
 */

static struct gw_worker *next_ready(struct gw_link *link)
{
    unsigned count = link->gateway->config->workers;

    for (unsigned i = 0; i < count; i++) {
        struct gw_worker *worker = &link->gateway->workers[(link->next_worker + i) % count];

        if (worker->ready && worker->generation && !worker->broken) {
            link->next_worker = (worker->index + 1) % count;
            return worker;
        }
    }
    return NULL;
}

/* The handle has put it into the log already. */
static void keep_error(struct gw_link *link, const struct iovec *parts, int count)
{
    struct gw_lane_entry *entry;

    if (link->error_count >= ERRORS_MAX)
        return;
    entry = gw_lane_entry_create(VD_FRAME_EVENT_BROKER_ERROR, 0, parts, count, false);
    if (entry) {
        STAILQ_INSERT_TAIL(&link->errors, entry, link);
        link->error_count++;
    }
}

static void pass_errors_on(struct gw_link *link)
{
    struct gw_lane_entry *entry;
    struct gw_worker *worker;

    while ((entry = STAILQ_FIRST(&link->errors)) && (worker = next_ready(link))) {
        STAILQ_REMOVE_HEAD(&link->errors, link);
        link->error_count--;
        gw_lane_append(worker, entry);
        gw_lane_flush(worker);
    }
}

static void failed(struct vd_broker *broker, const struct vd_broker_failure *failure, void *context)
{
    struct gw_link *link = context;
    const char *driver = link->gateway->config->broker_display;
    struct vd_frame_broker_error frame = {
        .code = (uint32_t)failure->code,
        .attempt = failure->attempt,
        .next_delay_ms = failure->next_delay_ms,
        .driver_length = (uint32_t)strlen(driver),
    };
    struct iovec parts[] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_base = (void *)driver, .iov_len = strlen(driver)},
        {.iov_base = (void *)failure->text, .iov_len = strlen(failure->text)},
    };

    (void)broker;
    keep_error(link, parts, 3);
    pass_errors_on(link);
}

void gw_link_error_again(struct gateway *gateway, const char *bytes, size_t length)
{
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};

    if (gateway->link)
        keep_error(gateway->link, &part, 1);
}

/* ---- the journal -------------------------------------------------------------------------------
 */

static bool is_own(const struct gateway *gateway, const struct vd_message *message)
{
    return message->origin_length == VD_NODE_ID_CHARS &&
           memcmp(message->origin, gateway->shared->node_id.text, VD_NODE_ID_CHARS) == 0;
}

/* Everything the predecessor accepted is kept, also when it is more than a link that is down takes
 * in: a link that was up may have had more on the way. */
static void measure_journal(struct gw_link *link, uint64_t confirmed)
{
    const struct vd_history *history = link->gateway->node->history;
    struct vd_history_entry entry;
    size_t messages = 0, bytes = 0;

    for (uint64_t at = vd_history_first(history); at < vd_history_next(history); at++) {
        if (vd_history_get(history, at, &entry) != VD_OK ||
            !is_own(link->gateway, &entry.message) || entry.message.sequence <= confirmed)
            continue;
        messages++;
        bytes += vd_wire_bound(&entry.message) + link->channel_bytes + COMMAND_BYTES;
    }
    if (messages > link->outbox_messages)
        link->outbox_messages = messages;
    if (bytes > link->outbox_bytes)
        link->outbox_bytes = bytes;
}

static void play_journal(struct gw_link *link, uint64_t confirmed)
{
    struct gateway *gateway = link->gateway;
    const struct vd_history *history = gateway->node->history;
    struct vd_history_entry entry;
    size_t again = 0;

    for (uint64_t at = vd_history_first(history); at < vd_history_next(history); at++) {
        if (vd_history_get(history, at, &entry) != VD_OK || entry.message.sequence == 0)
            continue;
        if (!is_own(gateway, &entry.message)) {
            vd_broker_note_seen(link->broker, entry.message.origin, entry.message.origin_length,
                                entry.message.sequence);
        } else if (entry.message.sequence > confirmed &&
                   vd_broker_publish(link->broker, &entry.message, NULL) == VD_OK) {
            again++;
        }
    }
    if (again) {
        vd_log(gateway->logger, VD_LOG_INFO, "broker_resumed",
               "%zu messages that were not confirmed are published again", again);
    }
}

/* What the broker has (or was dropped and counted) needs no journal. */
static void note_confirmed(struct gw_link *link, const struct vd_broker_status *status)
{
    struct vd_shared *shared = link->gateway->shared;
    uint64_t confirmed = status->sequence;

    if (status->outbox_sequence) {
        confirmed = status->outbox_sequence - 1;
    } else if (status->outbox_messages) {
        confirmed -= status->outbox_messages;
    }
    if (confirmed > atomic_load_explicit(&shared->link_confirmed, memory_order_relaxed))
        atomic_store_explicit(&shared->link_confirmed, confirmed, memory_order_release);
}

/* ---- publish -----------------------------------------------------------------------------------
 */

void gw_link_publish(struct gateway *gateway, const struct vd_message *message)
{
    struct gw_link *link = gateway->link;
    struct vd_error error;

    if (!link || !link->broker)
        return;
    link->dirty = true;
    if (vd_broker_publish(link->broker, message, &error) == VD_OK)
        return;
    link->slips++;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "broker_publish_failed",
                   "other nodes do not get a message (%llu so far): %s",
                   (unsigned long long)link->slips, error.text);
    if (error.code != VD_ERR_FULL) { /* the handle tells that, once each time the link is down */
        failed(link->broker, &(struct vd_broker_failure){.code = error.code, .text = error.text},
               link);
    }
}

/* As far as a handle would know; without one, what the next one will publish. */
static void status_of(const struct gw_link *link, struct vd_broker_status *status)
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

bool gw_link_admits(const struct gateway *gateway, const struct vd_message *message)
{
    const struct gw_link *link = gateway->link;
    struct vd_broker_status status;

    if (!link || link->given->outbox_policy != VD_OUTBOX_FAIL ||
        vd_scope_kind(message->scope, message->scope_length) == VD_SCOPE_TAB)
        return true;
    status_of(link, &status);
    if (status.outbox_messages == 0 && status.connected)
        return true; /* it goes out at once */
    return (status.connected || status.outbox_messages < link->outbox_messages) &&
           status.outbox_bytes + vd_wire_bound(message) + link->channel_bytes + COMMAND_BYTES <=
               link->outbox_bytes;
}

/* Also with the policy to drop: workers that publish faster than a broker takes it are slowed down
 * by the answers. While the link is down that would help nobody. */
static void note_room(struct gw_link *link, const struct vd_broker_status *status)
{
    struct vd_shared *shared = link->gateway->shared;
    bool tight = status->connected ? status->outbox_bytes > link->outbox_bytes / TIGHT_PART
                                   : link->given->outbox_policy == VD_OUTBOX_FAIL;

    link->congested = status->connected && status->outbox_bytes > link->outbox_bytes / 2;
    if (tight != (atomic_load_explicit(&shared->link_tight, memory_order_relaxed) != 0))
        atomic_store(&shared->link_tight, tight);
}

bool gw_link_holds(struct gateway *gateway)
{
    struct gw_link *link = gateway->link;

    if (!link || !link->congested)
        return false;
    if (!link->held_until_ms)
        link->held_until_ms = gateway->now_ms + gateway->config->publish_timeout_ms / 2 + 1;
    return true;
}

/* Not for longer than a publish may take: then the policy decides. */
static void release(struct gw_link *link)
{
    if (link->congested && link->gateway->now_ms < link->held_until_ms)
        return;
    link->held_until_ms = 0;
    gw_workers_release(link->gateway);
}

uint64_t gw_link_next_ms(const struct gateway *gateway)
{
    return gateway->link ? gateway->link->held_until_ms : 0;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void look(struct gw_link *link)
{
    struct vd_broker_status status;

    status_of(link, &status);
    if (link->broker)
        note_confirmed(link, &status);
    note_room(link, &status);
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
    status_of(gateway->link, status);
    return true;
}

bool gw_link_is_flushed(const struct gateway *gateway)
{
    /* does not wait; asks the broker to confirm, where it needs to be asked */
    struct vd_broker_status status;

    if (!gateway->link)
        return true;
    if (gateway->link->broker)
        return vd_broker_flush(gateway->link->broker, 0) == VD_OK;
    status_of(gateway->link, &status);
    return status.outbox_messages == 0;
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
    options.on_error = failed;
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

    measure_journal(link, confirmed);
    options = options_of(link, confirmed);
    if ((result = vd_broker_open(&options, &link->broker, error)) != VD_OK ||
        (result = vd_broker_subscribe(link->broker, "*", 1, received, link, NULL, error)) != VD_OK)
        return result;
    link->watch =
        vd_watch_create(gateway->loop, vd_broker_fd(link->broker), VD_WATCH_READ, ready, link);
    if (!link->watch)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for the broker's link");
    vd_watch_on(link->watch);
    play_journal(link, confirmed);
    return VD_OK;
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
        failed(NULL, &failure, link);
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
        release(link);
    if (link->error_count)
        pass_errors_on(link);
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
    struct gw_lane_entry *entry;

    if (!link)
        return;
    while ((entry = STAILQ_FIRST(&link->errors))) {
        STAILQ_REMOVE_HEAD(&link->errors, link);
        free(entry);
    }
    close_handle(link);
    free(link);
}

static void closed(struct vd_broker *broker, enum vd_err result, void *context)
{
    (void)broker, (void)result;
    ((struct gw_link *)context)->ended = true;
}

/* What the workers published while they ended is still on its way. @status: what is left of it. */
static void hand_over(struct gw_link *link, uint64_t now_ms, uint64_t until_ms,
                      struct vd_broker_status *status)
{
    /* the handle gives up in time for the log to say so */
    vd_broker_close(link->broker, (uint32_t)(until_ms - now_ms) - LAST_WORDS_MS, closed, link);
    do {
        atomic_fetch_add(&link->gateway->shared->turns, 1); /* it does not hang */
        vd_broker_status(link->broker, status);
    } while (!link->ended && vd_broker_poll(link->broker, LAST_WORDS_MS) != VD_ERR_CLOSED &&
             vd_monotonic_ms() < until_ms);
}

void gw_link_end(struct gateway *gateway)
{
    struct gw_link *link = gateway->link;
    uint64_t until_ms = atomic_load(&gateway->shared->end_deadline_ms);
    uint64_t now_ms = vd_monotonic_ms();
    struct vd_broker_status status;

    if (!link)
        return;
    if (until_ms < now_ms + 2 * LAST_WORDS_MS || vd_orphaned())
        until_ms = now_ms + 2 * LAST_WORDS_MS;
    status_of(link, &status);
    if (link->broker)
        hand_over(link, now_ms, until_ms, &status);
    if (status.outbox_messages) {
        vd_log(gateway->logger, VD_LOG_WARN, "broker_undelivered",
               "%zu messages for other nodes (%zu bytes) could not be delivered in time",
               status.outbox_messages, status.outbox_bytes);
    }
}
