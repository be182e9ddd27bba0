/* SPDX-License-Identifier: Apache-2.0 */
/* The single-producer single-consumer ring of frames in shared memory.
 *
 * Happy path: the producer reserves (room is judged by a cached tail, so the consumer's cache line
 * is touched only when the cache says "full"), writes the payload, commits with one release store
 * of head. The consumer peeks (by a cached head), reads in place, releases by storing tail.
 *
 * Failure modes: the producer dies at any instant: bytes past head are nobody's, its successor
 * overwrites them. The consumer dies: what it has not released is seen again by its successor, at
 * most one frame of which it had acted on. Shared words are damaged: the consumer believes no
 * length that does not fit into what is published (VD_ERR_CORRUPT); the producer sees a ring
 * without room; neither leaves the ring's memory, because both keep its capacity for themselves.
 * What lies inside a payload is for the protocol to check.
 *
 * Positions count bytes since the ring was made and never wrap (2^64). See ring.h for sources. */
#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include <viaduct/ring.h>

#define RING_MAGIC  0x566452696e673031u /* "VdRing01" */
#define FILLER_TYPE 0u
#define FRAME_UNIT  8u /* every frame and filler is a multiple, every payload is so aligned */

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* The drawing in ring.h, in C. */
struct vd_ring {
    uint64_t magic;
    uint64_t capacity;
    uint64_t check; /* of the two above: a damaged capacity is noticed */
    alignas(64) _Atomic uint64_t head;
    alignas(64) _Atomic uint64_t tail;
    alignas(64) _Atomic uint64_t want_room; /* 0: nobody waits; else wake when tail is here */
    alignas(64) unsigned char data[];
};

_Static_assert(sizeof(struct vd_ring) == 256, "the layout is shared");
_Static_assert(sizeof(struct vd_frame) == 16, "the layout is shared");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in shared memory would die with its owner");

static uint64_t check_of(uint64_t magic, uint64_t capacity)
{
    return (magic ^ capacity) * 0x9e3779b97f4a7c15u;
}

static bool capacity_is_allowed(uint64_t capacity)
{
    return capacity >= VD_RING_CAPACITY_MIN_BYTES && capacity <= SIZE_MAX / 4 &&
           (capacity & (capacity - 1)) == 0;
}

/* Payload limit of this ring. */
static inline uint64_t length_max(uint64_t capacity)
{
    uint64_t half = capacity / 2 - sizeof(struct vd_frame);

    return half < VD_RING_FRAME_MAX_BYTES ? half : VD_RING_FRAME_MAX_BYTES;
}

static inline uint64_t frame_bytes(uint64_t length)
{
    return (sizeof(struct vd_frame) + length + FRAME_UNIT - 1) & ~(uint64_t)(FRAME_UNIT - 1);
}

static inline struct vd_frame *frame_at(struct vd_ring *ring, uint64_t capacity, uint64_t position)
{
    return (struct vd_frame *)(void *)(ring->data + (position & (capacity - 1)));
}

static inline uint64_t bytes_to_end(uint64_t capacity, uint64_t position)
{
    return capacity - (position & (capacity - 1));
}

size_t vd_ring_bytes(size_t capacity_bytes)
{
    return capacity_is_allowed(capacity_bytes) ? sizeof(struct vd_ring) + capacity_bytes : 0;
}

enum vd_err vd_ring_init(struct vd_ring *ring, size_t capacity_bytes)
{
    if (!capacity_is_allowed(capacity_bytes) || (uintptr_t)ring % alignof(struct vd_ring) != 0)
        return VD_ERR_INVALID;
    ring->magic = RING_MAGIC;
    ring->capacity = capacity_bytes;
    ring->check = check_of(RING_MAGIC, capacity_bytes);
    atomic_store_explicit(&ring->want_room, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->head, 0, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, 0, memory_order_release);
    return VD_OK;
}

/* What both sides believe of a ring that they find. */
static bool ring_is_sound(const struct vd_ring *ring, uint64_t head, uint64_t tail)
{
    return ring->magic == RING_MAGIC && ring->check == check_of(ring->magic, ring->capacity) &&
           capacity_is_allowed(ring->capacity) && head - tail <= ring->capacity &&
           (head | tail) % FRAME_UNIT == 0;
}

/* ---- producer ---------------------------------------------------------------------------------
 */

