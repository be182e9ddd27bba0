/* SPDX-License-Identifier: Apache-2.0 */
/* The serving process of a pipe hub: takes messages from every endpoint's up ring and gives each to
 * all other endpoints' down rings.
 *
 * Happy path: a message of one frame is copied from ring to ring, without a copy in between. One of
 * several frames is put together first. Where a down ring has no room, the message waits in that
 * endpoint's backlog (one parcel, shared by all who wait for it) and goes on when the endpoint has
 * released some frames and rings.
 *
 * Nothing here waits: up rings are always drained, so publishers get room; a full backlog drops,
 * counts, and says so to its endpoint with a gap frame at the place of the loss.
 *
 * Failure modes: kill -9 of the serving process: a frame is released only after it was given to
 * everybody, so its successor gives it again, and the endpoints know it by its number. Of a message
 * of several frames those released are lost; endpoints take every change of the epoch for a gap.
 * kill -9 of an endpoint: its complete frames are still delivered, an incomplete message is
 * discarded, its number can be taken by another process. A damaged up ring is left alone until
 * then. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "mailbox.h"
#include "pipe_shared.h"

#define FRAMES_A_TURN 256 /* of one endpoint, before the next has its turn */
#define REAP_MS       250 /* how often a stuck endpoint is looked at: does its owner live? */

/* What the serving process keeps of one endpoint. */
struct pipe_peer {
    struct vd_ring_consumer up;
    struct vd_ring_producer down;
    uint32_t generation; /* whose state this is */
    bool up_broken;
    bool down_broken;
    bool ring_bell; /* written to since it was last rung */

    struct vd_parcel *partial; /* being put together */
    uint64_t partial_tag;
    size_t partial_length;

    struct vd_mailbox backlog;
    size_t backlog_offset; /* of the oldest entry: already in the ring */
    uint64_t backlog_tag;
    uint64_t reap_ms;
};

struct pipe_server {
    uint64_t next_tag;
    uint64_t forwarded_total;
    uint64_t dropped_total;
    uint64_t incomplete_total;
    uint64_t malformed_total;
    struct pipe_peer peers[];
};

/* ---- serve -------------------------------------------------------------------------------------
 */

static bool is_attached(const struct pipe_slot *slot)
{
    return atomic_load_explicit(&slot->pid, memory_order_acquire) != 0;
}

static void drop_partial(struct pipe_server *server, struct pipe_peer *peer)
{
    if (!peer->partial)
        return;
    server->incomplete_total++;
    vd_parcel_release(peer->partial);
    peer->partial = NULL;
}

static void clear_backlog(struct pipe_peer *peer)
{
    vd_mailbox_finish(&peer->backlog);
    peer->backlog_offset = 0;
}

/* Take up the rings as they are. A ring that cannot be read is left alone. */
static void begin_peer(struct vd_pipe_hub *hub, unsigned index)
{
    struct pipe_peer *peer = &hub->server->peers[index];
    struct pipe_slot *slot = &hub->slots[index];

    peer->generation = atomic_load_explicit(&slot->generation, memory_order_acquire);
    peer->up_broken = vd_ring_consumer_init(&peer->up, pipe_up(hub, index)) != VD_OK;
    peer->down_broken = vd_ring_producer_init(&peer->down, pipe_down(hub, index)) != VD_OK;
    if (peer->up_broken)
        atomic_store_explicit(&slot->broken_generation, peer->generation, memory_order_release);
}

/* The copy of a serving parent's state is freed like one's own: parcels are private memory. */
void vd_pipe_server_free(struct vd_pipe_hub *hub)
{
    if (!hub->server)
        return;
    for (unsigned i = 0; i < hub->shared->endpoints; i++) {
        vd_parcel_release(hub->server->peers[i].partial);
        vd_mailbox_finish(&hub->server->peers[i].backlog);
    }
    free(hub->server);
    hub->server = NULL;
}

enum vd_err vd_pipe_hub_serve(struct vd_pipe_hub *hub, struct vd_error *error)
{
    unsigned endpoints = hub->shared->endpoints;
    struct pipe_server *server;
    enum vd_err code;

