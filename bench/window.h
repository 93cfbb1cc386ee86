/* window.h - how many members of a room have got each message that is under way; the
 * sender goes on when the oldest has reached all of them.
 *
 * Costs one increment a delivery, however many members there are.
 * Thread: the one that owns the window.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct moon_window {
    uint32_t *heard; /* by sequence number modulo `size`: how many have got it */
    uint32_t size;   /* messages that may be under way */
    uint32_t members;
    uint32_t absent; /* members that are not there (any more) */
    uint32_t first;  /* the oldest message that has not reached all */
    uint32_t next;   /* the one to be sent next */
};

/* `heard` has room for `size` numbers, is borrowed and need not be cleared. */
void moon_window_init(struct moon_window *window, uint32_t *heard, uint32_t size,
                      uint32_t members);

bool moon_window_has_room(const struct moon_window *window);

/* The next message is under way. */
void moon_window_sent(struct moon_window *window);

/* One member has got, or skipped, `count` messages from `sequence` on; true when the
 * sender may go on because of it. */
bool moon_window_heard(struct moon_window *window, uint32_t sequence, uint32_t count);

/* The same for a member that has gone, and expected `sequence` next. */
bool moon_window_left(struct moon_window *window, uint32_t sequence);
