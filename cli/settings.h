/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of the command line to those of the broker: files with secrets are read, the URL
 * gets a form that may be shown. */
#ifndef VIADUCT_CLI_SETTINGS_H
#define VIADUCT_CLI_SETTINGS_H

#include <stdbool.h>

#include <viaduct/broker.h>
#include <viaduct/broker_driver.h>

#include "options.h"

struct cli_settings {
    struct vd_broker_options broker;
    const struct vd_broker_driver *driver;
    char shown[256]; /* the URL without user and password */
    char *url, *password, *token;
};

/* A user or password in an URL of the command line is overwritten there.
 * Returns: true; false: said why, in words of the command line, without any secret. */
bool cli_settings_make(struct cli_settings *settings, const struct cli_options *options);
void cli_settings_finish(struct cli_settings *settings); /* wipes the secrets; zeroed is fine */

/* @error of the broker, with the options named as on the command line: "tls_ca_file" is "--ca". The
 * result is @text, or in @buffer (VD_ERROR_TEXT_BYTES + 32). */
const char *cli_settings_name(const char *text, char *buffer);

#endif
