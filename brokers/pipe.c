/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe driver: one endpoint of a hub that other processes of this machine share.
 *
 * Happy path: publish copies the message into the up ring (in fragments when it is long) and rings
 * the hub; dispatch reads the down ring in place. The doorbell stays armed whenever the handle is
 * not at work, and is forced when something is left, so that its descriptor tells the truth.
 *
 * Failure modes: the up ring is full: wait, up to publish_timeout_ms, for the hub to drain it
 * (which it always does). The hub dies: what was published waits in the ring for its successor;
 * `connected` is false within PROBE_MS, and when the epoch changes everything may be stale
 * (VD_GAP_RECONNECT). A message of several fragments that the change cut in two is sent again from
 * its beginning. This process dies: see pipe_server.c. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/broker_driver.h>
#include <viaduct/clock.h>

#include "parcel.h"
#include "pipe_shared.h"

#define PROBE_MS      500 /* does the hub live? at most; see probe_interval_ms */
#define WAIT_SLICE_MS 50  /* of a publish that waits: the hub may die meanwhile */

struct pipe_endpoint {
    struct vd_pipe_hub *hub;
    struct vd_broker *host;
    struct pipe_slot *slot;
    unsigned number;
    uint32_t generation;
    uint32_t publish_timeout_ms;
    uint32_t probe_ms;
    struct vd_ring_producer up;
    struct vd_ring_consumer down;
    uint32_t message_counter; /* of tags */

    uint32_t epoch; /* of the hub as last seen; 0: none yet */
    bool connected;
    bool damaged;   /* the down ring: for good */
    bool swallowed; /* a waiting publish has taken rings that were meant for dispatch */
    uint32_t attempts;
    uint64_t probe_at_ms;

    struct vd_parcel *partial;
    uint64_t partial_tag;
    size_t partial_length;
};

/* ---- life --------------------------------------------------------------------------------------
 */

static enum vd_err hold_number(struct vd_pipe_hub *hub, unsigned number, struct vd_error *error)
{
    enum vd_err code;

    if (hub->held_pid != getpid()) { /* the table is a parent's */
        memset(hub->held, 0, hub->shared->endpoints * sizeof(*hub->held));
        hub->held_pid = getpid();
    }
    code = hub->held[number] ? VD_ERR_EXISTS : vd_pipe_lock(hub, PIPE_BYTE_ENDPOINT(number), error);
    if (code == VD_ERR_EXISTS) {
        return vd_error_set(error, code, "pipe_endpoint: %u is held by a live process (%d)", number,
                            (int)atomic_load(&hub->slots[number].pid));
    }
    if (!code)
        hub->held[number] = true;
    return code;
}

static void let_number_go(struct vd_pipe_hub *hub, unsigned number)
{
    hub->held[number] = false;
    vd_pipe_unlock(hub, PIPE_BYTE_ENDPOINT(number));
}

static enum vd_err check_options(const struct vd_broker_options *options, struct vd_error *error)
{
    const struct vd_pipe_hub *hub = options->pipe_hub;

    if (!hub) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "pipe_hub: the pipe broker needs one, made before the fork");
    }
    if (options->pipe_endpoint >= hub->shared->endpoints) {
        return vd_error_set(error, VD_ERR_INVALID, "pipe_endpoint is %u; allowed are 0 to %u",
                            options->pipe_endpoint, hub->shared->endpoints - 1);
    }
    return VD_OK;
}

/* The predecessor's messages are not ours. The hub may be writing: up to what is there now. */
static enum vd_err skip_old_messages(struct vd_ring_consumer *down, size_t depth)
{
    const struct vd_frame *frame;
    uint64_t end = vd_ring_position(down) + depth;
    enum vd_err code;

    while (vd_ring_position(down) < end) {
        code = vd_ring_peek(down, &frame);
        if (code == VD_ERR_EMPTY)
            break;
        if (code)
            return code;
        vd_ring_release(down);
    }
    return VD_OK;
}

static enum vd_err take_rings(struct pipe_endpoint *self, struct vd_error *error)
{
    struct vd_ring *up = pipe_up(self->hub, self->number);
    struct vd_ring *down = pipe_down(self->hub, self->number);
    uint32_t generation = atomic_load(&self->slot->generation);
    enum vd_err code;

