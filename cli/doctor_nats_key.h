/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor needs to log in to a NATS server by a key: the user's JWT of a credentials file,
 * and signatures by a seed. */
#ifndef VIADUCT_CLI_DOCTOR_NATS_KEY_H
#define VIADUCT_CLI_DOCTOR_NATS_KEY_H

#include <stdbool.h>

#include "text.h"

/* The JWT in a credentials file, appended. false: there is none. */
bool nats_key_jwt(const char *file, struct cli_text *jwt);

/* When the JWT ends, in seconds since 1970; 0: never, or it does not say. */
double nats_key_expires(const char *jwt);

/* @nonce signed by the seed in @file (of an nkey, or a credentials file), in base64 for URLs,
 * appended. */
bool nats_key_sign(const char *file, const char *nonce, struct cli_text *signature);

#endif
