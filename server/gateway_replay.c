/* SPDX-License-Identifier: Apache-2.0 */
/* What a reconnecting stream has missed: an index over the history in shared memory.
 *
 * Private to the gateway and built anew from the history when it starts. For each exact scope the
 * offsets of its last messages (bounded by count; age is checked at replay), and the highest offset
 * that is no longer to be had: a stream whose last id lies below that has a gap and is told so.
 * Messages to a glob scope are few; they stand in a list of their own that every replay looks
 * through. A stream that follows a glob reads the history itself, forward from what it has seen.
 *
 * What the index cannot vouch for (an unknown scope, with the beginning of the history gone) counts
 * as a gap: better a needless render than a stale page. */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define BUCKETS 16384 /* power of two */
#define CACHED_EVENTS                                                                              \
    65536                 /* power of two: as many as a history of the default size has entries    \
                           */
#define SCOPES_MANY 65536 /* from here on, forget those of which nothing is kept */

struct scope_log {
    SLIST_ENTRY(scope_log) link;
    uint64_t *offsets; /* ring of the last ones */
    uint32_t capacity, first, count;
    uint64_t lost; /* highest offset of this scope that is gone; 0: none */
    uint16_t length;
    char scope[];
};

struct gw_replay {
    struct vd_history *history;
    size_t per_scope;
    uint32_t age_ms;
    SLIST_HEAD(, scope_log) buckets[BUCKETS];
    size_t scope_count, forget_at;
    uint64_t forgotten; /* highest lost offset of scopes that were dropped from the index */
    uint64_t gap;       /* offset of the last gap of the broker's link; 0: none */
    struct scope_log *globs;
    /* Encoded entries of the history, by offset, for all who want them. Those that the history has
     * dropped are released: the cache is as bounded as the history is. */
    struct gw_event *cache[CACHED_EVENTS];
    uint64_t cached[CACHED_EVENTS];
    uint64_t released; /* all before this offset are */
    uint64_t seen_position[VD_WORKERS_MAX];
    uint32_t seen_generation[VD_WORKERS_MAX];
    bool seen_any[VD_WORKERS_MAX];
};

/* ---- one scope ---------------------------------------------------------------------------------
 */

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
static uint32_t hash(const char *bytes, size_t length)
{
    uint32_t value = 2166136261u;

    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)bytes[i]) * 16777619u;
    return value;
}

static struct scope_log *log_find(struct gw_replay *replay, const char *scope, size_t length)
{
    struct scope_log *log;

    SLIST_FOREACH(log, &replay->buckets[hash(scope, length) & (BUCKETS - 1)], link)
    if (log->length == length && memcmp(log->scope, scope, length) == 0)
        return log;
    return NULL;
}

static struct scope_log *log_new(const char *scope, size_t length)
{
    struct scope_log *log = calloc(1, sizeof(*log) + length);

    if (log) {
        log->length = (uint16_t)length;
        memcpy(log->scope, scope, length);
    }
    return log;
}

static void log_free(struct scope_log *log)
{
    if (log)
        free(log->offsets);
    free(log);
}

static uint64_t log_at(const struct scope_log *log, uint32_t index)
{
    return log->offsets[(log->first + index) & (log->capacity - 1)];
}

static void log_pop(struct scope_log *log)
{
    log->lost = log_at(log, 0);
    log->first = (log->first + 1) & (log->capacity - 1);
    log->count--;
}

static void log_expire(struct gw_replay *replay, struct scope_log *log)
{
    uint64_t kept = vd_history_first(replay->history);

    while (log->count && log_at(log, 0) < kept)
        log_pop(log);
}

static bool log_grow(struct scope_log *log)
{
    uint32_t capacity = log->capacity ? log->capacity * 2 : 4;
    uint64_t *grown = malloc(capacity * sizeof(*grown));

    if (!grown)
        return false;
    for (uint32_t i = 0; i < log->count; i++)
        grown[i] = log_at(log, i);
    free(log->offsets);
    log->offsets = grown;
    log->capacity = capacity;
    log->first = 0;
    return true;
}

static void log_push(struct gw_replay *replay, struct scope_log *log, uint64_t offset)
{
    log_expire(replay, log);
    if (log->count >= replay->per_scope)
        log_pop(log);
    if (log->count == log->capacity && !log_grow(log)) {
        log->lost = offset;
        return;
    }
    log->offsets[(log->first + log->count++) & (log->capacity - 1)] = offset;
}

/* Scopes of which nothing is kept any more make room. The next look comes when there are twice as
 * many as are left: what it costs is spread over as many new scopes. */
