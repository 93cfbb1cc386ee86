/* talk.h - the scenarios echo, room, chat and idle: members of rooms, of whom none, one
 * or all speak, and all hear everything that is said in their room.
 *
 * Echo is a chat in rooms of one. In a closed loop a sender has so many messages under
 * way: in a chat until its own copy has come back, in a room until everybody has got
 * it. In an open loop messages have a schedule, whatever comes back.
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "crowd.h"
#include "ledger.h"
#include "meter.h"
#include "window.h"

struct moon_talk {
    const struct moon_bench_options *options;
    struct moon_crowd *crowd;
    struct moon_meter *meter;
    struct moon_ledger ledger;
    struct moon_window
        *windows;     /* of each room; NULL: senders count their own copies */
    uint32_t *heard;  /* what the windows count in */
    uint32_t members; /* of a room */
    uint32_t senders; /* of a room: 0, 1 or all */
    uint64_t all_senders;
    bool is_speaking;
    uint64_t begun_ns; /* of the schedule */
    uint64_t released; /* messages that the schedule has reached */
    uint64_t sent;
    uint64_t unsent; /* released, and still not sent when the end came */
    uint64_t corrupt;
    uint64_t refused; /* messages that the server did not take */
    uint64_t settled; /* pairs known to have everything */
};

/* Borrows all; the crowd is created here, and destroyed by moon_talk_destroy(). */
struct moon_talk *moon_talk_create(const struct moon_bench_options *options,
                                   const struct moon_target *target,
                                   struct moon_meter *meter);
void moon_talk_destroy(struct moon_talk *talk);

/* Messages that have not arrived, though sender and receiver are still there. */
uint64_t moon_talk_lost(const struct moon_talk *talk);