    /* the hub does not touch the up ring of a generation that it has declared broken */
    if (generation != 0 && atomic_load(&self->slot->broken_generation) == generation)
        vd_ring_init(up, self->hub->shared->ring_bytes);
    code = vd_ring_producer_init(&self->up, up);
    if (!code)
        code = vd_ring_consumer_init(&self->down, down);
    if (!code)
        code = skip_old_messages(&self->down, vd_ring_depth_bytes(down));
    if (code)
        return vd_error_set(error, code, "the rings of endpoint %u are damaged", self->number);
    self->generation = generation + 1;
    atomic_store(&self->slot->generation, self->generation);
    atomic_store(&self->slot->pid, getpid());
    return VD_OK;
}

/* The handle is not at work from here on. */
static void settle(struct pipe_endpoint *self)
{
    const struct vd_frame *frame;

    self->swallowed = false;
    vd_doorbell_arm(&self->slot->bell);
    if (!self->damaged && vd_ring_peek(&self->down, &frame) != VD_ERR_EMPTY)
        vd_doorbell_force(&self->slot->bell);
}

static enum vd_err pipe_open(const struct vd_broker_options *options, struct vd_broker *host,
                             void **state, struct vd_error *error)
{
    struct pipe_endpoint *self;
    enum vd_err code = check_options(options, error);

    if (code)
        return code;
    self = calloc(1, sizeof(*self));
    if (!self)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a pipe broker");
    self->hub = options->pipe_hub;
    self->host = host;
    self->number = options->pipe_endpoint;
    self->slot = &self->hub->slots[self->number];
    self->publish_timeout_ms = options->publish_timeout_ms;
    self->probe_ms = options->probe_interval_ms < PROBE_MS ? options->probe_interval_ms : PROBE_MS;
    code = hold_number(self->hub, self->number, error);
    if (code)
        goto err_after_calloc;
    code = take_rings(self, error);
    if (code)
        goto err_after_hold;
    vd_doorbell_force(&self->slot->bell); /* the first dispatch looks for the hub */
    settle(self);
    *state = self;
    return VD_OK;

err_after_hold:
    let_number_go(self->hub, self->number);
err_after_calloc:
    free(self);
    return code;
}

static void free_private(struct pipe_endpoint *self)
{
    vd_parcel_release(self->partial);
    free(self);
}

static void pipe_destroy(void *state)
{
    struct pipe_endpoint *self = state;

    vd_doorbell_disarm(&self->slot->bell);
    atomic_store(&self->slot->pid, 0);
    let_number_go(self->hub, self->number);
    free_private(self);
}

static void pipe_abandon(void *state)
{
    free_private(state);
}

static int pipe_fd(const void *state)
{
    return ((const struct pipe_endpoint *)state)->slot->bell.fd;
}

/* ---- publish -----------------------------------------------------------------------------------
 */

/* Sleep until the hub makes room for a frame of @length, or *@deadline_ms comes (0: not set yet, it
 * begins now). Swallows rings that were for dispatch: the caller settles at the end.
 * Returns: VD_OK (look again), VD_ERR_TIMEOUT, VD_ERR_FULL. */
static enum vd_err wait_for_room(struct pipe_endpoint *self, size_t length, uint64_t *deadline_ms)
{
    struct pollfd bell = {.fd = self->slot->bell.fd, .events = POLLIN};
    uint64_t now_ms = vd_monotonic_ms();
    uint64_t left_ms;

    /* never when the process that would have to make room is this one */
    if (self->publish_timeout_ms == VD_BROKER_NO_WAIT || pipe_hub_is_here(self->hub, getpid()))
        return VD_ERR_FULL;
    if (*deadline_ms == 0)
        *deadline_ms = now_ms + self->publish_timeout_ms;
    left_ms = *deadline_ms > now_ms ? *deadline_ms - now_ms : 0;
    if (left_ms == 0)
        return VD_ERR_TIMEOUT;
    self->swallowed = true;
    vd_doorbell_disarm(&self->slot->bell);
    vd_doorbell_arm(&self->slot->bell);
    if (!vd_ring_has_room(&self->up, length))
        poll(&bell, 1, (int)(left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS));
    vd_doorbell_disarm(&self->slot->bell);
    return VD_OK;
}

struct fragment {
    size_t offset;
    size_t length;
    size_t total;
};

static bool put_fragment(struct pipe_endpoint *self, const struct vd_message *message,
                         const struct fragment *fragment, uint64_t tag)
{
    uint16_t flags =
        (uint16_t)((fragment->offset == 0 ? PIPE_FIRST : 0) |
                   (fragment->offset + fragment->length == fragment->total ? PIPE_LAST : 0));
    struct vd_frame *frame =
        vd_ring_reserve(&self->up, fragment->length, PIPE_FRAME_MESSAGE, flags, tag);

    if (!frame)
        return false;
    vd_flat_slice(message, fragment->offset, fragment->length, frame->payload);
    vd_ring_commit(&self->up);
    return true;
}

