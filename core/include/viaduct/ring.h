/* SPDX-License-Identifier: Apache-2.0 */
/* A single-producer single-consumer ring of frames in shared memory, and the doorbell that wakes a
 * sleeping reader.
 *
 *     struct vd_ring
 *     +-- line 0 --------+ magic, capacity (power of two)                 written once
 *     +-- line 1 --------+ head: bytes ever published                     producer writes
 *     +-- line 2 --------+ tail: bytes ever consumed                      consumer writes
 *     +-- line 3 --------+ want_room: the tail that a waiting producer needs   both
 *     +-- data ----------+ capacity bytes of frames, each a multiple of 8
 *
 * A frame lies in one piece (a filler frame skips the rest of the ring where it would wrap). It is
 * visible only when complete: one release store of `head` publishes it, so a `kill -9` in
 * mid-write shows nothing, and a `kill -9` of the reader loses nothing that it has not released.
 * A reader checks every length against what is published before it believes it: a damaged ring is
 * VD_ERR_CORRUPT, never a crash.
 *
 * The single-producer ring goes back to Lamport, "Specifying Concurrent Program Modules" (1983);
 * caching the other side's position is from FastForward (PPoPP 2008) and its successors.
 *
 * The struct in shared memory holds no pointer. Each side keeps a private `vd_ring_producer` or
 * `vd_ring_consumer`; both may be re-made at any time by a successor of a dead process. */
#ifndef VIADUCT_RING_H
#define VIADUCT_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>

#define VD_RING_FRAME_MAX_BYTES    (64 * 1024 + 1024) /* payload of one frame */
#define VD_RING_CAPACITY_MIN_BYTES 4096

/* What stands before each payload; 8-byte aligned. */
struct vd_frame {
    uint32_t length; /* payload bytes */
    uint16_t type;   /* the protocol's own; 0 is the filler */
    uint16_t flags;  /* the protocol's own */
    uint64_t tag;    /* the protocol's own (request id, subscription id) */
    unsigned char payload[];
};

struct vd_ring;

/* Bytes of shared memory for a ring of @capacity_bytes (power of two, at least 4 KiB); 0 when that
 * capacity is not allowed. The memory must be aligned to 64. A frame with its header may be at most
 * half the capacity, so that an empty ring takes it wherever it stands. */
size_t vd_ring_bytes(size_t capacity_bytes);
/* Neither side may be using the ring. Returns: VD_OK, VD_ERR_INVALID. */
enum vd_err vd_ring_init(struct vd_ring *ring, size_t capacity_bytes);

struct vd_ring_producer {
    struct vd_ring *ring;
    uint64_t capacity; /* private copy: damage to the shared one moves no write */
    uint64_t head;     /* next byte to write, published up to the ring's own head */
    uint64_t tail_cached;
    uint64_t reserved_end; /* 0: nothing reserved */
};

/* Go on from what the ring says was published (a predecessor's unfinished frame is gone).
 * Returns: VD_OK, VD_ERR_CORRUPT. */
enum vd_err vd_ring_producer_init(struct vd_ring_producer *producer, struct vd_ring *ring);

/* Room for one frame of @length payload bytes; its header is filled in, the payload is the
 * caller's to write. NULL: no room now, or @length is over the limit (never blocks). One
 * reservation at a time; @type is not 0. */
struct vd_frame *vd_ring_reserve(struct vd_ring_producer *producer, size_t length, uint16_t type,
                                 uint16_t flags, uint64_t tag);
/* Publish what was reserved: the frame becomes visible. */
void vd_ring_commit(struct vd_ring_producer *producer);
/* Forget what was reserved. */
void vd_ring_abandon(struct vd_ring_producer *producer);
/* Would a frame of @length payload bytes fit? When not, want_room is set and the release that makes
 * the room returns true (a producer waits for that, then asks again). */
bool vd_ring_has_room(struct vd_ring_producer *producer, size_t length);

struct vd_ring_consumer {
    struct vd_ring *ring;
    uint64_t capacity; /* private copy, as above */
    uint64_t tail;
    uint64_t head_cached;
    uint64_t peeked_end; /* 0: nothing peeked */
    uint64_t released;   /* up to here the bytes were handed back */
};

enum vd_err vd_ring_consumer_init(struct vd_ring_consumer *consumer, struct vd_ring *ring);

/* The oldest frame, in place: borrowed until vd_ring_release. Fillers are skipped.
 * Returns: VD_OK, VD_ERR_EMPTY, VD_ERR_CORRUPT (for good: the producer must be replaced and the
 * ring made anew). */
enum vd_err vd_ring_peek(struct vd_ring_consumer *consumer, const struct vd_frame **frame);

/* Done with the frame last peeked. Returns true when the producer waits for room and has it now:
 * wake it. Without a peeked frame: false, nothing happens. */
bool vd_ring_release(struct vd_ring_consumer *consumer);

/* Go on behind the frame last peeked, but leave it in the ring: the next release hands it back as
 * well, and a successor who comes before that finds it. For records of several frames. Without a
 * peeked frame nothing happens. */
void vd_ring_keep(struct vd_ring_consumer *consumer);
/* Bytes that were peeked or kept and not handed back. */
size_t vd_ring_kept_bytes(const struct vd_ring_consumer *consumer);
/* Is there anything behind what was released or kept? */
bool vd_ring_has_more(const struct vd_ring_consumer *consumer);

/* Position (bytes ever consumed before it) of the frame last peeked: a name for it that survives
 * the reader. */
uint64_t vd_ring_position(const struct vd_ring_consumer *consumer);

/* Has nobody released the frame last peeked? For a fork of the reader, which does not see its
 * private position move. */
bool vd_ring_holds(const struct vd_ring_consumer *consumer);

/* Bytes published and not yet consumed; for metrics, any process. */
size_t vd_ring_depth_bytes(const struct vd_ring *ring);
size_t vd_ring_capacity_bytes(const struct vd_ring *ring);

/* ---- doorbell: wakes one sleeping reader of any number of rings ---------------------------------
 *
 * Reader: loop { drain; vd_doorbell_arm; if anything is there: disarm, go on; poll(fd) ;
 *                vd_doorbell_disarm; }
 * Writer: publish; vd_doorbell_ring. It costs a fence and a load while the reader is awake, one
 * write(2) when it sleeps. A writer killed between the two is made good by whoever reaps it:
 * vd_doorbell_force. */
struct vd_doorbell {
    _Alignas(64) _Atomic uint32_t sleeping; /* in shared memory */
    int fd;                                 /* eventfd, inherited by fork: same number everywhere */
};

enum vd_err vd_doorbell_init(struct vd_doorbell *bell, struct vd_error *error);
void vd_doorbell_finish(struct vd_doorbell *bell);
void vd_doorbell_arm(struct vd_doorbell *bell);    /* reader: I am about to sleep */
void vd_doorbell_disarm(struct vd_doorbell *bell); /* reader: awake; swallows pending rings */
void vd_doorbell_ring(struct vd_doorbell *bell);   /* writer, after publishing */
void vd_doorbell_force(struct vd_doorbell *bell);  /* ring whether it sleeps or not */

#endif