static void forget_empty(struct gw_replay *replay)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct scope_log *log = SLIST_FIRST(&replay->buckets[i]), *next;

        for (; log; log = next) {
            next = SLIST_NEXT(log, link);
            log_expire(replay, log);
            if (log->count)
                continue;
            if (log->lost > replay->forgotten)
                replay->forgotten = log->lost;
            SLIST_REMOVE(&replay->buckets[i], log, scope_log, link);
            log_free(log);
            replay->scope_count--;
        }
    }
    replay->forget_at =
        2 * replay->scope_count > SCOPES_MANY ? 2 * replay->scope_count : SCOPES_MANY;
}

static struct scope_log *log_get(struct gw_replay *replay, const char *scope, size_t length)
{
    struct scope_log *log;

    if (vd_scope_is_glob(scope, length))
        return replay->globs;
    log = log_find(replay, scope, length);
    if (log)
        return log;
    if (replay->scope_count >= replay->forget_at)
        forget_empty(replay);
    log = log_new(scope, length);
    if (!log)
        return NULL;
    log->lost = replay->forgotten; /* it may be one of those */
    SLIST_INSERT_HEAD(&replay->buckets[hash(scope, length) & (BUCKETS - 1)], log, link);
    replay->scope_count++;
    return log;
}

/* ---- the index ---------------------------------------------------------------------------------
 */

static void release_dropped(struct gw_replay *replay)
{
    uint64_t first = vd_history_first(replay->history);

    if (first - replay->released > CACHED_EVENTS)
        replay->released = first - CACHED_EVENTS;
    for (; replay->released < first; replay->released++) {
        size_t slot = replay->released & (CACHED_EVENTS - 1);

        if (replay->cache[slot] && replay->cached[slot] < first) {
            gw_event_release(replay->cache[slot]);
            replay->cache[slot] = NULL;
        }
    }
}

void gw_replay_note(struct gw_replay *replay, uint64_t offset, const char *scope, size_t length)
{
    struct scope_log *log = log_get(replay, scope, length);

    release_dropped(replay);
    if (log) {
        log_push(replay, log, offset);
    } else if (offset > replay->forgotten) {
        replay->forgotten = offset;
    }
}

void gw_replay_note_lost(struct gw_replay *replay, uint64_t offset, const char *scope,
                         size_t length)
{
    struct scope_log *log = log_get(replay, scope, length);

    if (log) {
        log->lost = offset;
    } else {
        replay->forgotten = offset;
    }
}

void gw_replay_note_source(struct gw_replay *replay, struct vd_history_source source)
{
    uint32_t index = source.source - 1;

    if (source.source == 0 || index >= VD_WORKERS_MAX)
        return;
    replay->seen_any[index] = true;
    replay->seen_generation[index] = source.generation;
    replay->seen_position[index] = source.position;
}

bool gw_replay_has_seen(const struct gw_replay *replay, struct vd_history_source source)
{
    uint32_t index = source.source - 1;

    return replay->seen_any[index] && replay->seen_generation[index] == source.generation &&
           source.position <= replay->seen_position[index];
}

struct gw_replay *gw_replay_create(struct vd_history *history, size_t per_scope, uint32_t age_ms)
{
    struct gw_replay *replay = calloc(1, sizeof(*replay));
    struct vd_history_entry entry;

    if (!replay)
        return NULL;
    replay->history = history;
    replay->per_scope = per_scope;
    replay->age_ms = age_ms;
    replay->globs = log_new("", 0);
    if (!replay->globs) {
        free(replay);
        return NULL;
    }
    /* Nothing is known of what was there before. */
    replay->forget_at = SCOPES_MANY;
    replay->released = vd_history_first(history);
    replay->forgotten = vd_history_first(history) - 1;
    replay->globs->lost = replay->forgotten;
    for (uint64_t offset = vd_history_first(history); offset < vd_history_next(history); offset++) {
        if (vd_history_get(history, offset, &entry) != VD_OK)
            continue;
        gw_replay_note(replay, offset, entry.message.scope, entry.message.scope_length);
        gw_replay_note_source(replay, entry.source);
    }
    return replay;
}

void gw_replay_destroy(struct gw_replay *replay)
{
    if (!replay)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct scope_log *log;

        while ((log = SLIST_FIRST(&replay->buckets[i]))) {
            SLIST_REMOVE_HEAD(&replay->buckets[i], link);
            log_free(log);
        }
    }
    for (size_t i = 0; i < CACHED_EVENTS; i++)
        gw_event_release(replay->cache[i]);
    log_free(replay->globs);
    free(replay);
}

/* ---- replay ------------------------------------------------------------------------------------
 */