    if (pipe_hub_is_here(hub, getpid()))
        return vd_error_set(error, VD_ERR_EXISTS, "this process serves the hub already");
    server = calloc(1, sizeof(*server) + endpoints * sizeof(server->peers[0]));
    if (!server)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory to serve a pipe hub");
    code = vd_pipe_lock(hub, PIPE_BYTE_HUB, error);
    if (code == VD_ERR_EXISTS) {
        vd_error_set(error, code, "process %d serves the hub already",
                     (int)atomic_load(&hub->shared->hub_pid));
    }
    if (code) {
        free(server);
        return code;
    }
    /* tags go on where no predecessor can have been: a reader tells its messages from ours */
    server->next_tag = ((uint64_t)atomic_load(&hub->shared->epoch) + 1) << 40;
    vd_pipe_server_free(hub); /* a copy inherited from a parent that serves */
    hub->server = server;
    hub->server_pid = getpid();
    for (unsigned i = 0; i < endpoints; i++) {
        vd_mailbox_init(&server->peers[i].backlog, hub->backlog_bytes);
        begin_peer(hub, i);
    }
    atomic_store(&hub->shared->hub_pid, getpid());
    atomic_fetch_add(&hub->shared->epoch, 1);
    vd_pipe_hub_poke(hub);
    return VD_OK;
}

/* Another process has taken the number since we last looked: what waited was for its predecessor.
 * The up ring goes on: complete messages of the dead are delivered. Must be asked before anything
 * is queued for the endpoint, or it would be thrown away with the predecessor's. */
static void meet_successor(struct vd_pipe_hub *hub, unsigned index)
{
    struct pipe_peer *peer = &hub->server->peers[index];
    uint32_t generation = atomic_load_explicit(&hub->slots[index].generation, memory_order_acquire);

    if (generation == peer->generation)
        return;
    clear_backlog(peer);
    if (peer->up_broken)
        peer->up_broken = vd_ring_consumer_init(&peer->up, pipe_up(hub, index)) != VD_OK;
    peer->generation = generation;
}

/* ---- down: to one endpoint ---------------------------------------------------------------------
 */

/* One frame, or VD_ERR_FULL; then the endpoint rings when it has made room. */
static bool put_frame(struct pipe_peer *peer, const void *bytes, size_t length, uint16_t type,
                      uint16_t flags, uint64_t tag)
{
    struct vd_frame *frame;

    if (!vd_ring_has_room(&peer->down, length))
        return false;
    frame = vd_ring_reserve(&peer->down, length, type, flags, tag);
    if (!frame)
        return false;
    memcpy(frame->payload, bytes, length);
    vd_ring_commit(&peer->down);
    peer->ring_bell = true;
    return true;
}

static bool put_gap(struct pipe_peer *peer, uint64_t *missed)
{
    if (*missed == 0)
        return true;
    if (!put_frame(peer, missed, sizeof(*missed), PIPE_FRAME_GAP, PIPE_FIRST | PIPE_LAST, 0))
        return false;
    *missed = 0;
    return true;
}

/* Write as much of the oldest entry as there is room for. true: all of it. */
static bool put_entry(struct vd_pipe_hub *hub, struct pipe_peer *peer,
                      struct vd_mailbox_entry *entry)
{
    size_t chunk_bytes = hub->shared->chunk_bytes;

    if (!put_gap(peer, &entry->missed))
        return false;
    if (peer->backlog_offset == 0)
        peer->backlog_tag = hub->server->next_tag++;
    while (peer->backlog_offset < entry->parcel->length) {
        size_t left = entry->parcel->length - peer->backlog_offset;
        size_t length = left < chunk_bytes ? left : chunk_bytes;
        uint16_t flags = (uint16_t)((peer->backlog_offset == 0 ? PIPE_FIRST : 0) |
                                    (length == left ? PIPE_LAST : 0));
        if (!put_frame(peer, entry->parcel->flat + peer->backlog_offset, length, PIPE_FRAME_MESSAGE,
                       flags, peer->backlog_tag))
            return false;
        peer->backlog_offset += length;
    }
    return true;
}

static void put_backlog(struct vd_pipe_hub *hub, struct pipe_peer *peer)
{
    struct vd_mailbox_entry *entry, done;

    if (peer->down_broken)
        return;
    while ((entry = vd_mailbox_peek(&peer->backlog)) != NULL) {
        if (!put_entry(hub, peer, entry))
            return;
        vd_mailbox_pop(&peer->backlog, &done);
        vd_parcel_release(done.parcel);
        peer->backlog_offset = 0;
    }
    put_gap(peer, &peer->backlog.missed);
}

static bool has_backlog(const struct pipe_peer *peer)
{
    return peer->backlog.count > 0 || peer->backlog.missed > 0;
}

static void queue_for(struct pipe_server *server, struct pipe_peer *peer, struct vd_parcel *parcel)
{
    if (!parcel) {
        peer->backlog.missed++; /* no memory for it */
    } else if (vd_mailbox_push(&peer->backlog, parcel)) {
        return;
    }
    server->dropped_total++;
}

