/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the NATS client library: see nats_session.h.
 *
 * Happy path: the session's thread connects to the first server that lets it, subscribes, tells it,
 * then publishes what it is given until it is released; then it closes all and frees itself. The
 * library's own reconnection is off: two equal refusals would end it for good, failed attempts of
 * it tell nobody, and it holds the connection's lock while it waits.
 *
 * Failure modes: every call of the library may hang (a TLS handshake that stalls, for ever): then
 * this thread hangs alone. A server that ends the connection: on_closed, on another of the
 * library's threads, leaves a note and wakes both.
 *
 * Owners of a session: the handle, the thread, and each callback of the library that may still
 * come (one for the connection's end, one for the subscription's). The last one frees it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/types.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "nats_error.h"
#include "nats_key.h"
#include "nats_session.h"
#include "probe.h"

#define CHUNK_BYTES ((size_t)60 * 1024)
/* What the library may hold between its two threads, only until the second of them runs; the limit
 * that is the user's is our inbox's. */
#define LIBRARY_INBOX_BYTES (16 * 1024 * 1024)

struct vd_nats_shared {
    _Atomic unsigned owners;
    _Atomic unsigned alive;
    _Atomic bool noticed; /* fd is readable, or about to be */
    int fd;
};

/* The library's state is the process's, and its threads do not survive a fork while that state
 * does: a child of a process that has used it can connect, but hears of no disconnection. 0: not
 * used. The one global here, since what it describes is one. */
static _Atomic pid_t library_user;

/* Messages on their way to the session's thread: lengths and bytes, one after the other. */
struct chunk {
    struct chunk *next;
    size_t used, capacity;
    unsigned char bytes[];
};

struct vd_nats_session {
    _Atomic unsigned owners;
    struct vd_nats_shared *shared;
    struct vd_nats_inbox inbox;

    /* the plan: read only */
    struct vd_nats_server *servers;
    size_t server_count, first_server;
    char *channel, *own_field;
    size_t own_field_length;
    char link_token[17], confirm_token[17];
    bool tls;
    char *ca, *certificate, *key;
    char *username, *password, *token, *seed_file, *creds_file;
    uint32_t connect_timeout_ms, probe_interval_ms;
    int library_inbox_bytes;

    _Atomic bool slow; /* the library drops messages: count them before the next that comes */

    /* told to the handle's thread */
    _Atomic bool was_slow;
    _Atomic uint64_t link_probe, link_probe_us, confirm_probe, own_messages;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct vd_nats_news news;
    bool released;
    bool over; /* the connection is gone */
    struct chunk *first, *last;
    struct chunk *spare;

    struct chunk *open;             /* the handle's thread's alone: being filled */
    natsConnection *connection;     /* the session's thread's alone */
    natsSubscription *subscription; /* the session's thread's alone */
};

/* ---- shared ------------------------------------------------------------------------------------
 */

enum vd_err vd_nats_shared_create(struct vd_nats_shared **made, struct vd_error *error)
{
    struct vd_nats_shared *shared;
    pid_t user = atomic_load(&library_user);

    if (user != 0 && user != getpid())
        return vd_error_set(error, VD_ERR_UNSUPPORTED,
                            "this process was forked from one that used NATS: the client library "
                            "does not work here (fork first, connect then)");
    shared = calloc(1, sizeof(*shared));
    if (!shared)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    shared->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* have dispatch called: connect */
    if (shared->fd < 0) {
        free(shared);
        return vd_error_set_errno(error, "descriptor of a broker");
    }
    atomic_init(&shared->owners, 1);
    *made = shared;
    return VD_OK;
}

void vd_nats_shared_release(struct vd_nats_shared *shared)
{
    if (!shared || atomic_fetch_sub(&shared->owners, 1) > 1)
        return;
    close(shared->fd);
    free(shared);
}

void vd_nats_shared_abandon(struct vd_nats_shared *shared)
{
    if (shared)
        close(shared->fd);
    free(shared); /* the sessions that hold it have no threads here */
}

int vd_nats_shared_fd(const struct vd_nats_shared *shared)
{
    return shared->fd;
}

/* First the flag: a notice between the two is read here or stays readable, and is lost in neither.
 */
