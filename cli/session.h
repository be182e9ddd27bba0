/* SPDX-License-Identifier: Apache-2.0 */
/* A broker handle as pub and sub use it: what happens to its link is said on standard error, and
 * what no waiting can mend (a wrong password, a wrong certificate) ends the command. */
#ifndef VIADUCT_CLI_SESSION_H
#define VIADUCT_CLI_SESSION_H

#include <stdbool.h>

#include "options.h"
#include "settings.h"

struct cli_session {
    struct cli_settings settings;
    struct vd_broker *broker;
    bool quiet;
    bool was_connected;
    bool hopeless; /* refused before it was ever connected */
    char last_failure[VD_ERROR_TEXT_BYTES];
};

/* @session must not move. Returns: true; false: said why, and there is nothing to close. */
bool cli_session_open(struct cli_session *session, const struct cli_options *options);
void cli_session_close(struct cli_session *session);

/* Notices when the link is up for the first time, and says so once. */
bool cli_session_connected(struct cli_session *session);

/* The server does not take a message that was published: why is said in last_failure. */
bool cli_session_dropped(const struct cli_session *session);

/* Why it is not, or was not, connected, as far as is known; "": nothing is wrong. */
const char *cli_session_why(const struct cli_session *session);

#endif
