/* batch.h - what one room has to say this tick: frames one behind the other, and a
 * label beside each.
 *
 * Thread: the owner's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "letter.h"
#include "mem.h"

/* Zeroed is empty. Only batch.c writes to it. */
struct moon_batch {
    char *frames;              /* from the pool, as are the labels; NULL when empty */
    struct moon_label *labels; /* one a message */
    uint32_t bytes, messages;
    uint32_t frames_capacity, labels_capacity; /* in bytes */
    struct moon_tally tally;                   /* of all messages */
};

/* Appends one message. */
void moon_batch_add(struct moon_batch *batch, struct moon_pool *pool,
                    const struct moon_letter *letter);

/* Tallies all messages but the first `skipped`. Of all the tally is at hand; of a part
 * it is counted. */
void moon_batch_tally(const struct moon_batch *batch, uint32_t skipped,
                      struct moon_tally *tally);

/* Makes it empty again and gives its memory back. */
void moon_batch_clear(struct moon_batch *batch, struct moon_pool *pool);
