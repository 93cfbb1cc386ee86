/* outbox.h - the write queue of one connection: whole frames, first in, first out.
 *
 * Bounded in bytes and messages, counting what has been handed to the socket's
 * library and not yet accepted by the kernel. It knows no socket: the owner
 * peeks, writes, and says what it took.
 * Thread: the I/O thread that owns the connection.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "mem.h"
#include <stdbool.h>
#include <stdint.h>

struct moon_outbox_limits {
    uint32_t max_bytes;
    uint32_t max_messages;
};

/* Zeroed is empty. */
struct moon_outbox {
    char *bytes; /* from the pool; NULL when nothing is queued */
    uint32_t start, end, capacity;
    uint32_t messages;       /* queued between start and end */
    uint32_t inflight_bytes; /* taken, but the kernel has not accepted them all */
    uint32_t inflight_messages;
};

/* Copies in `messages` whole frames. False, and nothing is queued, when that would
 * go over a limit. */
bool moon_outbox_push(struct moon_outbox *outbox, struct moon_pool *pool,
                      const struct moon_outbox_limits *limits, const char *frames,
                      uint32_t bytes, uint32_t messages);

/* The same for a control frame, which is never refused. */
void moon_outbox_push_control(struct moon_outbox *outbox, struct moon_pool *pool,
                              const char *frame, uint32_t bytes);

/* The oldest frames, whole ones, as many as fit into max_bytes but at least one; their
 * length goes to *bytes. NULL when nothing is queued. Borrowed until the next call. */
const char *moon_outbox_peek(const struct moon_outbox *outbox, uint32_t max_bytes,
                             uint32_t *bytes);

/* Drops the `bytes` last peeked; they count as in flight until moon_outbox_land(). */
void moon_outbox_take(struct moon_outbox *outbox, struct moon_pool *pool,
                      uint32_t bytes);

/* For frames that went to the socket past the queue: they are in flight, too. */
void moon_outbox_fly(struct moon_outbox *outbox, uint32_t bytes, uint32_t messages);

/* The kernel has accepted everything that was in flight. */
void moon_outbox_land(struct moon_outbox *outbox);

/* Drops what is queued and gives the memory back. */
void moon_outbox_clear(struct moon_outbox *outbox, struct moon_pool *pool);

bool moon_outbox_is_empty(const struct moon_outbox *outbox);
