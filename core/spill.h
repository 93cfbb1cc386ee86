/* spill.h - a bounded line of records that found a ring full, in front of that ring.
 *
 * Belongs to the ring's pusher. Once a record has spilled, all later ones must
 * too, or they would overtake it: push with moon_spill_push() only, and call
 * moon_spill_drain() when the taker has made room.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "ring.h"

struct moon_spill {
    char *bytes; /* records: 8 bytes length, then the bytes */
    uint64_t start, end, capacity;
    uint64_t max_bytes; /* beyond this moon_spill_push() refuses */
};

void moon_spill_init(struct moon_spill *spill, uint64_t max_bytes);
void moon_spill_fini(struct moon_spill *spill);

/* Into the ring, or behind what waits for it. False when the limit is reached;
 * `must` goes beyond the limit. */
bool moon_spill_push(struct moon_spill *spill, struct moon_ring *ring, const void *head,
                     uint64_t head_bytes, const void *body, uint64_t body_bytes,
                     bool must);

/* Moves what fits into the ring. True when nothing waits any more; when false, the
 * ring's taker has been asked to wake the pusher. */
bool moon_spill_drain(struct moon_spill *spill, struct moon_ring *ring);

/* Whether a record of so many bytes would be taken, even if the ring is full. */
bool moon_spill_has_room(const struct moon_spill *spill, uint64_t bytes);

bool moon_spill_is_empty(const struct moon_spill *spill);
