/* roster.h - which connections of one I/O thread are in which room, and what each
 * room has to say this tick.
 *
 * A publication is appended once to its room's batch. At the end of the tick every
 * member gets its share of the batch in one piece: all of it, or what was said since
 * it joined. Something sent to one member in the middle of a tick must not overtake
 * the room: moon_roster_catch_up() hands out that member's share so far.
 * Frames and ids go in and out; it knows no socket and no outbox.
 * Thread: the I/O thread that owns the connections.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "letter.h"
#include "mem.h"
#include <stdbool.h>

struct moon_roster;

/* Frames for one member. */
struct moon_share {
    moon_conn_id conn;
    const char *frames; /* borrowed until the next share is taken, as is `labels` */
    uint32_t bytes;
    uint32_t messages;
    const struct moon_label *labels; /* one a message, in the order of the frames */
    struct moon_tally tally;         /* their sums */
    bool is_only_room;               /* the member is in no other room */
};

/* Borrows the pool, which must live longer. */
struct moon_roster *moon_roster_create(struct moon_pool *pool);
void moon_roster_destroy(struct moon_roster *roster);

/* False when it was a member already. */
bool moon_roster_join(struct moon_roster *roster, moon_room_id id, moon_conn_id conn);

/* Catch up first, or the member's share of this tick is lost. False when it was no
 * member. */
bool moon_roster_leave(struct moon_roster *roster, moon_room_id id, moon_conn_id conn);

/* Leaves all rooms. */
void moon_roster_drop(struct moon_roster *roster, moon_conn_id conn);

/* Number of members; 0 for a room without members. */
uint32_t moon_roster_size(const struct moon_roster *roster, moon_room_id id);

/* Appends one whole frame to the batch. `except` is a member who is not to get it,
 * caught up before; 0 for none. False when the room has no members here. */
bool moon_roster_publish(struct moon_roster *roster, moon_room_id id,
                         moon_conn_id except, const struct moon_letter *letter);

/* Takes what one room still owes this connection; false when no room owes anything
 * (more). */
bool moon_roster_catch_up(struct moon_roster *roster, moon_conn_id conn,
                          struct moon_share *share);

/* Ends the tick: takes the next member's share; false when all are out and the batches
 * are empty. Until it has returned false only moon_roster_drop() may be called. */
bool moon_roster_next(struct moon_roster *roster, struct moon_share *share);

/* Rooms that have members here, or had some in this tick. */
uint64_t moon_roster_room_count(const struct moon_roster *roster);

/* Whether a batch waits. */
bool moon_roster_is_dirty(const struct moon_roster *roster);
