/* SPDX-License-Identifier: Apache-2.0 */
/* One broker handle and what is said about it: see session.h. */
#include <stdio.h>
#include <string.h>

#include "session.h"

/* What no waiting mends. A handshake that is not finished, or broken off without a word, is none of
 * it: the server may just be starting. */
static bool is_refusal(const struct vd_broker_failure *failure)
{
    static const char *const words[] = {"certificate", "does not speak TLS", "wants TLS",
                                        " alert "};

    if (failure->code == VD_ERR_AUTHENTICATION)
        return true;
    for (size_t i = 0; failure->code == VD_ERR_TLS && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(failure->text, words[i]))
            return true;
    }
    return false;
}

static void on_error(struct vd_broker *broker, const struct vd_broker_failure *failure,
                     void *context)
{
    struct cli_session *session = context;

    (void)broker;
    snprintf(session->last_failure, sizeof(session->last_failure), "%s", failure->text);
    if (!session->was_connected && is_refusal(failure)) {
        session->hopeless = true;
        return;
    }
    if (!cli_session_dropped(session) && !session->quiet) {
        cli_say("%s (%s); next attempt in %.1f s", failure->text, session->settings.shown,
                failure->next_delay_ms / 1000.0);
    }
}

static void on_gap(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    struct cli_session *session = context;
    static const char *const reasons[] = {
        [VD_GAP_SEQUENCE] = "numbers of a node are missing",
        [VD_GAP_OVERFLOW] = "this reader was too slow",
        [VD_GAP_RECONNECT] = "the link was down",
    };

    (void)broker;
    if (session->quiet)
        return;
    if (gap->missed > 0) {
        cli_say("gap: %s, %llu messages are lost", reasons[gap->reason],
                (unsigned long long)gap->missed);
    } else {
        cli_say("gap: %s, messages may be lost", reasons[gap->reason]);
    }
}

bool cli_session_open(struct cli_session *session, const struct cli_options *options)
{
    struct vd_broker_options *broker = &session->settings.broker;
    char buffer[VD_ERROR_TEXT_BYTES + 32];
    struct vd_error error;

    *session = (struct cli_session){.quiet = options->quiet};
    if (!cli_settings_make(&session->settings, options))
        return false;
    broker->on_error = on_error;
    broker->on_gap = on_gap;
    broker->context = session;
    if (vd_broker_open(broker, &session->broker, &error) == VD_OK)
        return true;
    cli_say("%s", cli_settings_name(error.text, buffer));
    cli_settings_finish(&session->settings);
    return false;
}

void cli_session_close(struct cli_session *session)
{
    vd_broker_destroy(session->broker);
    cli_settings_finish(&session->settings);
}

bool cli_session_connected(struct cli_session *session)
{
    struct vd_broker_status status;

    if (!session->was_connected) {
        vd_broker_status(session->broker, &status);
        session->was_connected = status.connected;
    }
    return session->was_connected;
}

bool cli_session_dropped(const struct cli_session *session)
{
    struct vd_broker_status status;

    vd_broker_status(session->broker, &status);
    return status.counters.outbox_drops > 0;
}

const char *cli_session_why(const struct cli_session *session)
{
    if (session->was_connected || *session->last_failure)
        return session->last_failure;
    return "no attempt has ended yet; \"viaduct doctor\" looks at each step";
}
