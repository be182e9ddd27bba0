/* SPDX-License-Identifier: Apache-2.0 */
/* The node's history: a byte ring for the messages, an index ring of slots for the rest.
 *
 *     struct vd_history
 *     +-- line 0 --------+ magic, sizes, epoch, check      written once
 *     +-- line 1 --------+ first, next: offsets kept       the writer
 *     +-- slots ---------+ [max_entries], entry of offset o in slot o % max_entries
 *     +-- log -----------+ scope, event, origin, data of each message in one piece, 8-byte aligned
 *
 * Happy path: append moves `first` past every entry whose slot or bytes it is about to overwrite,
 * writes bytes and slot, and stores `next`. Every state in between is a whole log: entries from
 * first to next - 1 are untouched at every instant. A killed process loses no store that it has
 * executed, so program order is all that is needed; `in_order` keeps the compiler to it.
 *
 * Where bytes go follows from the newest entry, so there is no third word that could disagree.
 * Positions in the log count for ever (2^64); a log without entries starts at 0 again.
 *
 * Failure modes: the writer dies (vd_history_recover in its successor finds everything below next);
 * a message over a quarter of the log leaves a tombstone in the offset it used up; damage: every
 * entry is checked for bounds and against its neighbours before it is believed, and cut with all
 * older ones when it does not hold. The bytes of a message carry no checksum: nobody but the writer
 * touches them, and memory that a stray pointer hits is not limited to them. */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <viaduct/history.h>

#define HISTORY_MAGIC    0x5664486973743031u /* "VdHist01" */
#define LOG_UNIT         8u
#define TOMBSTONE        UINT64_MAX /* position of an entry that was too large to keep */
#define ENTRIES_MAX      ((uint64_t)1 << 32)
#define ENTRY_HAS_DATA   1u
#define ENTRY_HAS_EVENT  2u
#define ENTRY_HAS_ORIGIN 4u
#define ENTRY_FLAGS      7u

struct history_slot {
    uint64_t offset;   /* whose slot this is now; others of the same place: evicted */
    uint64_t position; /* in the log */
    uint64_t time_ms;
    uint64_t sequence;
    struct vd_history_source source;
    uint32_t scope_length;
    uint32_t event_length;
    uint32_t origin_length;
    uint32_t data_length;
    uint32_t flags;
    uint32_t reserved;
};

struct vd_history {
    uint64_t magic;
    uint64_t log_bytes;
    uint64_t max_entries;
    uint64_t epoch;
    uint64_t check; /* of the four above */
    alignas(64) _Atomic uint64_t first;
    _Atomic uint64_t next;
    alignas(64) struct history_slot slots[];
};

_Static_assert(sizeof(struct history_slot) == 72, "the layout is shared");
_Static_assert(sizeof(struct vd_history) == 128, "the layout is shared");

/* Stores before it are executed before stores after it. */
static inline void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static bool sizes_are_allowed(uint64_t log_bytes, uint64_t max_entries)
{
    return log_bytes >= VD_HISTORY_LOG_MIN_BYTES && log_bytes <= SIZE_MAX / 8 &&
           (log_bytes & (log_bytes - 1)) == 0 && max_entries > 0 && max_entries <= ENTRIES_MAX &&
           (max_entries & (max_entries - 1)) == 0;
}

static uint64_t check_of(const struct vd_history *history)
{
    const uint64_t words[] = {history->magic, history->log_bytes, history->max_entries,
                              history->epoch};
    uint64_t check = 0;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        check = (check ^ words[i]) * 0x9e3779b97f4a7c15u + 1;
    return check;
}

static bool header_is_sound(const struct vd_history *history)
{
    uint64_t first = atomic_load_explicit(&history->first, memory_order_relaxed);
    uint64_t next = atomic_load_explicit(&history->next, memory_order_relaxed);

    return history->magic == HISTORY_MAGIC && history->check == check_of(history) &&
           sizes_are_allowed(history->log_bytes, history->max_entries) && first > 0 &&
           first <= next && next - first <= history->max_entries;
}

static struct history_slot *slot_of(struct vd_history *history, uint64_t offset)
{
    return &history->slots[offset & (history->max_entries - 1)];
}

static const struct history_slot *slot_of_const(const struct vd_history *history, uint64_t offset)
{
    return &history->slots[offset & (history->max_entries - 1)];
}

static const unsigned char *log_of(const struct vd_history *history)
{
    return (const unsigned char *)&history->slots[history->max_entries];
}

size_t vd_history_bytes(size_t log_bytes, size_t max_entries)
{
    if (!sizes_are_allowed(log_bytes, max_entries))
        return 0;
    return sizeof(struct vd_history) + max_entries * sizeof(struct history_slot) + log_bytes;
}