static uint64_t new_tag(struct pipe_endpoint *self)
{
    return (uint64_t)self->generation << 32 | ++self->message_counter;
}

/* Every fragment, or none that counts: what gives up in the middle is discarded by the hub when it
 * sees the next tag. */
static enum vd_err put_message(struct pipe_endpoint *self, const struct vd_message *message)
{
    struct fragment fragment = {.total = vd_flat_bytes(message)};
    uint32_t epoch = atomic_load(&self->hub->shared->epoch);
    uint64_t tag = new_tag(self);
    uint64_t deadline_ms = 0;
    enum vd_err code;

    while (fragment.offset < fragment.total) {
        size_t left = fragment.total - fragment.offset;
        fragment.length =
            left < self->hub->shared->chunk_bytes ? left : self->hub->shared->chunk_bytes;
        if (put_fragment(self, message, &fragment, tag)) {
            fragment.offset += fragment.length;
            continue;
        }
        vd_doorbell_ring(&self->hub->shared->hub_bell);
        code = wait_for_room(self, fragment.length, &deadline_ms);
        if (code)
            return code;
        if (atomic_load(&self->hub->shared->epoch) != epoch) {
            /* the first half died with the last hub: the new one waits for a beginning */
            epoch = atomic_load(&self->hub->shared->epoch);
            tag = new_tag(self);
            fragment.offset = 0;
        }
    }
    vd_doorbell_ring(&self->hub->shared->hub_bell);
    return VD_OK;
}

static enum vd_err pipe_publish(void *state, const struct vd_message *message,
                                struct vd_error *error)
{
    struct pipe_endpoint *self = state;
    enum vd_err code;

    if (message->has_data && message->data_length > self->hub->shared->max_message_bytes) {
        return vd_error_set(error, VD_ERR_TOO_LARGE,
                            "the data has %zu bytes; the pipe hub takes %llu", message->data_length,
                            (unsigned long long)self->hub->shared->max_message_bytes);
    }
    code = put_message(self, message);
    if (self->swallowed)
        settle(self);
    if (code == VD_ERR_FULL)
        return vd_error_set(error, code, "the ring to the hub is full");
    if (code) {
        code = vd_error_set(error, code, "the ring to the hub was full for %u ms",
                            self->publish_timeout_ms);
    }
    return code;
}

static size_t pipe_unconfirmed(void *state)
{
    const struct pipe_endpoint *self = state;

    return vd_ring_depth_bytes(pipe_up(self->hub, self->number)) > 0;
}

/* ---- dispatch ----------------------------------------------------------------------------------
 */

static bool fail(struct pipe_endpoint *self, enum vd_err code, const char *text)
{
    const struct vd_broker_failure failure = {
        .code = code,
        .attempt = ++self->attempts,
        .next_delay_ms = self->probe_ms,
        .text = text,
    };

    self->connected = false;
    return vd_broker_host_failure(self->host, &failure);
}

static const char hub_died[] = "the process that serves the hub died";

/* Look whether the hub lives, and whether it is the one we knew. */
static bool probe(struct pipe_endpoint *self, uint64_t now_ms)
{
    uint32_t epoch = atomic_load(&self->hub->shared->epoch);
    bool was_known = self->epoch != 0;

    if (epoch == self->epoch && now_ms < self->probe_at_ms)
        return true;
    self->probe_at_ms = now_ms + self->probe_ms;
    if (epoch == 0)
        return true; /* nobody has begun to serve */
    if (!vd_pipe_hub_alive(self->hub)) {
        return !self->connected || fail(self, VD_ERR_CLOSED, hub_died);
    }
    if (epoch == self->epoch) /* the one we know, or a successor that has only begun to take over */
        return true;
    if (self->connected && !fail(self, VD_ERR_CLOSED, hub_died)) /* and has a successor already */
        return false;
    self->epoch = epoch;
    self->connected = true;
    self->attempts = 0;
    vd_broker_host_connected(self->host);
    return !was_known || vd_broker_host_gap(self->host, VD_GAP_RECONNECT, 0);
}

static void drop_partial(struct pipe_endpoint *self)
{
    vd_parcel_release(self->partial);
    self->partial = NULL;
}

static bool take_message(struct pipe_endpoint *self, const void *flat, size_t length)
{
    struct vd_message message;

    if (vd_flat_read(flat, length, &message) == VD_OK)
        return vd_broker_host_message(self->host, &message);
    vd_broker_host_malformed(self->host, "lengths that do not add up");
    return true;
}

