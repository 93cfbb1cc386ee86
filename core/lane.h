/* lane.h - the other threads as the logic thread sees them: for each a ring up and one
 * down, what waits in front of the ring down, and how to wake it.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "command.h"
#include "spill.h"
#include "wake.h"
#include <stdatomic.h>

enum {
    MOON_MAX_LANES = 258, /* 255 I/O threads, the store, fetcher and hasher */
};

struct moon_lane {
    struct moon_ring *events, *commands; /* the other thread's */
    struct moon_wake *wake;              /* and its own */
    const atomic_bool *has_ended;
    struct moon_spill spill; /* commands that found the ring full */
    bool has_news;           /* commands it may sleep over */
};

/* Zeroed at first. */
struct moon_lanes {
    struct moon_lane all[MOON_MAX_LANES];
    uint32_t count;
    uint32_t turn, taken;       /* the one being read, and how many events in a row */
    uint32_t spilling;          /* those with a spill that is not empty */
    struct moon_ring *borrowed; /* its record is in the script's hands */
};

/* Borrows what the lane is made of. */
void moon_lanes_add(struct moon_lanes *lanes, struct moon_ring *events,
                    struct moon_ring *commands, struct moon_wake *wake,
                    const atomic_bool *has_ended);
void moon_lanes_fini(struct moon_lanes *lanes);

/* Tells that thread. `head` begins with a struct moon_record. MOON_EFULL when too much
 * waits for it, or it has ended; with `must` neither. */
int moon_lane_push(struct moon_lanes *lanes, struct moon_lane *lane, const void *head,
                   uint64_t head_bytes, const char *body, uint64_t body_bytes,
                   bool must);

/* Whether a command of so many bytes would be taken. */
bool moon_lane_has_room(const struct moon_lane *lane, uint64_t bytes);

/* Takes the next event, from each thread in turn; its bytes are lent until
 * moon_lanes_give_back(). */
bool moon_lanes_next(struct moon_lanes *lanes, struct moon_event *event);
void moon_lanes_give_back(struct moon_lanes *lanes);

/* Moves what waits into the rings. False while something still waits: then no more
 * events should be taken. */
bool moon_lanes_drain(struct moon_lanes *lanes);

/* Wakes those that have something to do. */
void moon_lanes_wake(struct moon_lanes *lanes);

/* Whether there are events to take, or, while something waits, room to move it to. */
bool moon_lanes_have_work(const struct moon_lanes *lanes);

/* Whether the first `count` threads have ended, and all they have said is taken. */
bool moon_lanes_have_ended(const struct moon_lanes *lanes, uint32_t count);

uint64_t moon_lanes_spilled_bytes(const struct moon_lanes *lanes);