enum vd_err vd_ring_producer_init(struct vd_ring_producer *producer, struct vd_ring *ring)
{
    /* tail first: the consumer may be at work, and a later head is never behind it */
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    if (!ring_is_sound(ring, head, tail))
        return VD_ERR_CORRUPT;
    *producer = (struct vd_ring_producer){
        .ring = ring, .capacity = ring->capacity, .head = head, .tail_cached = tail};
    return VD_OK;
}

/* Bytes that a frame of @length takes from head on, a filler included; 0: it can never fit. */
static inline uint64_t bytes_needed(const struct vd_ring_producer *producer, uint64_t length)
{
    uint64_t size;
    uint64_t to_end = bytes_to_end(producer->capacity, producer->head);

    if (UNLIKELY(length > length_max(producer->capacity)))
        return 0;
    size = frame_bytes(length);
    return LIKELY(size <= to_end) ? size : to_end + size;
}

/* A damaged tail makes more used than there is: then nothing fits. */
static inline bool fits(const struct vd_ring_producer *producer, uint64_t need)
{
    uint64_t used = producer->head - producer->tail_cached;

    return used <= producer->capacity && need <= producer->capacity - used;
}

/* The rest of the ring is too short for the next frame. Even 8 bytes hold what a reader looks at:
 * the type and the length (of what follows the first 8 bytes). */
static uint64_t write_filler(struct vd_ring_producer *producer)
{
    struct vd_frame *filler = frame_at(producer->ring, producer->capacity, producer->head);
    uint64_t to_end = bytes_to_end(producer->capacity, producer->head);

    filler->length = (uint32_t)(to_end - FRAME_UNIT);
    filler->type = FILLER_TYPE;
    filler->flags = 0;
    return producer->head + to_end;
}

struct vd_frame *vd_ring_reserve(struct vd_ring_producer *producer, size_t length, uint16_t type,
                                 uint16_t flags, uint64_t tag)
{
    uint64_t need = bytes_needed(producer, length);
    uint64_t start = producer->head;
    struct vd_frame *frame;

    assert(type != FILLER_TYPE);
    assert(producer->reserved_end == 0);
    if (UNLIKELY(need == 0))
        return NULL;
    if (UNLIKELY(!fits(producer, need))) {
        /* acquire: the consumer's last reads come before we overwrite what it released */
        producer->tail_cached = atomic_load_explicit(&producer->ring->tail, memory_order_acquire);
        if (!fits(producer, need))
            return NULL;
    }
    producer->reserved_end = start + need;
    if (UNLIKELY(need > bytes_to_end(producer->capacity, start)))
        start = write_filler(producer);
    frame = frame_at(producer->ring, producer->capacity, start);
    frame->length = (uint32_t)length;
    frame->type = type;
    frame->flags = flags;
    frame->tag = tag;
    return frame;
}

void vd_ring_commit(struct vd_ring_producer *producer)
{
    assert(producer->reserved_end != 0);
    producer->head = producer->reserved_end;
    producer->reserved_end = 0;
    /* the one store that publishes: filler and frame, complete or not at all */
    atomic_store_explicit(&producer->ring->head, producer->head, memory_order_release);
}

void vd_ring_abandon(struct vd_ring_producer *producer)
{
    producer->reserved_end = 0;
}

/* No wake-up is lost: the producer stores want_room, then loads tail; the consumer stores tail,
 * then loads want_room; all four are sequentially consistent, so that in their one total order
 * either the producer's load comes after the consumer's store (and sees the room) or the consumer's
 * load comes after the producer's store (and sees the wish). This is Dekker's pattern; acquire and
 * release alone would let both loads overtake the stores.
 *
 * The wish is the tail that makes enough room, not a flag: a producer that needs 64 KiB is not
 * woken by every small release before. */
bool vd_ring_has_room(struct vd_ring_producer *producer, size_t length)
{
    uint64_t need = bytes_needed(producer, length);
    struct vd_ring *ring = producer->ring;

    if (need == 0)
        return false;
    if (LIKELY(fits(producer, need)))
        return true;
    atomic_store_explicit(&ring->want_room, producer->head + need - producer->capacity,
                          memory_order_seq_cst);
    producer->tail_cached = atomic_load_explicit(&ring->tail, memory_order_seq_cst);
    if (!fits(producer, need))
        return false;
    atomic_store_explicit(&ring->want_room, 0, memory_order_relaxed);
    return true;
}

/* ---- consumer ---------------------------------------------------------------------------------
 */

enum vd_err vd_ring_consumer_init(struct vd_ring_consumer *consumer, struct vd_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    if (!ring_is_sound(ring, head, tail))
        return VD_ERR_CORRUPT;
    *consumer = (struct vd_ring_consumer){.ring = ring,
                                          .capacity = ring->capacity,
                                          .tail = tail,
                                          .head_cached = tail,
                                          .released = tail};
    return VD_OK;
}