enum vd_err vd_history_init(struct vd_history *history, size_t log_bytes, size_t max_entries,
                            uint64_t epoch)
{
    if (!sizes_are_allowed(log_bytes, max_entries) || epoch == 0 ||
        (uintptr_t)history % alignof(struct vd_history) != 0)
        return VD_ERR_INVALID;
    /* the magic last: killed in here, recover says that nothing can be saved */
    history->magic = 0;
    in_order();
    history->log_bytes = log_bytes;
    history->max_entries = max_entries;
    history->epoch = epoch;
    atomic_store_explicit(&history->first, 1, memory_order_relaxed);
    atomic_store_explicit(&history->next, 1, memory_order_relaxed);
    in_order();
    history->magic = HISTORY_MAGIC;
    history->check = check_of(history);
    return VD_OK;
}

/* ---- one entry ------------------------------------------------------------------------------- */

static uint64_t padded(uint64_t bytes)
{
    return (bytes + LOG_UNIT - 1) & ~(uint64_t)(LOG_UNIT - 1);
}

/* Cannot overflow: the lengths have 32 bits. */
static uint64_t slot_bytes(const struct history_slot *slot)
{
    return (uint64_t)slot->scope_length + slot->event_length + slot->origin_length +
           slot->data_length;
}

static uint64_t slot_end(const struct history_slot *slot)
{
    return slot->position + padded(slot_bytes(slot));
}

/* The place after @position where @bytes lie in one piece. */
static uint64_t place_after(uint64_t position, uint64_t bytes, uint64_t log_bytes)
{
    uint64_t to_end = log_bytes - (position & (log_bytes - 1));

    return bytes <= to_end ? position : position + to_end;
}

/* Is this the entry of @offset, and does it stay inside the log? */
static bool slot_is_sound(const struct vd_history *history, uint64_t offset)
{
    const struct history_slot *slot = slot_of_const(history, offset);

    return slot->offset == offset && slot->position != TOMBSTONE &&
           slot->position % LOG_UNIT == 0 && slot->position <= TOMBSTONE / 2 &&
           (slot->flags & ~ENTRY_FLAGS) == 0 && slot_bytes(slot) <= history->log_bytes / 4 &&
           place_after(slot->position, slot_bytes(slot), history->log_bytes) == slot->position;
}

static bool slot_is_tombstone(const struct vd_history *history, uint64_t offset)
{
    const struct history_slot *slot = slot_of_const(history, offset);

    return slot->offset == offset && slot->position == TOMBSTONE;
}

/* ---- append ---------------------------------------------------------------------------------- */

/* Bytes of @message in the log; more than a quarter of it: TOO_LARGE whatever the sum is. */
static bool message_fits(const struct vd_history *history, const struct vd_message *message,
                         uint64_t *bytes)
{
    const size_t lengths[] = {message->scope_length, message->event ? message->event_length : 0,
                              message->origin ? message->origin_length : 0,
                              message->has_data ? message->data_length : 0};
    uint64_t limit = history->log_bytes / 4;

    *bytes = 0;
    if (limit > UINT32_MAX)
        limit = UINT32_MAX;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (lengths[i] > limit - *bytes)
            return false;
        *bytes += lengths[i];
    }
    return true;
}

static void store_first(struct vd_history *history, uint64_t first)
{
    atomic_store_explicit(&history->first, first, memory_order_release);
    in_order();
}

static void store_next(struct vd_history *history, uint64_t next)
{
    in_order();
    atomic_store_explicit(&history->next, next, memory_order_release);
}

/* Where the bytes of the next entry go, once `first` has moved past all that lies there. */
static uint64_t make_room(struct vd_history *history, uint64_t next, uint64_t bytes)
{
    uint64_t before = atomic_load_explicit(&history->first, memory_order_relaxed);
    uint64_t first = before;
    uint64_t position = 0;

    if (first < next)
        position = place_after(slot_end(slot_of(history, next - 1)), bytes, history->log_bytes);
    if (next - first >= history->max_entries)
        first = next - history->max_entries + 1;
    while (first < next &&
           position + padded(bytes) - slot_of(history, first)->position > history->log_bytes)
        first++;
    if (first != before)
        store_first(history, first);
    return first < next ? position : 0;
}

static unsigned char *put_bytes(unsigned char *to, const void *from, size_t length)
{
    if (length)
        memcpy(to, from, length);
    return to + length;
}

static void write_entry(struct vd_history *history, uint64_t offset, uint64_t position,
                        const struct vd_message *message, struct vd_history_source source,
                        uint64_t now_ms)
{
    unsigned char *to = (unsigned char *)&history->slots[history->max_entries] +
                        (position & (history->log_bytes - 1));
    struct history_slot slot = {
        .offset = offset,
        .position = position,
        .time_ms = now_ms,
        .sequence = message->sequence,
        .source = source,
        .scope_length = (uint32_t)message->scope_length,
        .event_length = message->event ? (uint32_t)message->event_length : 0,
        .origin_length = message->origin ? (uint32_t)message->origin_length : 0,
        .data_length = message->has_data ? (uint32_t)message->data_length : 0,
        .flags = (message->has_data ? ENTRY_HAS_DATA : 0) | (message->event ? ENTRY_HAS_EVENT : 0) |
                 (message->origin ? ENTRY_HAS_ORIGIN : 0),
    };

    to = put_bytes(to, message->scope, slot.scope_length);
    to = put_bytes(to, message->event, slot.event_length);
    to = put_bytes(to, message->origin, slot.origin_length);
    put_bytes(to, message->data, slot.data_length);
    *slot_of(history, offset) = slot;
}

