/* queue.h - the messages that wait in one outbox: their order and their frames.
 *
 * A message in the middle can be replaced or dropped at the cost of its own bytes;
 * pushing, and finding a key, cost a constant on average. Frames lie in one buffer, as
 * they came: most runs can be written as they lie there. What goes leaves a gap in the
 * buffer; the gaps are squeezed out when it is full, so that it is never much larger
 * than three times what has waited. It knows no limit and no clock. NULL is an empty
 * queue, which holds no memory.
 * Thread: the owner's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "letter.h"
#include "mem.h"

struct moon_link {
    uint32_t before, after; /* slots */
};

/* One message that waits; only queue.c writes to it. It stays where it is until the
 * next push or trim. */
struct moon_queued {
    uint64_t key;
    uint64_t came_ms;
    uint32_t at;               /* of its frame in the buffer */
    uint32_t bytes;            /* of its frame */
    uint32_t class;            /* enum moon_class */
    struct moon_link links[2]; /* in the whole queue; among those of its class */
};

struct moon_queue;

/* Copies the frame in, behind all others; not a MOON_LATEST one whose key waits. Times
 * do not go back. */
void moon_queue_push(struct moon_queue **queue, struct moon_pool *pool,
                     const struct moon_letter *letter, uint64_t now_ms);

/* The MOON_LATEST message with this key, or NULL. A few are walked; when more wait,
 * there is an index. */
struct moon_queued *moon_queue_find(struct moon_queue *queue, uint64_t key);

/* Puts the letter in the place of a message of its class; it came just now. */
void moon_queue_replace(struct moon_queue *queue, struct moon_pool *pool,
                        struct moon_queued *message, const struct moon_letter *letter,
                        uint64_t now_ms);

void moon_queue_remove(struct moon_queue **queue, struct moon_pool *pool,
                       struct moon_queued *message);

/* The next to be written; NULL when the queue is empty. */
struct moon_queued *moon_queue_first(struct moon_queue *queue);

/* The one of that class that came first; NULL when none waits. */
struct moon_queued *moon_queue_oldest(struct moon_queue *queue, uint32_t class);

/* What waits; not for an empty queue. */
const struct moon_tally *moon_queue_tally(const struct moon_queue *queue);

/* Measures the first frames, as many as fit into max_bytes but at least one. Returns
 * them where they lie in one piece and in order, else NULL: then they can be copied.
 * Not for an empty queue. */
const char *moon_queue_run(struct moon_queue *queue, uint32_t max_bytes,
                           uint32_t *bytes);

/* Writes the first frames, which are that many bytes, to `out`. */
void moon_queue_copy(const struct moon_queue *queue, char *out, uint32_t bytes);

/* Gives memory back where a quarter of it would do. Messages may move. */
void moon_queue_trim(struct moon_queue **queue, struct moon_pool *pool);

/* Removes everything. */
void moon_queue_clear(struct moon_queue **queue, struct moon_pool *pool);
