/* ring.h - a bounded line of records of any length between exactly two threads.
 *
 * One thread pushes, one other thread takes, neither ever waits. A record is
 * copied in whole and read in place. The ring does not know what a record
 * means and wakes nobody: see wake.h.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct moon_ring;

/* `capacity_bytes` is rounded up to a power of two, at least 4096. */
struct moon_ring *moon_ring_create(uint64_t capacity_bytes);

/* Call once both threads have stopped. Records left inside are dropped unseen. */
void moon_ring_destroy(struct moon_ring *ring);

/* The longest record that always fits into an empty ring, in bytes. */
uint64_t moon_ring_max_bytes(const struct moon_ring *ring);

/* Thread: pusher. Copies head and body in as one record; false when there is no
 * room. */
bool moon_ring_push(struct moon_ring *ring, const void *head, uint64_t head_bytes,
                    const void *body, uint64_t body_bytes);

/* Thread: taker. The oldest record and its length, borrowed until
 * moon_ring_release(), or NULL. */
const char *moon_ring_peek(struct moon_ring *ring, uint64_t *bytes);

/* Thread: taker. Goes on to the next record, and keeps the one last peeked until
 * moon_ring_release(). */
void moon_ring_pass(struct moon_ring *ring);

/* Thread: taker. Gives the room of the record last peeked, and of those passed, back to
 * the pusher. */
void moon_ring_release(struct moon_ring *ring);

/* Thread: pusher. Whether more than half of it is in use. */
bool moon_ring_is_half_full(const struct moon_ring *ring);

/* Bytes in use, as far as the caller can see. Thread: either. */
uint64_t moon_ring_used_bytes(const struct moon_ring *ring);
uint64_t moon_ring_capacity_bytes(const struct moon_ring *ring);

/* Thread: taker. Whether there is no record to peek at. */
bool moon_ring_is_empty(const struct moon_ring *ring);

/* Thread: pusher. Asks to be woken when there is room again. Look again after this
 * call. */
void moon_ring_want_room(struct moon_ring *ring);

/* Thread: either. False once the taker has seen the wish: there is room. */
bool moon_ring_has_wish(const struct moon_ring *ring);

/* Thread: taker. True once after the pusher has asked: wake it. */
bool moon_ring_take_wish(struct moon_ring *ring);
