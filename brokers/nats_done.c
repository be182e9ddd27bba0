/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to be destroyed together: see nats_done.h. */
#include "nats_done.h"
#include "nats_session_state.h"

void vd_nats_done_destroy(struct vd_nats_done *done)
{
    unsigned count = done->count > 0 && vd_nats_shared_entered_here() ? done->count : 0;

    for (unsigned i = 0; i < count; i++)
        natsMsg_Destroy(done->messages[i]);
    done->count = 0;
    done->bytes = 0;
}

void vd_nats_done_add(struct vd_nats_done *done, natsMsg *message)
{
    done->messages[done->count++] = message;
    done->bytes += (size_t)natsMsg_GetDataLength(message);
    if (done->count == VD_NATS_DONE_MAX || done->bytes >= VD_NATS_DONE_MAX_BYTES)
        vd_nats_done_destroy(done);
}
