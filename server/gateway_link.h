/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's link to other nodes: one broker handle for the whole node, whatever its number of
 * workers. Without a configured broker (gateway->link NULL) everything here is nothing.
 *
 *   publish ---> history (numbered) ---> streams, subscriptions of this node
 *                   |
 *                   +--> gw_link_publish --> handle's outbox --> Redis, NATS
 *                   ^                            |
 *     successor ----+  what is not confirmed     +--> confirmed: shared->link_confirmed
 *
 * The history is the outbox's journal: a message stands there, with its number, before the broker
 * hears of it. */
#ifndef VIADUCT_GATEWAY_LINK_H
#define VIADUCT_GATEWAY_LINK_H

#include <stdbool.h>

#include <viaduct/broker.h>

struct gateway;
struct gw_link;

/* When the history was taken over, before the first ring is drained: open the handle, publish again
 * what a predecessor could not be told to have arrived. Says in the log why it failed. */
enum vd_err gw_link_start(struct gateway *gateway);
void gw_link_destroy(struct gw_link *link);

/* A message of this node that is numbered and in the history: to the others. */
void gw_link_publish(struct gateway *gateway, const struct vd_message *message);

/* With the policy to fail: is there room for it in the outbox? (Else always.) */
bool gw_link_admits(const struct gateway *gateway, const struct vd_message *message);

/* A publish was taken: is its worker to wait until the broker has caught up? */
bool gw_link_holds(struct gateway *gateway);
uint64_t gw_link_next_ms(const struct gateway *gateway); /* it wants a turn then; 0: none */

/* Once a turn: hand over what was published in it, note what is confirmed, pass errors on. */
void gw_link_turn(struct gateway *gateway);

/* What gw_credentials_for_attempt had no answer for is there. */
void gw_link_credentials_ready(struct gateway *gateway);

/* A worker died before it had read this error. */
void gw_link_error_again(struct gateway *gateway, const char *bytes, size_t length);

/* false: this node is alone. */
bool gw_link_status(const struct gateway *gateway, struct vd_broker_status *status);

/* While the node drains, in every turn: nothing waits for the other nodes, or there is no
 * connection to the broker for so long that waiting would be in vain. */
bool gw_link_may_end(struct gateway *gateway);

/* The last act of a gateway: hand over what is left, until the end's deadline, and say goodbye.
 * Blocks that long. */
void gw_link_end(struct gateway *gateway);

#endif
