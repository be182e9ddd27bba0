/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the NATS client library: see nats_session.h.
 *
 * Happy path: the session's thread connects to the first server that lets it, subscribes, tells it,
 * then publishes what it is given until it is released; then it closes all and frees itself.
 *
 * Failure modes: every call of the library may hang (a TLS handshake that stalls, for ever): then
 * this thread hangs alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detached.h"
#include "nats_error.h"
#include "nats_session_state.h"

#define CHUNK_BYTES ((size_t)60 * 1024)
/* What the library may hold between its two threads, only until the second of them runs; the limit
 * that is the user's is our inbox's. */
#define LIBRARY_INBOX_BYTES (16 * 1024 * 1024)

/* Messages on their way to the session's thread: lengths and bytes, one after the other. */
struct vd_nats_chunk {
    struct vd_nats_chunk *next;
    size_t used, capacity;
    unsigned char bytes[];
};

/* ---- owners ------------------------------------------------------------------------------------
 */

static void free_chunks(struct vd_nats_chunk *chunk)
{
    struct vd_nats_chunk *next;

    for (; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
}

static void free_plan(struct vd_nats_session *session)
{
    free(session->servers);
    free(session->channel);
    free(session->own_field);
    free(session->ca);
    free(session->certificate);
    vd_url_wipe(session->key);
    vd_url_wipe(session->username);
    vd_url_wipe(session->password);
    vd_url_wipe(session->token);
    free(session->seed_file);
    free(session->creds_file);
}

void vd_nats_session_hold(struct vd_nats_session *session)
{
    atomic_fetch_add(&session->owners, 1);
}

void vd_nats_session_let_go(struct vd_nats_session *session)
{
    struct vd_nats_shared *shared = session->shared;

    if (atomic_fetch_sub(&session->owners, 1) > 1)
        return;
    vd_nats_inbox_finish(&session->inbox);
    vd_nats_done_destroy(&session->own_done);
    free_chunks(session->first);
    free_chunks(session->spare);
    free_chunks(session->open);
    free_plan(session);
    pthread_mutex_destroy(&session->lock);
    pthread_cond_destroy(&session->work);
    free(session);
    vd_nats_shared_leave(shared);
}

/* ---- notes to the handle -----------------------------------------------------------------------
 */

void vd_nats_session_notice(struct vd_nats_session *session)
{
    vd_nats_shared_notice(session->shared);
}

void vd_nats_session_failed(struct vd_nats_session *session, const struct vd_error *error)
{
    pthread_mutex_lock(&session->lock);
    if (!session->news.failed) {
        session->news.failed = true;
        session->news.error = *error;
    }
    pthread_mutex_unlock(&session->lock);
    vd_nats_session_notice(session);
}

void vd_nats_session_explain(const struct vd_nats_session *session, bool connecting,
                             natsStatus status, const char *text, struct vd_error *error)
{
    const struct vd_nats_context context = {.channel = session->channel,
                                            .tls = session->tls,
                                            .certificate = session->certificate != NULL,
                                            .connecting = connecting};

    vd_nats_explain(status, text, &context, error);
}

/* ---- the session's thread: send ----------------------------------------------------------------
 */

/* The oldest chunk; NULL: it is over. @done: an emptied one. */
static struct vd_nats_chunk *next_chunk(struct vd_nats_session *session, struct vd_nats_chunk *done)
{
    struct vd_nats_chunk *chunk = NULL;

    pthread_mutex_lock(&session->lock);
    if (done && !session->spare && done->capacity == CHUNK_BYTES) {
        session->spare = done;
        done = NULL;
    }
    while (!session->released && !session->over && !session->first)
        pthread_cond_wait(&session->work, &session->lock);
    if (!session->released && !session->over) {
        chunk = session->first;
        session->first = chunk->next;
        chunk->next = NULL;
        if (!session->first)
            session->last = NULL;
    }
    pthread_mutex_unlock(&session->lock);
    free(done);
    return chunk;
}

static natsStatus publish_all(struct vd_nats_session *session, const struct vd_nats_chunk *chunk)
{
    natsStatus status = NATS_OK;
    uint32_t length;

    for (size_t at = 0; status == NATS_OK && at < chunk->used; at += length) {
        memcpy(&length, chunk->bytes + at, sizeof(length));
        at += sizeof(length);
        status = natsConnection_Publish(session->connection, session->channel, chunk->bytes + at,
                                        (int)length);
    }
    return status;
}

static bool more_waits(struct vd_nats_session *session)
{
    bool more;

    pthread_mutex_lock(&session->lock);
    more = session->first != NULL;
    pthread_mutex_unlock(&session->lock);
    return more;
}

/* The library keeps what is published for a millisecond, in the hope of more. We know that there is
 * none: a ping sends it at once. It is sent before its answer is waited for, so that the shortest
 * wait will do. */
static natsStatus send_now(struct vd_nats_session *session)
{
    natsStatus status = natsConnection_FlushTimeout(session->connection, 1);

    return status == NATS_TIMEOUT ? NATS_OK : status;
}

static void serve(struct vd_nats_session *session)
{
    struct vd_nats_chunk *chunk = NULL;
    struct vd_error error;
    natsStatus status;

    while ((chunk = next_chunk(session, chunk)) != NULL) {
        status = publish_all(session, chunk);
        if (status == NATS_OK && !more_waits(session))
            status = send_now(session);
        if (status != NATS_OK) {
            vd_nats_session_explain(session, false, status, NULL, &error);
            vd_nats_session_failed(session, &error);
            free(chunk);
            return;
        }
    }
}

static void tell_connected(struct vd_nats_session *session)
{
    int64_t max_payload = natsConnection_GetMaxPayload(session->connection);

    pthread_mutex_lock(&session->lock);
    session->news.connected = true;
    session->news.max_payload = max_payload;
    pthread_mutex_unlock(&session->lock);
    vd_nats_session_notice(session);
}

/* Closed before anything is destroyed: versions before 3.6 read a subscription that is destroyed
 * while messages come. Where the library is closing already, on a thread of its own, this call
 * comes back at once; on_closed comes when no message can any more. */
static void close_connection(struct vd_nats_session *session)
{
    if (!session->connection)
        return;
    natsConnection_Close(session->connection);
    pthread_mutex_lock(&session->lock);
    while (!session->over)
        pthread_cond_wait(&session->work, &session->lock);
    pthread_mutex_unlock(&session->lock);
}

static void *run(void *context)
{
    struct vd_nats_session *session = context;
    struct vd_error error = {VD_ERR_CONNECTION, "no server was tried"};

    vd_nats_shared_enter();
    if (vd_nats_session_connect(session, &error)) {
        tell_connected(session);
        serve(session);
    } else {
        vd_nats_session_failed(session, &error);
    }
    close_connection(session);
    natsSubscription_Destroy(session->subscription);
    natsConnection_Destroy(session->connection);
    vd_nats_session_let_go(session);
    nats_ReleaseThreadMemory();
    return NULL;
}

/* ---- start and end -----------------------------------------------------------------------------
 */

static bool copy(char **to, const char *text)
{
    if (text)
        *to = strdup(text);
    return !text || *to;
}

static bool copy_plan(struct vd_nats_session *session, const struct vd_nats_plan *plan)
{
    const struct vd_broker_credentials *given = &plan->credentials;
    size_t room = strlen(plan->node_id) + 16;

    session->servers = calloc(plan->server_count, sizeof(*plan->servers));
    session->own_field = malloc(room);
    if (!session->servers || !session->own_field)
        return false;
    memcpy(session->servers, plan->servers, plan->server_count * sizeof(*plan->servers));
    if (!strpbrk(plan->node_id, "\"\\")) {
        session->own_field_length =
            (size_t)snprintf(session->own_field, room, "\",\"nodeId\":\"%s\"", plan->node_id);
    }
    session->server_count = plan->server_count;
    session->first_server = plan->first_server % plan->server_count;
    session->tls = plan->tls;
    session->connect_timeout_ms = plan->connect_timeout_ms;
    session->probe_interval_ms = plan->probe_interval_ms;
    snprintf(session->link_token, sizeof(session->link_token), "%s", plan->link_token);
    snprintf(session->confirm_token, sizeof(session->confirm_token), "%s", plan->confirm_token);
    session->library_inbox_bytes = plan->inbox_bytes < LIBRARY_INBOX_BYTES ? LIBRARY_INBOX_BYTES
                                   : plan->inbox_bytes > INT32_MAX         ? INT32_MAX
                                                                           : (int)plan->inbox_bytes;
    return copy(&session->channel, plan->channel) && copy(&session->ca, plan->ca) &&
           copy(&session->certificate, plan->certificate) && copy(&session->key, plan->key) &&
           copy(&session->username, given->username) && copy(&session->password, given->password) &&
           copy(&session->token, given->token) && copy(&session->seed_file, given->seed_file) &&
           copy(&session->creds_file, given->creds_file);
}

enum vd_err vd_nats_session_start(const struct vd_nats_plan *plan, struct vd_nats_shared *shared,
                                  struct vd_nats_session **made, struct vd_error *error)
{
    struct vd_nats_session *session = calloc(1, sizeof(*session));

    if (!session)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a connection");
    session->shared = shared;
    vd_nats_shared_join(shared);
    atomic_init(&session->owners, 1);
    vd_nats_inbox_init(&session->inbox, plan->inbox_bytes);
    pthread_mutex_init(&session->lock, NULL);
    pthread_cond_init(&session->work, NULL);
    if (!copy_plan(session, plan)) {
        vd_nats_session_let_go(session);
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a connection");
    }
    vd_nats_session_hold(session); /* the thread */
    if (!vd_detached_start(run, session)) {
        atomic_store(&session->owners, 1);
        vd_nats_session_let_go(session);
        return vd_error_set(error, VD_ERR_SYSTEM, "no thread for a connection");
    }
    *made = session;
    return VD_OK;
}

void vd_nats_session_release(struct vd_nats_session *session)
{
    if (!session)
        return;
    vd_nats_inbox_close(&session->inbox);
    pthread_mutex_lock(&session->lock);
    session->released = true;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
    vd_nats_session_let_go(session);
}

void vd_nats_session_abandon(struct vd_nats_session *session)
{
    if (session) {
        free_plan(session);
        free_chunks(session->open);
        free(session);
    }
}

/* ---- the handle's thread -----------------------------------------------------------------------
 */

void vd_nats_session_look(struct vd_nats_session *session, struct vd_nats_news *news)
{
    pthread_mutex_lock(&session->lock);
    *news = session->news;
    pthread_mutex_unlock(&session->lock);
    news->link_probe = atomic_load(&session->link_probe);
    news->link_probe_us = atomic_load(&session->link_probe_us);
    news->confirm_probe = atomic_load(&session->confirm_probe);
    news->slow = atomic_exchange(&session->was_slow, false);
    news->own_messages = atomic_exchange(&session->own_messages, 0);
}

static struct vd_nats_chunk *make_chunk(struct vd_nats_session *session, size_t wanted)
{
    size_t capacity = wanted > CHUNK_BYTES ? wanted : CHUNK_BYTES;
    struct vd_nats_chunk *chunk = NULL;

    if (capacity == CHUNK_BYTES) {
        pthread_mutex_lock(&session->lock);
        chunk = session->spare;
        session->spare = NULL;
        pthread_mutex_unlock(&session->lock);
    }
    if (!chunk)
        chunk = malloc(sizeof(*chunk) + capacity);
    if (chunk) {
        chunk->next = NULL;
        chunk->used = 0;
        chunk->capacity = capacity;
    }
    return chunk;
}

bool vd_nats_session_send(struct vd_nats_session *session, const void *bytes, size_t length)
{
    uint32_t prefix = (uint32_t)length;
    struct vd_nats_chunk *chunk;

    if (session->open && session->open->capacity - session->open->used < sizeof(prefix) + length)
        vd_nats_session_flush(session);
    if (!session->open)
        session->open = make_chunk(session, sizeof(prefix) + length);
    chunk = session->open;
    if (!chunk)
        return false;
    memcpy(chunk->bytes + chunk->used, &prefix, sizeof(prefix));
    memcpy(chunk->bytes + chunk->used + sizeof(prefix), bytes, length);
    chunk->used += sizeof(prefix) + length;
    return true;
}

void vd_nats_session_flush(struct vd_nats_session *session)
{
    struct vd_nats_chunk *chunk = session->open;

    if (!chunk)
        return;
    session->open = NULL;
    pthread_mutex_lock(&session->lock);
    if (session->last) {
        session->last->next = chunk;
    } else {
        session->first = chunk;
    }
    session->last = chunk;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
}

bool vd_nats_session_receive(struct vd_nats_session *session, struct vd_nats_arrival *arrival)
{
    return vd_nats_inbox_pop(&session->inbox, arrival);
}

void vd_nats_session_received(struct vd_nats_session *session)
{
    vd_nats_inbox_give_back(&session->inbox);
}
