/* SPDX-License-Identifier: Apache-2.0 */
/* See gateway_pace.h. The idea of a rate beside the timeout is that of Apache's mod_reqtimeout
 * (https://httpd.apache.org/docs/2.4/mod/mod_reqtimeout.html). */
#include "gateway_pace.h"

void gw_pace_begin(struct gw_pace *pace, uint64_t now_ms, uint32_t timeout_ms)
{
    *pace = (struct gw_pace){.deadline_ms = now_ms + timeout_ms};
}

void gw_pace_progress(struct gw_pace *pace, uint64_t now_ms, size_t bytes, uint32_t timeout_ms,
                      uint32_t rate)
{
    uint64_t thousandths = (uint64_t)bytes * 1000 + pace->rest;
    uint64_t latest = (pace->held ? 0 : now_ms) + timeout_ms;

    pace->deadline_ms += thousandths / rate;
    pace->rest = (uint32_t)(thousandths % rate);
    if (pace->deadline_ms > latest)
        pace->deadline_ms = latest;
}

void gw_pace_hold(struct gw_pace *pace, uint64_t now_ms)
{
    if (pace->held)
        return;
    pace->held = true;
    pace->deadline_ms = pace->deadline_ms > now_ms ? pace->deadline_ms - now_ms : 0;
}

void gw_pace_resume(struct gw_pace *pace, uint64_t now_ms)
{
    if (!pace->held)
        return;
    pace->held = false;
    pace->deadline_ms += now_ms;
}

bool gw_pace_is_late(const struct gw_pace *pace, uint64_t now_ms)
{
    return !pace->held && now_ms >= pace->deadline_ms;
}