void vd_nats_shared_swallow(struct vd_nats_shared *shared)
{
    uint64_t count;

    atomic_store(&shared->noticed, false);
    while (read(shared->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

unsigned vd_nats_shared_alive(const struct vd_nats_shared *shared)
{
    return atomic_load(&shared->alive);
}

static void notice(struct vd_nats_shared *shared)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&shared->noticed, true)) {
        while (write(shared->fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
    }
}

/* ---- owners ------------------------------------------------------------------------------------
 */

static void free_chunks(struct chunk *chunk)
{
    struct chunk *next;

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

static void hold(struct vd_nats_session *session)
{
    atomic_fetch_add(&session->owners, 1);
}

static void let_go(struct vd_nats_session *session)
{
    struct vd_nats_shared *shared = session->shared;

    if (atomic_fetch_sub(&session->owners, 1) > 1)
        return;
    vd_nats_inbox_finish(&session->inbox);
    free_chunks(session->first);
    free_chunks(session->spare);
    free_chunks(session->open);
    free_plan(session);
    pthread_mutex_destroy(&session->lock);
    pthread_cond_destroy(&session->work);
    free(session);
    atomic_fetch_sub(&shared->alive, 1);
    notice(shared);
    vd_nats_shared_release(shared);
}

/* ---- notes to the handle -----------------------------------------------------------------------
 */

static void failed(struct vd_nats_session *session, const struct vd_error *error)
{
    pthread_mutex_lock(&session->lock);
    if (!session->news.failed) {
        session->news.failed = true;
        session->news.error = *error;
    }
    pthread_mutex_unlock(&session->lock);
    notice(session->shared);
}

static void explain(const struct vd_nats_session *session, bool connecting, natsStatus status,
                    const char *text, struct vd_error *error)
{
    const struct vd_nats_context context = {.channel = session->channel,
                                            .tls = session->tls,
                                            .certificate = session->certificate != NULL,
                                            .connecting = connecting};

    vd_nats_explain(status, text, &context, error);
}

/* ---- the library's threads ---------------------------------------------------------------------
 */

/* Our own probes are taken out here, so that neither a full inbox nor a slow reader delays them. */
static bool is_probe(struct vd_nats_session *session, const char *text, size_t length)
{
    uint64_t number;

    if (!vd_probe_read(text, length, session->link_token, &number))
        return false;
    if (number > 0) {
        atomic_store(&session->link_probe_us, vd_monotonic_us());
        atomic_store(&session->link_probe, number);
    } else if (vd_probe_read(text, length, session->confirm_token, &number) && number > 0) {
        atomic_store(&session->confirm_probe, number);
    } else {
        return true; /* another node's */
    }
    notice(session->shared);
    return true;
}

/* Messages of this node come back, too. As our encoder writes them, their origin stands right after
 * the scope; whatever is spelled otherwise is filtered after it was decoded. */
static bool is_own(const struct vd_nats_session *session, const char *text, size_t length)
{
    static const char begin[] = "{\"scope\":\"";
    const char *quote;

    if (length < sizeof(begin) || memcmp(text, begin, sizeof(begin) - 1) != 0)
        return false;
    quote = memchr(text + sizeof(begin) - 1, '"', length - (sizeof(begin) - 1));
    return quote && quote[-1] != '\\' &&
           (size_t)(text + length - quote) > session->own_field_length &&
           memcmp(quote, session->own_field, session->own_field_length) == 0;
}

/* What the library itself has dropped. */
static void count_drops(struct vd_nats_session *session, natsSubscription *subscription)
{
    int64_t dropped = 0;

    if (natsSubscription_GetDropped(subscription, &dropped) == NATS_OK &&
        vd_nats_inbox_missed(&session->inbox, (uint64_t)dropped))
        notice(session->shared);
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *context)
{
    struct vd_nats_session *session = context;
    const char *text = natsMsg_GetData(message);
    size_t length = (size_t)natsMsg_GetDataLength(message);

    (void)connection;
    if (atomic_load_explicit(&session->slow, memory_order_relaxed) &&
        atomic_exchange(&session->slow, false))
        count_drops(session, subscription);
    if (is_probe(session, text, length)) {
        natsMsg_Destroy(message);
    } else if (is_own(session, text, length)) {
        atomic_fetch_add_explicit(&session->own_messages, 1, memory_order_relaxed);
        natsMsg_Destroy(message);
    } else if (vd_nats_inbox_push(&session->inbox, message)) {
        notice(session->shared);
    }
}

static void on_subscription_over(void *context)
{
    let_go(context);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *context)
{
    struct vd_nats_session *session = context;
    const char *text = NULL;
    struct vd_error error;

    if (status == NATS_SLOW_CONSUMER) { /* told at the first of a row of them */
        atomic_store(&session->slow, true);
        atomic_store(&session->was_slow, true);
        count_drops(session, subscription);
    } else if (status == NATS_NOT_PERMITTED) {
        natsConnection_GetLastError(connection, &text);
        explain(session, false, status, text, &error);
        failed(session, &error);
    }
}

static void on_lame_duck(natsConnection *connection, void *context)
{
    struct vd_nats_session *session = context;

    (void)connection;
    pthread_mutex_lock(&session->lock);
    session->news.lame = true;
    pthread_mutex_unlock(&session->lock);
    notice(session->shared);
}

/* The last callback of a connection. */
static void on_closed(natsConnection *connection, void *context)
{
    struct vd_nats_session *session = context;
    const char *text = NULL;
    struct vd_error error;
    natsStatus status = natsConnection_GetLastError(connection, &text);

    explain(session, false, status, text, &error);
    pthread_mutex_lock(&session->lock);
    session->over = true;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
    failed(session, &error);
    let_go(session);
}

/* ---- the session's thread: connect -------------------------------------------------------------
 */

/* AEAD suites are of TLS 1.2 or later, so no older version can be agreed on. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"

static natsStatus all_of(const natsStatus *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (results[i] != NATS_OK)
            return results[i];
    }
    return NATS_OK;
}
#define ALL_OF(results) all_of(results, sizeof(results) / sizeof((results)[0]))

static natsStatus set_behaviour(natsOptions *options, struct vd_nats_session *session,
                                const char *url, int64_t timeout_ms)
{
    const int64_t ping_ms = session->probe_interval_ms < 1000 ? 1000 : session->probe_interval_ms;
    const natsStatus results[] = {
        natsOptions_SetURL(options, url),
        natsOptions_SetTimeout(options, timeout_ms),
        natsOptions_SetAllowReconnect(options, false),
        natsOptions_SetPingInterval(options, ping_ms),
        natsOptions_SetMaxPingsOut(options, 2),
        natsOptions_SetWriteDeadline(options, 2 * ping_ms),
        natsOptions_SetIgnoreDiscoveredServers(options, true),
        natsOptions_SetErrorHandler(options, on_error, session),
        natsOptions_SetClosedCB(options, on_closed, session),
        natsOptions_SetLameDuckModeCB(options, on_lame_duck, session),
        natsOptions_SetName(options, "viaduct"),
    };

    return ALL_OF(results);
}

static natsStatus set_tls(natsOptions *options, const struct vd_nats_session *session,
                          const char *host)
{
    natsStatus results[] = {natsOptions_SetSecure(options, true),
                            natsOptions_SetExpectedHostname(options, host),
                            natsOptions_SetCiphers(options, CIPHERS), NATS_OK, NATS_OK};

    if (session->ca)
        results[3] = natsOptions_SetCATrustedCertificates(options, session->ca);
    if (session->certificate)
        results[4] = natsOptions_SetCertificatesChain(options, session->certificate, session->key);
    return ALL_OF(results);
}

static natsStatus set_credentials(natsOptions *options, const struct vd_nats_session *session,
                                  struct vd_error *error)
{
    char key[VD_NATS_PUBLIC_LENGTH + 1];

    if (session->creds_file)
        return natsOptions_SetUserCredentialsFromFiles(options, session->creds_file, NULL);
    if (session->seed_file) {
        if (vd_nats_seed_public("credentials.seed_file", session->seed_file, key, error) != VD_OK)
            return NATS_INVALID_ARG;
        return natsOptions_SetNKeyFromSeed(options, key, session->seed_file);
    }
    if (session->token)
        return natsOptions_SetToken(options, session->token);
    if (session->username || session->password)
        return natsOptions_SetUserInfo(options, session->username, session->password);
    return NATS_OK;
}

static bool look_up(const struct vd_nats_server *server, struct vd_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int result = getaddrinfo(server->host, server->port, &hints, &addresses);

    if (result) {
        vd_error_set(error, VD_ERR_CONNECTION, "the host name has no address: %s",
                     gai_strerror(result));
        return false;
    }
    freeaddrinfo(addresses);
    return true;
}

static bool dial(struct vd_nats_session *session, const struct vd_nats_server *server,
                 int64_t timeout_ms, struct vd_error *error)
{
    bool six = strchr(server->host, ':') != NULL;
    natsOptions *options = NULL;
    char url[300];
    natsStatus status = natsOptions_Create(&options);

    snprintf(url, sizeof(url), "nats://%s%s%s:%s", six ? "[" : "", server->host, six ? "]" : "",
             server->port);
    *error = (struct vd_error){0};
    if (status == NATS_OK)
        status = set_behaviour(options, session, url, timeout_ms);
    if (status == NATS_OK)
        status = set_credentials(options, session, error);
    if (status == NATS_OK && session->tls)
        status = set_tls(options, session, server->host);
    if (status != NATS_OK && !error->code) {
        vd_error_set(error, VD_ERR_INVALID, "the keys or certificates cannot be used");
    } else if (status == NATS_OK) {
        hold(session); /* on_closed */
        status = natsConnection_Connect(&session->connection, options);
        if (status != NATS_OK) {
            explain(session, true, status, nats_GetLastError(NULL), error);
            let_go(session);
        }
    }
    natsOptions_Destroy(options);
    return status == NATS_OK;
}

static bool subscribe(struct vd_nats_session *session, struct vd_error *error)
{
    natsStatus status = natsConnection_Subscribe(&session->subscription, session->connection,
                                                 session->channel, on_message, session);

    if (status == NATS_OK) {
        hold(session); /* on_subscription_over */
        status =
            natsSubscription_SetOnCompleteCB(session->subscription, on_subscription_over, session);
        if (status != NATS_OK)
            let_go(session);
    }
    if (status == NATS_OK)
        status = natsSubscription_SetPendingLimits(session->subscription, -1,
                                                   session->library_inbox_bytes);
    if (status != NATS_OK)
        explain(session, true, status, nats_GetLastError(NULL), error);
    return status == NATS_OK;
}

static bool is_released(struct vd_nats_session *session)
{
    bool released;

    pthread_mutex_lock(&session->lock);
    released = session->released;
    pthread_mutex_unlock(&session->lock);
    return released;
}

static void trying(struct vd_nats_session *session, size_t server, bool shaking)
{
    pthread_mutex_lock(&session->lock);
    session->news.server = server;
    session->news.shaking = shaking;
    pthread_mutex_unlock(&session->lock);
}

/* Each server in turn; those that are left share what is left of the time, but for a reserve, so
 * that the last one's own answer comes before the link's deadline. */
static bool connect_any(struct vd_nats_session *session, struct vd_error *error)
{
    uint64_t deadline_ms = vd_monotonic_ms() + session->connect_timeout_ms * 3 / 4;

    for (size_t i = 0; i < session->server_count && !is_released(session); i++) {
        size_t at = (session->first_server + i) % session->server_count;
        uint64_t now_ms = vd_monotonic_ms();
        uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
        uint64_t share_ms = left_ms / (session->server_count - i);
        trying(session, at, false);
        if (!look_up(&session->servers[at], error))
            continue;
        trying(session, at, true);
        if (dial(session, &session->servers[at], share_ms ? (int64_t)share_ms : 1, error))
            return subscribe(session, error);
    }
    return false;
}

/* ---- the session's thread: send ----------------------------------------------------------------
 */

/* The oldest chunk; NULL: it is over. @done: an emptied one. */
static struct chunk *next_chunk(struct vd_nats_session *session, struct chunk *done)
{
    struct chunk *chunk = NULL;

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

static natsStatus publish_all(struct vd_nats_session *session, const struct chunk *chunk)
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

static void serve(struct vd_nats_session *session)
{
    struct chunk *chunk = NULL;
    struct vd_error error;
    natsStatus status;

    while ((chunk = next_chunk(session, chunk)) != NULL) {
        status = publish_all(session, chunk);
        if (status != NATS_OK) {
            explain(session, false, status, NULL, &error);
            failed(session, &error);
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
    notice(session->shared);
}

static void *run(void *context)
{
    struct vd_nats_session *session = context;
    struct vd_error error = {VD_ERR_CONNECTION, "no server was tried"};

    atomic_store(&library_user, getpid());
    if (connect_any(session, &error)) {
        tell_connected(session);
        serve(session);
    } else {
        failed(session, &error);
    }
    if (session->connection)
        natsConnection_Close(session->connection);
    natsSubscription_Destroy(session->subscription);
    natsConnection_Destroy(session->connection);
    let_go(session);
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
    session->own_field_length =
        (size_t)snprintf(session->own_field, room, "\",\"nodeId\":\"%s\"", plan->node_id);
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

static bool start_thread(struct vd_nats_session *session)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    int result;

    sigfillset(&all); /* signals are for the program's own threads; the library's inherit this */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    result = pthread_create(&thread, &attributes, run, session);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result == 0;
}

enum vd_err vd_nats_session_start(const struct vd_nats_plan *plan, struct vd_nats_shared *shared,
                                  struct vd_nats_session **made, struct vd_error *error)
{
    struct vd_nats_session *session = calloc(1, sizeof(*session));

    if (!session)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a connection");
    session->shared = shared;
    atomic_fetch_add(&shared->owners, 1);
    atomic_fetch_add(&shared->alive, 1);
    atomic_init(&session->owners, 1);
    vd_nats_inbox_init(&session->inbox, plan->inbox_bytes);
    pthread_mutex_init(&session->lock, NULL);
    pthread_cond_init(&session->work, NULL);
    if (!copy_plan(session, plan)) {
        let_go(session);
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a connection");
    }
    hold(session); /* the thread */
    if (!start_thread(session)) {
        let_go(session);
        let_go(session);
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
    let_go(session);
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

static struct chunk *make_chunk(struct vd_nats_session *session, size_t wanted)
{
    size_t capacity = wanted > CHUNK_BYTES ? wanted : CHUNK_BYTES;
    struct chunk *chunk = NULL;

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
    struct chunk *chunk;

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
    struct chunk *chunk = session->open;

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