struct collection {
    struct gw_replay *replay;
    const struct vd_text *patterns;
    size_t pattern_count;
    uint64_t last, oldest_ms;
    uint64_t *offsets;
    size_t count, capacity;
    bool gap;
};

static void collect(struct collection *collection, uint64_t offset, uint64_t time_ms)
{
    if (time_ms < collection->oldest_ms) {
        collection->gap = true;
        return;
    }
    if (collection->count == collection->capacity) {
        size_t capacity = collection->capacity ? collection->capacity * 2 : 64;
        uint64_t *grown = realloc(collection->offsets, capacity * sizeof(*grown));

        if (!grown) {
            collection->gap = true;
            return;
        }
        collection->offsets = grown;
        collection->capacity = capacity;
    }
    collection->offsets[collection->count++] = offset;
}

static bool wanted(const struct collection *collection, const struct vd_message *message)
{
    for (size_t i = 0; i < collection->pattern_count; i++) {
        if (vd_scope_overlaps(collection->patterns[i].bytes, collection->patterns[i].length,
                              message->scope, message->scope_length))
            return true;
    }
    return false;
}

/* Newest first, back to what the stream has seen. */
static void collect_log(struct collection *collection, struct scope_log *log, bool check)
{
    log_expire(collection->replay, log);
    if (log->lost > collection->last)
        collection->gap = true;
    for (uint32_t i = log->count; i-- > 0 && log_at(log, i) > collection->last;) {
        struct vd_history_entry entry;

        if (vd_history_get(collection->replay->history, log_at(log, i), &entry) == VD_OK &&
            (!check || wanted(collection, &entry.message)))
            collect(collection, entry.offset, entry.time_ms);
    }
}

static void collect_forward(struct collection *collection)
{
    struct vd_history *history = collection->replay->history;
    uint64_t first = vd_history_first(history), offset = collection->last + 1;

    if (offset < first) {
        collection->gap = true;
        offset = first;
    }
    for (; offset < vd_history_next(history); offset++) {
        struct vd_history_entry entry;

        if (vd_history_get(history, offset, &entry) != VD_OK) {
            collection->gap = true;
        } else if (wanted(collection, &entry.message)) {
            collect(collection, offset, entry.time_ms);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void sort_and_merge(struct collection *collection)
{
    size_t kept = 0;

    if (collection->count == 0)
        return;
    qsort(collection->offsets, collection->count, sizeof(uint64_t), ascending);
    for (size_t i = 1; i < collection->count; i++) {
        if (collection->offsets[i] != collection->offsets[kept])
            collection->offsets[++kept] = collection->offsets[i];
    }
    collection->count = kept + 1;
}

static void collect_exact(struct collection *collection)
{
    struct gw_replay *replay = collection->replay;

    for (size_t i = 0; i < collection->pattern_count; i++) {
        struct scope_log *log =
            log_find(replay, collection->patterns[i].bytes, collection->patterns[i].length);

        if (log) {
            collect_log(collection, log, false);
        } else if (replay->forgotten > collection->last) {
            collection->gap = true;
        }
    }
    collect_log(collection, replay->globs, true);
}

size_t gw_replay_collect(struct gw_replay *replay, const struct vd_text *patterns,
                         size_t pattern_count, uint64_t last, uint64_t wall_ms, uint64_t **offsets,
                         bool *gap)
{
    struct collection collection = {
        .replay = replay,
        .patterns = patterns,
        .pattern_count = pattern_count,
        .last = last,
        .oldest_ms = wall_ms > replay->age_ms ? wall_ms - replay->age_ms : 0,
    };
    bool globs = false;

    for (size_t i = 0; i < pattern_count; i++)
        globs |= vd_scope_is_glob(patterns[i].bytes, patterns[i].length);
    if (globs) {
        collect_forward(&collection);
    } else {
        collect_exact(&collection);
    }
    sort_and_merge(&collection);
    *offsets = collection.offsets;
    *gap = collection.gap;
    return collection.count;
}

/* After a crash thousands come back at once and want the same events. */
struct gw_event *gw_replay_event(struct gw_replay *replay, uint64_t offset)
{
    size_t slot = offset & (CACHED_EVENTS - 1);
    struct vd_history_entry entry;

    if (!replay->cache[slot] || replay->cached[slot] != offset) {
        if (vd_history_get(replay->history, offset, &entry) != VD_OK)
            return NULL;
        gw_event_release(replay->cache[slot]);
        replay->cache[slot] =
            gw_event_encode(&entry.message, vd_history_epoch(replay->history), offset);
        replay->cached[slot] = offset;
    }
    if (replay->cache[slot])
        replay->cache[slot]->references++;
    return replay->cache[slot];
}
