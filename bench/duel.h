/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to carry the same messages, side by side in one run. They take turns, since what else
 * the machine does falls on both alike; each turn is a process of its own, since the heap and the
 * threads that one leaves behind make the other faster or slower. The first batch of a turn is not
 * measured: the heap grows in it, of both. */
#ifndef VIADUCT_BENCH_DUEL_H
#define VIADUCT_BENCH_DUEL_H

#include <stdbool.h>
#include <stdint.h>

struct duel_turn;

struct duel_side {
    const char *name;
    /* Carry batches for as long as duel_next_batch() says so. */
    void (*run)(struct duel_turn *turn, const char *url, unsigned batch);
};

/* True: one more batch, please. Called before each, and once after the last. */
bool duel_next_batch(struct duel_turn *turn);

/* A row of the table for each of @batches: messages a second, the ratio of @ours to @theirs,
 * processor time a message, and of batches of one how long each took. @messages: of the rows of the
 * largest batches; smaller ones take fewer. */
void duel(const struct duel_side *theirs, const struct duel_side *ours, const char *url,
          const unsigned *batches, unsigned count, unsigned messages);

#endif