static bool begin_partial(struct pipe_endpoint *self, const struct vd_frame *frame)
{
    size_t length = vd_flat_announced_bytes(frame->payload, frame->length);

    drop_partial(self);
    if (length <= frame->length ||
        length > self->hub->shared->max_message_bytes + sizeof(struct vd_flat_message) + 1024) {
        vd_broker_host_malformed(self->host, "lengths that do not add up");
        return true;
    }
    self->partial = vd_parcel_create(length);
    self->partial_tag = frame->tag;
    self->partial_length = 0;
    return self->partial || vd_broker_host_gap(self->host, VD_GAP_OVERFLOW, 1);
}

static bool take_fragment(struct pipe_endpoint *self, const struct vd_frame *frame)
{
    struct vd_parcel *whole;
    bool go_on;

    if (frame->flags & PIPE_FIRST && !begin_partial(self, frame))
        return false;
    if (!self->partial || self->partial_tag != frame->tag ||
        frame->length > self->partial->length - self->partial_length) {
        drop_partial(self); /* the rest of something whose beginning was for a predecessor */
        return true;
    }
    memcpy(self->partial->flat + self->partial_length, frame->payload, frame->length);
    self->partial_length += frame->length;
    if (!(frame->flags & PIPE_LAST))
        return true;
    whole = self->partial;
    self->partial = NULL;
    go_on = take_message(self, whole->flat, self->partial_length);
    vd_parcel_release(whole);
    return go_on;
}

static bool take_frame(struct pipe_endpoint *self, const struct vd_frame *frame)
{
    uint64_t missed;

    if (frame->type == PIPE_FRAME_GAP && frame->length == sizeof(missed)) {
        memcpy(&missed, frame->payload, sizeof(missed));
        drop_partial(self);
        return vd_broker_host_gap(self->host, VD_GAP_OVERFLOW, missed);
    }
    if (frame->type != PIPE_FRAME_MESSAGE) {
        vd_broker_host_malformed(self->host, "a frame of unknown type");
        return true;
    }
    if ((frame->flags & (PIPE_FIRST | PIPE_LAST)) != (PIPE_FIRST | PIPE_LAST))
        return take_fragment(self, frame);
    drop_partial(self);
    return take_message(self, frame->payload, frame->length);
}

static void pipe_dispatch(void *state, uint64_t now_ms, unsigned budget)
{
    struct pipe_endpoint *self = state;
    const struct vd_frame *frame;
    enum vd_err code = VD_ERR_EMPTY;
    bool hub_waits = false;

    vd_doorbell_disarm(&self->slot->bell);
    if (!probe(self, now_ms))
        return;
    while (!self->damaged && budget-- > 0) {
        code = vd_ring_peek(&self->down, &frame);
        if (code != VD_OK)
            break;
        if (!take_frame(self, frame))
            return;
        hub_waits |= vd_ring_release(&self->down);
    }
    if (code == VD_ERR_CORRUPT) {
        self->damaged = true;
        if (!fail(self, code, "the ring from the hub is damaged"))
            return;
    }
    if (hub_waits)
        vd_doorbell_ring(&self->hub->shared->hub_bell);
    settle(self);
}

static uint64_t pipe_next_deadline_ms(const void *state)
{
    return ((const struct pipe_endpoint *)state)->probe_at_ms;
}

static void pipe_status(const void *state, struct vd_broker_status *status)
{
    const struct pipe_endpoint *self = state;

    status->connected = self->connected && !self->damaged;
    status->state = status->connected  ? VD_BROKER_CONNECTED
                    : self->epoch == 0 ? VD_BROKER_CONNECTING
                                       : VD_BROKER_WAITING;
    status->attempts = self->attempts;
    status->next_delay_ms = status->state == VD_BROKER_WAITING ? self->probe_ms : 0;
    status->outbox_bytes = vd_ring_depth_bytes(pipe_up(self->hub, self->number));
}

extern const struct vd_broker_driver vd_broker_driver_pipe;
const struct vd_broker_driver vd_broker_driver_pipe = {
    .name = "pipe",
    .display = "PipeBroker",
    .schemes = "pipe",
    .open = pipe_open,
    .destroy = pipe_destroy,
    .abandon = pipe_abandon,
    .fd = pipe_fd,
    .publish = pipe_publish,
    .dispatch = pipe_dispatch,
    .next_deadline_ms = pipe_next_deadline_ms,
    .unconfirmed = pipe_unconfirmed,
    .status = pipe_status,
};
