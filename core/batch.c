/* SPDX-License-Identifier: MIT */
#include "batch.h"
#include <assert.h>
#include <string.h>

void moon_batch_add(struct moon_batch *batch, struct moon_pool *pool,
                    const struct moon_letter *letter)
{
    assert(letter->class < MOON_CLASSES && letter->bytes > 0);
    uint32_t labels_bytes = batch->messages * (uint32_t)sizeof(struct moon_label);
    batch->frames =
        moon_pool_grow(pool, batch->frames, batch->bytes, batch->bytes + letter->bytes,
                       &batch->frames_capacity);
    batch->labels = (void *)moon_pool_grow(
        pool, (char *)batch->labels, labels_bytes,
        labels_bytes + (uint32_t)sizeof(struct moon_label), &batch->labels_capacity);
    memcpy(batch->frames + batch->bytes, letter->frame, letter->bytes);
    batch->labels[batch->messages] =
        (struct moon_label){letter->key, letter->bytes, letter->class};
    batch->bytes += letter->bytes;
    batch->messages++;
    batch->tally.messages[letter->class]++;
    batch->tally.bytes[letter->class] += letter->bytes;
}

void moon_batch_tally(const struct moon_batch *batch, uint32_t skipped,
                      struct moon_tally *tally)
{
    if (skipped == 0) {
        *tally = batch->tally;
        return;
    }
    memset(tally, 0, sizeof *tally);
    for (uint32_t i = skipped; i < batch->messages; i++) {
        tally->messages[batch->labels[i].class]++;
        tally->bytes[batch->labels[i].class] += batch->labels[i].bytes;
    }
}

void moon_batch_clear(struct moon_batch *batch, struct moon_pool *pool)
{
    moon_pool_give(pool, batch->frames, batch->frames_capacity);
    moon_pool_give(pool, (char *)batch->labels, batch->labels_capacity);
    memset(batch, 0, sizeof *batch);
}
