/* tray.h - letters that are written at the end of the turn they came in, from where
 * they lie: what one thread's outboxes have for connections that take all at once.
 *
 * A list for each outbox in one array for all: nothing is copied, and nothing allocated
 * once the array has grown. Borrows the frames, so it is emptied before they go.
 * Thread: the owner's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "letter.h"

struct moon_tray_item {
    const char *frame;
    uint32_t bytes;
    uint32_t class; /* enum moon_class */
    uint32_t next;  /* of the same outbox: index + 1; 0 at the end */
};

/* Zeroed is empty. */
struct moon_tray {
    struct moon_tray_item *items;
    uint32_t count, capacity;
};

/* One outbox's list; zeroed is empty. */
struct moon_slip {
    uint32_t first, last; /* index + 1 */
};

void moon_tray_fini(struct moon_tray *tray);

/* Takes all back at once; every slip has to be empty by now. */
void moon_tray_clear(struct moon_tray *tray);

void moon_tray_put(struct moon_tray *tray, struct moon_slip *slip,
                   const struct moon_letter *letter);

/* NULL when the list is empty; borrowed until the next put. */
const struct moon_tray_item *moon_tray_first(const struct moon_tray *tray,
                                             const struct moon_slip *slip);
const struct moon_tray_item *moon_tray_next(const struct moon_tray *tray,
                                            const struct moon_tray_item *item);

/* Takes the first off the list. */
void moon_tray_take(const struct moon_tray *tray, struct moon_slip *slip);

/* The length of the first frames, as many as fit into max_bytes but at least one; their
 * number goes to *frames. Not for an empty list. */
uint32_t moon_tray_measure(const struct moon_tray *tray, const struct moon_slip *slip,
                           uint32_t max_bytes, uint32_t *frames);

/* Copies the first frames, which are that many bytes, to `out`. */
void moon_tray_copy(const struct moon_tray *tray, const struct moon_slip *slip,
                    char *out, uint32_t bytes);
