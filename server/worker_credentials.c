/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to VD_WORKER_BROKER_CREDENTIALS: one frame, checked here, so that the gateway never
 * has to take a worker's word for a length. */
#include <string.h>

#include <viaduct/broker.h>

#include "worker_state.h"

static bool measure(const char *const texts[VD_CREDENTIAL_TEXTS],
                    struct vd_frame_broker_credentials *head,
                    struct vd_text pieces[VD_CREDENTIAL_TEXTS])
{
    for (size_t i = 0; i < VD_CREDENTIAL_TEXTS; i++) {
        size_t length = texts[i] ? strlen(texts[i]) : 0;

        if (length > VD_CREDENTIAL_BYTES_MAX)
            return false;
        head->lengths[i] = texts[i] ? (uint32_t)length : VD_CREDENTIAL_NONE;
        pieces[i] = (struct vd_text){texts[i], length};
    }
    return true;
}

enum vd_err vd_worker_broker_credentials(struct vd_worker *worker, uint32_t question,
                                         const struct vd_broker_credentials *credentials)
{
    const struct vd_broker_credentials none = {0};
    const struct vd_broker_credentials *given = credentials ? credentials : &none;
    const char *const texts[VD_CREDENTIAL_TEXTS] = {given->username, given->password, given->token,
                                                    given->seed_file, given->creds_file};
    struct vd_frame_broker_credentials head = {.given = credentials != NULL};
    struct vd_text pieces[1 + VD_CREDENTIAL_TEXTS] = {{(const char *)&head, sizeof(head)}};
    struct vd_worker_patience patience;

    if (!vd_worker_is_here(worker))
        return VD_ERR_STATE;
    if (!measure(texts, &head, pieces + 1))
        return VD_ERR_TOO_LARGE;
    patience = (struct vd_worker_patience){.epoch = vd_worker_gateway_epoch(worker),
                                           .timeout_ms = worker->node->config.publish_timeout_ms};
    return vd_worker_send(worker, VD_FRAME_BROKER_CREDENTIALS, 0, question, pieces,
                          1 + VD_CREDENTIAL_TEXTS, patience);
}
