/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that change: before each attempt to connect a worker is asked for them, since the
 * gateway runs no code of the application.
 *
 * Happy path: the driver wants them, a worker that is ready gets VD_FRAME_EVENT_BROKER_CREDENTIALS,
 * its answer is copied out of the ring, the driver is told and takes it. Each answer serves one
 * attempt.
 *
 * Failure modes: no worker is ready yet - the first that is will be asked. A worker dies, or is
 * busy for longer than ASK_PATIENCE_MS - another is asked, the first answer counts. Nobody answers
 * within the attempt's time - it fails and the next one asks again. A worker that has none says so,
 * and the attempt fails at once. The texts are wiped when the next ones come. */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define ASK_PATIENCE_MS 1000

static bool can_be_asked(const struct gw_worker *worker)
{
    return worker->ready && worker->generation && !worker->broken;
}

static bool must_ask(const struct gateway *gateway)
{
    const struct gw_credentials *credentials = &gateway->credentials;
    const struct gw_worker *asked = &gateway->workers[credentials->asked];

    if (!credentials->wanted || credentials->answered)
        return false;
    return credentials->generation == 0 || credentials->generation != asked->generation ||
           !can_be_asked(asked) || gateway->now_ms >= credentials->asked_ms + ASK_PATIENCE_MS;
}

/* The one after the one that was asked last. */
static struct gw_worker *next_worker(struct gateway *gateway)
{
    unsigned count = gateway->config->workers;

    for (unsigned i = 1; i <= count; i++) {
        struct gw_worker *worker = &gateway->workers[(gateway->credentials.asked + i) % count];

        if (can_be_asked(worker))
            return worker;
    }
    return NULL;
}

void gw_credentials_turn(struct gateway *gateway)
{
    struct gw_credentials *credentials = &gateway->credentials;
    struct gw_worker *worker;
    struct gw_lane_entry *entry;

    if (!must_ask(gateway) || (worker = next_worker(gateway)) == NULL)
        return;
    entry = gw_lane_entry_create(VD_FRAME_EVENT_BROKER_CREDENTIALS, credentials->question, NULL, 0,
                                 false);
    if (!entry)
        return;
    credentials->asked = worker->index;
    credentials->generation = worker->generation;
    credentials->asked_ms = gateway->now_ms;
    gw_lane_append(worker, entry);
    gw_lane_flush(worker);
}

enum vd_err gw_credentials_for_attempt(struct gateway *gateway,
                                       struct vd_broker_credentials *wanted)
{
    struct gw_credentials *credentials = &gateway->credentials;

    if (credentials->wanted && credentials->answered) {
        credentials->wanted = credentials->answered = false;
        *wanted = credentials->texts;
        return credentials->refused ? VD_ERR_NOT_FOUND : VD_OK;
    }
    if (!credentials->wanted) {
        credentials->wanted = true;
        credentials->question++;
        credentials->generation = 0;
    }
    gw_credentials_turn(gateway);
    return VD_ERR_EMPTY;
}

static bool lengths_fit(const struct vd_frame_broker_credentials *head, size_t length)
{
    size_t sum = 0;

    for (size_t i = 0; i < VD_CREDENTIAL_TEXTS; i++) {
        if (head->lengths[i] == VD_CREDENTIAL_NONE)
            continue;
        if (head->lengths[i] > VD_CREDENTIAL_BYTES_MAX)
            return false;
        sum += head->lengths[i];
    }
    return sum == length;
}

static void drop(struct gw_credentials *credentials)
{
    if (credentials->bytes)
        explicit_bzero(credentials->bytes, credentials->length);
    free(credentials->bytes);
    credentials->bytes = NULL;
    credentials->length = 0;
    credentials->texts = (struct vd_broker_credentials){0};
}

static bool keep(struct gw_credentials *credentials, const struct vd_frame_broker_credentials *head,
                 const char *from, size_t length)
{
    const char **texts[VD_CREDENTIAL_TEXTS] = {
        &credentials->texts.username, &credentials->texts.password, &credentials->texts.token,
        &credentials->texts.seed_file, &credentials->texts.creds_file};
    char *to;

    drop(credentials);
    to = credentials->bytes = calloc(1, length + VD_CREDENTIAL_TEXTS);
    if (!to)
        return false;
    credentials->length = length + VD_CREDENTIAL_TEXTS;
    for (size_t i = 0; i < VD_CREDENTIAL_TEXTS; i++) {
        if (head->lengths[i] == VD_CREDENTIAL_NONE)
            continue;
        memcpy(to, from, head->lengths[i]);
        *texts[i] = to;
        to += head->lengths[i] + 1;
        from += head->lengths[i];
    }
    return true;
}

bool gw_credentials_answer(struct gateway *gateway, const struct vd_frame *frame)
{
    struct gw_credentials *credentials = &gateway->credentials;
    struct vd_frame_broker_credentials head;

    if (frame->length < sizeof(head))
        return false;
    memcpy(&head, frame->payload, sizeof(head));
    if (!lengths_fit(&head, frame->length - sizeof(head)))
        return false;
    if (!credentials->wanted || credentials->answered || frame->tag != credentials->question)
        return true; /* too late */
    credentials->refused =
        !head.given || !keep(credentials, &head, (const char *)frame->payload + sizeof(head),
                             frame->length - sizeof(head));
    credentials->answered = true;
    gw_link_credentials_ready(gateway);
    return true;
}

void gw_credentials_finish(struct gw_credentials *credentials)
{
    drop(credentials);
}
