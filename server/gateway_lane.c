/* SPDX-License-Identifier: Apache-2.0 */
/* The lane: events on their way to one worker.
 *
 * Happy path: the event is written straight into the events ring. When that is full, events wait
 * here, bounded; of several invalidations of one scope one is enough. Failure modes: what does not
 * fit even so is dropped, counted, and announced to the worker by a gap before the next event. */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define LANE_ENTRIES_MAX 8192
#define LANE_BYTES_MAX   (4 * 1024 * 1024)
#define LANE_BUCKETS     4096 /* power of two */

static size_t parts_length(const struct iovec *parts, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    return total;
}

static void parts_copy(char *to, const struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len)
            memcpy(to, parts[i].iov_base, parts[i].iov_len);
        to += parts[i].iov_len;
    }
}

struct gw_lane_entry *gw_lane_entry_create(uint16_t type, uint64_t tag, const struct iovec *parts,
                                           int count, bool coalesces)
{
    size_t length = parts_length(parts, count);
    struct gw_lane_entry *entry = malloc(sizeof(*entry) + length);

    if (!entry)
        return NULL;
    entry->type = type;
    entry->tag = tag;
    entry->length = length;
    entry->sent = 0;
    entry->coalesces = coalesces;
    entry->same_hash = NULL;
    parts_copy(entry->bytes, parts, count);
    return entry;
}

static void lane_drop(struct gw_worker *worker)
{
    worker->lane_gap = true;
    atomic_fetch_add_explicit(&worker->slot->events_dropped, 1, memory_order_relaxed);
    vd_log_limited(worker->gateway->logger, worker->gateway->now_ms, VD_LOG_WARN, "events_dropped",
                   "worker %u does not keep up: an event for it was dropped", worker->index);
}

/* ---- what waits already ------------------------------------------------------------------------
 */

/* FNV-1a, as in gateway_replay.c. */
static uint32_t hash_of(const struct gw_lane_entry *entry)
{
    uint32_t value = 2166136261u ^ (uint32_t)entry->tag;

    for (size_t i = 0; i < entry->length; i++)
        value = (value ^ (unsigned char)entry->bytes[i]) * 16777619u;
    return value & (LANE_BUCKETS - 1);
}

/* Entries that coalesce, by what they say. Without memory for the table none does. */
static struct gw_lane_entry **bucket_of(struct gw_worker *worker, const struct gw_lane_entry *entry)
{
    if (!entry->coalesces)
        return NULL;
    if (!worker->lane_table)
        worker->lane_table = calloc(LANE_BUCKETS, sizeof(struct gw_lane_entry *));
    return worker->lane_table ? &worker->lane_table[hash_of(entry)] : NULL;
}

static bool waits_already(struct gw_worker *worker, const struct gw_lane_entry *entry)
{
    struct gw_lane_entry **bucket = bucket_of(worker, entry), *other;

    for (other = bucket ? *bucket : NULL; other; other = other->same_hash) {
        if (other->sent == 0 && other->tag == entry->tag && other->length == entry->length &&
            memcmp(other->bytes, entry->bytes, entry->length) == 0)
            return true;
    }
    return false;
}

static void lane_insert(struct gw_worker *worker, struct gw_lane_entry *entry)
{
    struct gw_lane_entry **bucket = bucket_of(worker, entry);

    if (bucket) {
        entry->same_hash = *bucket;
        *bucket = entry;
    }
    STAILQ_INSERT_TAIL(&worker->lane, entry, link);
    worker->lane_count++;
    worker->lane_bytes += entry->length;
}

struct gw_lane_entry *gw_lane_pop(struct gw_worker *worker)
{
    struct gw_lane_entry *entry = STAILQ_FIRST(&worker->lane), **at;

    if (!entry)
        return NULL;
    for (at = bucket_of(worker, entry); at && *at; at = &(*at)->same_hash) {
        if (*at == entry) {
            *at = entry->same_hash;
            break;
        }
    }
    STAILQ_REMOVE_HEAD(&worker->lane, link);
    worker->lane_count--;
    worker->lane_bytes -= entry->length;
    return entry;
}

/* ---- waiting -----------------------------------------------------------------------------------
 */

bool gw_lane_append(struct gw_worker *worker, struct gw_lane_entry *entry)
{
    if (waits_already(worker, entry)) {
        free(entry);
        return true;
    }
    if (worker->lane_count >= LANE_ENTRIES_MAX ||
        (worker->lane_count && worker->lane_bytes + entry->length > LANE_BYTES_MAX)) {
        lane_drop(worker);
        free(entry);
        return false;
    }
    lane_insert(worker, entry);
    return true;
}

static bool push_frame(struct gw_worker *worker, uint16_t type, uint16_t flags, uint64_t tag,
                       const char *bytes, size_t length)
{
    if (!vd_ring_has_room(&worker->events, length))
        return false;
    struct vd_frame *frame = vd_ring_reserve(&worker->events, length, type, flags, tag);

    if (!frame)
        return false;
    if (length)
        memcpy(frame->payload, bytes, length);
    vd_ring_commit(&worker->events);
    worker->ring_bell = true;
    return true;
}

static bool push_entry(struct gw_worker *worker, struct gw_lane_entry *entry)
{
    do {
        size_t left = entry->length - entry->sent;
        size_t part = left < VD_FRAME_CHUNK_BYTES ? left : VD_FRAME_CHUNK_BYTES;
        uint16_t flags =
            (uint16_t)((part < left ? VD_FRAME_MORE : 0) | (entry->sent ? VD_FRAME_CONTINUED : 0));

        if (!push_frame(worker, entry->type, flags, entry->tag, entry->bytes + entry->sent, part))
            return false;
        entry->sent += part;
    } while (entry->sent < entry->length);
    return true;
}

void gw_lane_flush(struct gw_worker *worker)
{
    struct gw_lane_entry *entry;

    if (worker->broken || worker->generation == 0)
        return;
    while (true) {
        entry = STAILQ_FIRST(&worker->lane);
        if (worker->lane_gap && (!entry || entry->sent == 0)) {
            if (!push_frame(worker, VD_FRAME_EVENT_GAP, 0, 0, NULL, 0))
                return;
            worker->lane_gap = false;
        }
        if (!entry)
            return;
        if (!push_entry(worker, entry))
            return;
        free(gw_lane_pop(worker));
    }
}

bool gw_lane_send(struct gw_worker *worker, uint16_t type, uint64_t tag, const struct iovec *parts,
                  int count, bool coalesces)
{
    size_t length = parts_length(parts, count);

    if (STAILQ_EMPTY(&worker->lane) && !worker->lane_gap && length <= VD_FRAME_CHUNK_BYTES &&
        worker->generation && !worker->broken) {
        struct vd_frame *frame = vd_ring_reserve(&worker->events, length, type, 0, tag);

        if (frame) {
            parts_copy((char *)frame->payload, parts, count);
            vd_ring_commit(&worker->events);
            worker->ring_bell = true;
            return true;
        }
    }
    struct gw_lane_entry *entry = gw_lane_entry_create(type, tag, parts, count, coalesces);
    if (!entry) {
        lane_drop(worker);
        return false;
    }
    bool kept = gw_lane_append(worker, entry);

    gw_lane_flush(worker);
    return kept;
}

void gw_lane_clear(struct gw_worker *worker)
{
    struct gw_lane_entry *entry;

    while ((entry = gw_lane_pop(worker)))
        free(entry);
    free(worker->lane_table);
    worker->lane_table = NULL;
    worker->lane_gap = false;
}