/* The offset is used up and everything up to it is a gap. Killed between the last two stores:
 * recover finds the tombstone as the newest entry and ends at the same state. */
static enum vd_err append_tombstone(struct vd_history *history, uint64_t next)
{
    struct history_slot tombstone = {.offset = next, .position = TOMBSTONE};

    make_room(history, next, 0); /* of bytes it takes none, but its slot may be in use */
    *slot_of(history, next) = tombstone;
    store_next(history, next + 1);
    store_first(history, next + 1);
    return VD_ERR_TOO_LARGE;
}

enum vd_err vd_history_append(struct vd_history *history, const struct vd_message *message,
                              struct vd_history_source source, uint64_t now_ms, uint64_t *offset)
{
    uint64_t next = atomic_load_explicit(&history->next, memory_order_relaxed);
    uint64_t first = atomic_load_explicit(&history->first, memory_order_relaxed);
    uint64_t position;
    uint64_t bytes;

    if (!header_is_sound(history) ||
        (first < next && (!slot_is_sound(history, first) || !slot_is_sound(history, next - 1))))
        return VD_ERR_CORRUPT;
    *offset = next;
    if (!message_fits(history, message, &bytes))
        return append_tombstone(history, next);
    position = make_room(history, next, bytes);
    write_entry(history, next, position, message, source, now_ms);
    store_next(history, next + 1);
    return VD_OK;
}

/* ---- read ------------------------------------------------------------------------------------ */

static void read_entry(const struct vd_history *history, const struct history_slot *slot,
                       struct vd_history_entry *entry)
{
    const char *bytes = (const char *)log_of(history) + (slot->position & (history->log_bytes - 1));
    struct vd_message *message = &entry->message;

    memset(entry, 0, sizeof(*entry));
    entry->offset = slot->offset;
    entry->time_ms = slot->time_ms;
    entry->source = slot->source;
    message->scope = bytes;
    message->scope_length = slot->scope_length;
    bytes += slot->scope_length;
    message->event = slot->flags & ENTRY_HAS_EVENT ? bytes : NULL;
    message->event_length = slot->event_length;
    bytes += slot->event_length;
    message->origin = slot->flags & ENTRY_HAS_ORIGIN ? bytes : NULL;
    message->origin_length = slot->origin_length;
    bytes += slot->origin_length;
    message->data = slot->flags & ENTRY_HAS_DATA ? bytes : NULL;
    message->data_length = slot->data_length;
    message->has_data = slot->flags & ENTRY_HAS_DATA;
    message->sequence = slot->sequence;
}

enum vd_err vd_history_get(const struct vd_history *history, uint64_t offset,
                           struct vd_history_entry *entry)
{
    if (!header_is_sound(history))
        return VD_ERR_CORRUPT;
    if (offset < vd_history_first(history) || offset >= vd_history_next(history))
        return VD_ERR_NOT_FOUND;
    if (!slot_is_sound(history, offset))
        return VD_ERR_CORRUPT;
    read_entry(history, slot_of_const(history, offset), entry);
    return VD_OK;
}

uint64_t vd_history_epoch(const struct vd_history *history)
{
    return history->epoch;
}

uint64_t vd_history_first(const struct vd_history *history)
{
    return atomic_load_explicit(&history->first, memory_order_acquire);
}

uint64_t vd_history_next(const struct vd_history *history)
{
    return atomic_load_explicit(&history->next, memory_order_acquire);
}

/* ---- recover --------------------------------------------------------------------------------- */

/* Does @offset hold, given that its successor (unless it is the newest) does? */
static bool entry_holds(const struct vd_history *history, uint64_t offset, uint64_t newest)
{
    const struct history_slot *slot = slot_of_const(history, offset);
    const struct history_slot *after = slot_of_const(history, offset + 1);

    if (!slot_is_sound(history, offset))
        return false;
    if (slot_end(slot_of_const(history, newest)) - slot->position > history->log_bytes)
        return false; /* overwritten by what came later */
    return offset == newest ||
           place_after(slot_end(slot), slot_bytes(after), history->log_bytes) == after->position;
}

enum vd_err vd_history_recover(struct vd_history *history)
{
    uint64_t first;
    uint64_t next;
    uint64_t good;

    if (!header_is_sound(history))
        return VD_ERR_CORRUPT;
    first = vd_history_first(history);
    next = vd_history_next(history);
    for (good = next; good > first && entry_holds(history, good - 1, next - 1);)
        good--;
    if (good == first)
        return VD_OK;
    if (good == next && !slot_is_tombstone(history, next - 1))
        return VD_ERR_CORRUPT;
    store_first(history, good);
    return VD_OK;
}
