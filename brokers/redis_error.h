/* SPDX-License-Identifier: Apache-2.0 */
/* What an error reply of a Redis server means, in words that say what to mend. The server's own
 * words may name users and keys and are not repeated, but for the code in capitals. Pure. */
#ifndef VIADUCT_BROKERS_REDIS_ERROR_H
#define VIADUCT_BROKERS_REDIS_ERROR_H

#include <stdbool.h>

#include <viaduct/error.h>

enum vd_redis_asked { VD_REDIS_AUTH, VD_REDIS_SUBSCRIBE, VD_REDIS_PUBLISH };

/* @words: the reply without its '-'; @asked: what it answers.
 * *@passing: it is the server's state or rights, which may change while the same message is sent
 * again; false: it may be that message's fault.
 * Returns: error->code: VD_ERR_AUTHENTICATION or VD_ERR_CONNECTION. */
enum vd_err vd_redis_explain(const char *words, enum vd_redis_asked asked, const char *channel,
                             bool *passing, struct vd_error *error);

#endif