/* ---- up: from one endpoint ---------------------------------------------------------------------
 */

/* Give one whole message (flat form) to everybody but its sender. @parcel: when there is one
 * already; else it is made only if somebody has no room. */
static void fan_out(struct vd_pipe_hub *hub, unsigned sender, const void *flat, size_t length,
                    struct vd_parcel *parcel)
{
    struct pipe_server *server = hub->server;
    struct vd_parcel *made = NULL;

    server->forwarded_total++;
    for (unsigned i = 0; i < hub->shared->endpoints; i++) {
        struct pipe_peer *peer = &server->peers[i];
        if (i == sender || !is_attached(&hub->slots[i]) || peer->down_broken)
            continue;
        meet_successor(hub, i);
        if (!has_backlog(peer) && length <= hub->shared->chunk_bytes &&
            put_frame(peer, flat, length, PIPE_FRAME_MESSAGE, PIPE_FIRST | PIPE_LAST,
                      server->next_tag++))
            continue;
        if (!parcel && !made && (made = vd_parcel_create(length)) != NULL)
            memcpy(made->flat, flat, length);
        queue_for(server, peer, parcel ? parcel : made);
        put_backlog(hub, peer);
    }
    vd_parcel_release(made);
}

static size_t flat_limit(const struct vd_pipe_hub *hub)
{
    return sizeof(struct vd_flat_message) + VD_SCOPE_MAX_BYTES + VD_EVENT_MAX_BYTES +
           VD_ORIGIN_MAX_BYTES + (size_t)hub->shared->max_message_bytes;
}

static bool begin_partial(struct vd_pipe_hub *hub, struct pipe_peer *peer,
                          const struct vd_frame *frame)
{
    size_t length = vd_flat_announced_bytes(frame->payload, frame->length);

    drop_partial(hub->server, peer);
    if (length <= frame->length || length > flat_limit(hub)) {
        hub->server->malformed_total++;
        return false;
    }
    peer->partial = vd_parcel_create(length);
    if (!peer->partial) {
        hub->server->dropped_total++;
        return false;
    }
    peer->partial_tag = frame->tag;
    peer->partial_length = 0;
    return true;
}

/* One fragment of several. */
static void put_together(struct vd_pipe_hub *hub, unsigned index, const struct vd_frame *frame)
{
    struct pipe_peer *peer = &hub->server->peers[index];

    if (frame->flags & PIPE_FIRST) {
        if (!begin_partial(hub, peer, frame))
            return;
    } else if (!peer->partial || peer->partial_tag != frame->tag) {
        drop_partial(hub->server, peer); /* the rest of something whose beginning is lost */
        return;
    }
    if (frame->length > peer->partial->length - peer->partial_length) {
        hub->server->malformed_total++;
        drop_partial(hub->server, peer);
        return;
    }
    memcpy(peer->partial->flat + peer->partial_length, frame->payload, frame->length);
    peer->partial_length += frame->length;
    if (!(frame->flags & PIPE_LAST))
        return;
    if (peer->partial_length == peer->partial->length) {
        struct vd_parcel *whole = peer->partial;
        peer->partial = NULL;
        fan_out(hub, index, whole->flat, whole->length, whole);
        vd_parcel_release(whole);
        return;
    }
    hub->server->malformed_total++;
    drop_partial(hub->server, peer);
}

static void take_frame(struct vd_pipe_hub *hub, unsigned index, const struct vd_frame *frame)
{
    struct pipe_peer *peer = &hub->server->peers[index];

    if (frame->type != PIPE_FRAME_MESSAGE) {
        hub->server->malformed_total++;
        return;
    }
    if ((frame->flags & (PIPE_FIRST | PIPE_LAST)) != (PIPE_FIRST | PIPE_LAST)) {
        put_together(hub, index, frame);
        return;
    }
    drop_partial(hub->server, peer);
    if (vd_flat_announced_bytes(frame->payload, frame->length) != frame->length) {
        hub->server->malformed_total++;
        return;
    }
    fan_out(hub, index, frame->payload, frame->length, NULL);
}

static void break_up(struct vd_pipe_hub *hub, unsigned index)
{
    struct pipe_peer *peer = &hub->server->peers[index];

    peer->up_broken = true;
    drop_partial(hub->server, peer);
    hub->server->malformed_total++;
    atomic_store_explicit(&hub->slots[index].broken_generation, peer->generation,
                          memory_order_release);
    vd_log_limited(hub->logger, vd_monotonic_ms(), VD_LOG_ERROR, "pipe_ring_damaged",
                   "the ring of endpoint %u is damaged; it is read again when another process "
                   "takes that endpoint",
                   index);
}