static enum vd_err refresh_head(struct vd_ring_consumer *consumer)
{
    /* acquire: what was written before this head was published is seen */
    uint64_t head = atomic_load_explicit(&consumer->ring->head, memory_order_acquire);

    if (head == consumer->tail)
        return VD_ERR_EMPTY;
    if (head - consumer->tail > consumer->capacity || head % FRAME_UNIT != 0)
        return VD_ERR_CORRUPT;
    consumer->head_cached = head;
    return VD_OK;
}

/* A filler reaches exactly to the end of the ring and was published with the frame behind it. */
static enum vd_err skip_filler(struct vd_ring_consumer *consumer, uint64_t filler_length)
{
    uint64_t to_end = bytes_to_end(consumer->capacity, consumer->tail);

    if (filler_length + FRAME_UNIT != to_end || to_end >= consumer->head_cached - consumer->tail)
        return VD_ERR_CORRUPT;
    consumer->tail += to_end;
    return VD_OK;
}

enum vd_err vd_ring_peek(struct vd_ring_consumer *consumer, const struct vd_frame **frame)
{
    const struct vd_frame *found;
    uint64_t available;
    uint64_t length;
    enum vd_err result;

    if (consumer->tail == consumer->head_cached) {
        result = refresh_head(consumer);
        if (result != VD_OK)
            return result;
    }
    found = frame_at(consumer->ring, consumer->capacity, consumer->tail);
    if (UNLIKELY(found->type == FILLER_TYPE)) {
        result = skip_filler(consumer, found->length);
        if (result != VD_OK)
            return result;
        found = frame_at(consumer->ring, consumer->capacity, consumer->tail);
        if (found->type == FILLER_TYPE)
            return VD_ERR_CORRUPT;
    }
    available = consumer->head_cached - consumer->tail;
    length = found->length;
    if (UNLIKELY(length > length_max(consumer->capacity) || frame_bytes(length) > available ||
                 frame_bytes(length) > bytes_to_end(consumer->capacity, consumer->tail)))
        return VD_ERR_CORRUPT;
    consumer->peeked_end = consumer->tail + frame_bytes(length);
    *frame = found;
    return VD_OK;
}

void vd_ring_keep(struct vd_ring_consumer *consumer)
{
    if (consumer->peeked_end == 0)
        return;
    consumer->tail = consumer->peeked_end;
    consumer->peeked_end = 0;
}

size_t vd_ring_kept_bytes(const struct vd_ring_consumer *consumer)
{
    uint64_t end = consumer->peeked_end ? consumer->peeked_end : consumer->tail;

    return end - consumer->released;
}

bool vd_ring_has_more(const struct vd_ring_consumer *consumer)
{
    return atomic_load_explicit(&consumer->ring->head, memory_order_acquire) != consumer->tail;
}

bool vd_ring_release(struct vd_ring_consumer *consumer)
{
    struct vd_ring *ring = consumer->ring;
    uint64_t wanted;

    if (UNLIKELY(consumer->peeked_end == 0))
        return false;
    vd_ring_keep(consumer);
    consumer->released = consumer->tail;
    /* see vd_ring_has_room; the release half also hands the frame's bytes back */
    atomic_store_explicit(&ring->tail, consumer->tail, memory_order_seq_cst);
    wanted = atomic_load_explicit(&ring->want_room, memory_order_seq_cst);
    if (LIKELY(wanted == 0))
        return false;
    /* A wish further away than the ring is long is damage: better wake once too often. */
    if (wanted > consumer->tail && wanted - consumer->tail <= consumer->capacity)
        return false;
    /* Compare, because the producer may just now have wished for more. */
    return atomic_compare_exchange_strong_explicit(&ring->want_room, &wanted, 0,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

uint64_t vd_ring_position(const struct vd_ring_consumer *consumer)
{
    return consumer->tail;
}

bool vd_ring_holds(const struct vd_ring_consumer *consumer)
{
    return atomic_load_explicit(&consumer->ring->tail, memory_order_acquire) <= consumer->tail;
}

/* ---- any process ------------------------------------------------------------------------------
 */

size_t vd_ring_depth_bytes(const struct vd_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t depth = head - tail;

    return depth <= ring->capacity ? depth : ring->capacity;
}

size_t vd_ring_capacity_bytes(const struct vd_ring *ring)
{
    return ring->capacity;
}
