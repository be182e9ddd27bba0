/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a broker's connection: see link.h for the states. Pure; nothing here can fail.
 *
 * Failure modes are its subject: whatever goes wrong, in whichever state, ends in fail(), which
 * asks for one disconnect, tells one failure with the number of the attempt and the next delay, and
 * waits. The back-off is reset only by a link that stayed up for two probe intervals, so that a
 * server that accepts and drops is not hammered. */
#include <stdio.h>

#include "link.h"

void vd_link_init(struct vd_link *link, const struct vd_broker_options *options)
{
    *link = (struct vd_link){
        .state = VD_LINK_DOWN,
        .probe_interval_ms = options->probe_interval_ms,
        .connect_timeout_ms = options->connect_timeout_ms,
    };
    vd_backoff_init(&link->backoff, options->backoff_first_ms, options->backoff_cap_ms,
                    options->probe_interval_ms > UINT32_MAX / 2 ? UINT32_MAX
                                                                : options->probe_interval_ms * 2);
}

static unsigned connect_now(struct vd_link *link, uint64_t now_ms)
{
    link->state = VD_LINK_CONNECTING;
    link->reprieved = false;
    link->deadline_ms = now_ms + link->connect_timeout_ms;
    return VD_LINK_DO_CONNECT;
}

static unsigned probe_now(struct vd_link *link, uint64_t now_ms)
{
    link->probe++;
    link->probe_away = true;
    link->reprieved = false;
    link->deadline_ms = now_ms + link->probe_interval_ms;
    link->next_probe_ms = link->deadline_ms;
    return VD_LINK_DO_PROBE;
}

static unsigned fail(struct vd_link *link, const struct vd_link_event *event, enum vd_err code,
                     const char *text)
{
    uint32_t delay_ms = vd_backoff_failed(&link->backoff, event->now_ms, event->random);

    link->state = VD_LINK_BACKOFF;
    link->deadline_ms = event->now_ms + delay_ms;
    link->probe_away = false;
    link->missed = true;
    snprintf(link->failure_text, sizeof(link->failure_text), "%s", text ? text : vd_err_text(code));
    link->failure = (struct vd_broker_failure){
        .code = code,
        .attempt = link->backoff.attempt,
        .next_delay_ms = delay_ms,
        .text = link->failure_text,
    };
    return VD_LINK_DO_DISCONNECT | VD_LINK_TELL_FAILURE;
}

static unsigned time_out(struct vd_link *link, const struct vd_link_event *event)
{
    static const char *const texts[] = {
        [VD_LINK_CONNECTING] = "the server did not take the connection in time",
        [VD_LINK_AUTHENTICATING] = "the server did not answer the login in time",
        [VD_LINK_SUBSCRIBING] = "the server did not acknowledge the subscription in time",
        [VD_LINK_PROBING] = "a first message to ourselves did not come back in time",
        [VD_LINK_UP] = "a message to ourselves did not come back in time: the link is frozen, "
                       "half-open or deaf",
    };

    return fail(link, event, VD_ERR_TIMEOUT, texts[link->state]);
}

/* A deadline has passed. When this tick comes late itself, it was we who were away (stopped, or
 * busy with something else), and what the other side said meanwhile may not have been read to its
 * end: it gets one more interval, once. */
static unsigned overdue(struct vd_link *link, const struct vd_link_event *event)
{
    uint64_t late_ms = event->now_ms - link->deadline_ms;

    if (link->reprieved || late_ms <= link->probe_interval_ms / 2)
        return time_out(link, event);
    link->reprieved = true;
    link->deadline_ms = event->now_ms + link->probe_interval_ms;
    if (link->state == VD_LINK_UP)
        link->next_probe_ms = link->deadline_ms;
    return 0;
}

static unsigned tick_up(struct vd_link *link, const struct vd_link_event *event)
{
    if (link->probe_away)
        return event->now_ms >= link->deadline_ms ? overdue(link, event) : 0;
    if (event->now_ms - link->backoff.up_since_ms >= link->backoff.stable_ms)
        link->backoff.attempt = 0; /* up for good */
    return event->now_ms >= link->next_probe_ms ? probe_now(link, event->now_ms) : 0;
}

static unsigned tick(struct vd_link *link, const struct vd_link_event *event)
{
    switch (link->state) {
    case VD_LINK_DOWN:
        return connect_now(link, event->now_ms);
    case VD_LINK_BACKOFF:
        return event->now_ms >= link->deadline_ms ? connect_now(link, event->now_ms) : 0;
    case VD_LINK_UP:
        return tick_up(link, event);
    default:
        return event->now_ms >= link->deadline_ms ? overdue(link, event) : 0;
    }
}

static unsigned subscribed(struct vd_link *link, uint64_t now_ms)
{
    unsigned todo = link->missed ? VD_LINK_TELL_GAP : 0;

    link->missed = false;
    link->state = VD_LINK_PROBING;
    return todo | probe_now(link, now_ms);
}

static unsigned probe_back(struct vd_link *link, const struct vd_link_event *event)
{
    if (!link->probe_away || event->probe != link->probe)
        return 0;
    link->probe_away = false;
    if (link->state == VD_LINK_UP)
        return 0;
    link->state = VD_LINK_UP;
    vd_backoff_up(&link->backoff, event->now_ms);
    return VD_LINK_TELL_CONNECTED;
}

unsigned vd_link_step(struct vd_link *link, const struct vd_link_event *event)
{
    switch (event->type) {
    case VD_LINK_TICK:
        return tick(link, event);
    case VD_LINK_CONNECTED:
        if (link->state != VD_LINK_CONNECTING)
            return 0;
        link->state = VD_LINK_AUTHENTICATING;
        return VD_LINK_DO_AUTHENTICATE;
    case VD_LINK_AUTHENTICATED:
        if (link->state != VD_LINK_AUTHENTICATING)
            return 0;
        link->state = VD_LINK_SUBSCRIBING;
        return VD_LINK_DO_SUBSCRIBE;
    case VD_LINK_SUBSCRIBED:
        return link->state == VD_LINK_SUBSCRIBING ? subscribed(link, event->now_ms) : 0;
    case VD_LINK_PROBE_BACK:
        return probe_back(link, event);
    case VD_LINK_FAILED:
        if (link->state == VD_LINK_DOWN || link->state == VD_LINK_BACKOFF)
            return 0;
        return fail(link, event, event->code, event->text);
    }
    return 0;
}

uint64_t vd_link_deadline_ms(const struct vd_link *link)
{
    if (link->state == VD_LINK_DOWN)
        return 0;
    if (link->state == VD_LINK_UP && !link->probe_away)
        return link->next_probe_ms;
    return link->deadline_ms;
}

enum vd_broker_state vd_link_status(const struct vd_link *link)
{
    switch (link->state) {
    case VD_LINK_UP:
        return VD_BROKER_CONNECTED;
    case VD_LINK_BACKOFF:
        return VD_BROKER_WAITING;
    default:
        return VD_BROKER_CONNECTING;
    }
}

void vd_link_describe(const struct vd_link *link, struct vd_broker_status *status)
{
    status->state = vd_link_status(link);
    status->connected = vd_link_is_up(link);
    status->attempts = link->backoff.attempt;
    status->next_delay_ms = link->state == VD_LINK_BACKOFF ? link->failure.next_delay_ms : 0;
}