static void drain_up(struct vd_pipe_hub *hub, unsigned index)
{
    struct pipe_peer *peer = &hub->server->peers[index];
    const struct vd_frame *frame;
    bool wants_room = false;
    enum vd_err code = VD_OK;

    for (unsigned n = 0; n < FRAMES_A_TURN && !peer->up_broken; n++) {
        code = vd_ring_peek(&peer->up, &frame);
        if (code != VD_OK)
            break;
        take_frame(hub, index, frame);
        wants_room |= vd_ring_release(&peer->up);
    }
    if (code == VD_ERR_CORRUPT)
        break_up(hub, index);
    if (wants_room)
        peer->ring_bell = true;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void look_at_slot(struct vd_pipe_hub *hub, unsigned index, uint64_t now_ms)
{
    struct pipe_peer *peer = &hub->server->peers[index];
    struct pipe_slot *slot = &hub->slots[index];
    int32_t pid = atomic_load_explicit(&slot->pid, memory_order_acquire);

    meet_successor(hub, index);
    if (!has_backlog(peer))
        return;
    /* It does not read: slow, or dead? */
    if (pid != 0 && pid != getpid() && now_ms - peer->reap_ms >= REAP_MS) {
        peer->reap_ms = now_ms;
        if (!vd_pipe_locked_by_other(hub, PIPE_BYTE_ENDPOINT(index)) &&
            atomic_load_explicit(&slot->generation, memory_order_acquire) == peer->generation)
            atomic_compare_exchange_strong(&slot->pid, &pid, 0);
    }
    if (!is_attached(slot)) {
        clear_backlog(peer);
        return;
    }
    put_backlog(hub, peer);
}

static void ring_bells(struct vd_pipe_hub *hub)
{
    for (unsigned i = 0; i < hub->shared->endpoints; i++) {
        if (!hub->server->peers[i].ring_bell)
            continue;
        hub->server->peers[i].ring_bell = false;
        vd_doorbell_ring(&hub->slots[i].bell);
    }
}

static bool up_waits(struct pipe_peer *peer)
{
    const struct vd_frame *frame;

    return !peer->up_broken && vd_ring_peek(&peer->up, &frame) != VD_ERR_EMPTY;
}

/* Asleep from here on: whoever publishes or makes room rings. What came between our last look and
 * the arming rang nobody, so look once more: at the up rings, and at the down rings that had no
 * room (whose wish for room stands from this try on). */
static void settle(struct vd_pipe_hub *hub)
{
    bool more = false;

    vd_doorbell_arm(&hub->shared->hub_bell);
    for (unsigned i = 0; i < hub->shared->endpoints; i++) {
        struct pipe_peer *peer = &hub->server->peers[i];
        more = more || up_waits(peer);
        if (has_backlog(peer))
            put_backlog(hub, peer);
    }
    ring_bells(hub);
    if (more)
        vd_doorbell_force(&hub->shared->hub_bell);
}

enum vd_err vd_pipe_hub_dispatch(struct vd_pipe_hub *hub)
{
    uint64_t now_ms;

    if (!pipe_hub_is_here(hub, getpid()))
        return VD_ERR_STATE;
    now_ms = vd_monotonic_ms();
    vd_doorbell_disarm(&hub->shared->hub_bell);
    for (unsigned i = 0; i < hub->shared->endpoints; i++) {
        look_at_slot(hub, i, now_ms);
        drain_up(hub, i);
    }
    settle(hub);
    return VD_OK;
}

enum vd_err vd_pipe_hub_poll(struct vd_pipe_hub *hub, int timeout_ms)
{
    struct pollfd ready = {.fd = hub->shared->hub_bell.fd, .events = POLLIN};

    if (!pipe_hub_is_here(hub, getpid()))
        return VD_ERR_STATE;
    if (poll(&ready, 1, timeout_ms) <= 0)
        return VD_ERR_TIMEOUT;
    return vd_pipe_hub_dispatch(hub);
}

void vd_pipe_server_describe(const struct vd_pipe_hub *hub, struct vd_pipe_hub_status *status)
{
    const struct pipe_server *server = hub->server;

    status->forwarded_total = server->forwarded_total;
    status->dropped_total = server->dropped_total;
    status->incomplete_total = server->incomplete_total;
    status->malformed_total = server->malformed_total;
    for (unsigned i = 0; i < status->endpoints; i++)
        status->backlog_bytes += server->peers[i].backlog.bytes;
}
