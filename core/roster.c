/* SPDX-License-Identifier: MIT */
#include "roster.h"
#include "batch.h"
#include "conn.h"
#include <string.h>

enum {
    FIRST_BUCKETS = 64,
};

struct member {
    moon_conn_id conn;
    uint32_t seat;          /* index in the connection's seats */
    uint32_t seen_bytes;    /* how much of this tick's batch it has or must not have */
    uint32_t seen_messages; /* the same in messages */
};

struct room {
    moon_room_id id;
    struct room *next_in_bucket;
    struct room *next_dirty;
    struct member *members; /* dense, in no order */
    uint32_t count, capacity;
    struct moon_batch batch; /* of this tick */
};

/* One connection's place in one room. */
struct seat {
    struct room *room;
    uint32_t index; /* in room->members */
};

struct seats {
    struct seat *items;
    uint32_t count, capacity;
};

struct moon_roster {
    struct moon_pool *pool;
    struct room **buckets; /* a power of two of them, at least one a room */
    uint32_t bucket_count, room_count;
    struct seats *by_slot; /* connection slot -> its rooms */
    uint32_t slot_count;
    struct room *first_dirty, *last_dirty;
    uint32_t next_member; /* of first_dirty, while the tick ends */
};

struct moon_roster *moon_roster_create(struct moon_pool *pool)
{
    struct moon_roster *roster = moon_alloc(sizeof *roster);
    roster->pool = pool;
    roster->bucket_count = FIRST_BUCKETS;
    roster->buckets = moon_alloc(FIRST_BUCKETS * sizeof(struct room *));
    return roster;
}

static struct room **bucket(const struct moon_roster *roster, moon_room_id id)
{
    return &roster->buckets[id & (roster->bucket_count - 1)]; /* ids are consecutive */
}

static void room_destroy(struct moon_roster *roster, struct room *room)
{
    struct room **link = bucket(roster, room->id);
    while (*link != room) {
        link = &(*link)->next_in_bucket;
    }
    *link = room->next_in_bucket;
    roster->room_count--;
    moon_batch_clear(&room->batch, roster->pool);
    moon_free(room->members);
    moon_free(room);
}

void moon_roster_destroy(struct moon_roster *roster)
{
    if (roster == NULL) {
        return;
    }
    for (uint32_t i = 0; i < roster->bucket_count; i++) {
        while (roster->buckets[i] != NULL) {
            room_destroy(roster, roster->buckets[i]);
        }
    }
    for (uint32_t i = 0; i < roster->slot_count; i++) {
        moon_free(roster->by_slot[i].items);
    }
    moon_free(roster->by_slot);
    moon_free(roster->buckets);
    moon_free(roster);
}

static struct room *find(const struct moon_roster *roster, moon_room_id id)
{
    struct room *room = *bucket(roster, id);
    while (room != NULL && room->id != id) {
        room = room->next_in_bucket;
    }
    return room;
}

static void link_room(struct moon_roster *roster, struct room *room)
{
    struct room **head = bucket(roster, room->id);
    room->next_in_bucket = *head;
    *head = room;
}

static void grow_buckets(struct moon_roster *roster)
{
    struct room **old = roster->buckets;
    uint32_t old_count = roster->bucket_count;
    roster->bucket_count *= 2;
    roster->buckets = moon_alloc(roster->bucket_count * sizeof *old);
    for (uint32_t i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct room *room = old[i];
            old[i] = room->next_in_bucket;
            link_room(roster, room);
        }
    }
    moon_free(old);
}

static struct room *find_or_create(struct moon_roster *roster, moon_room_id id)
{
    struct room *room = find(roster, id);
    if (room != NULL) {
        return room;
    }
    if (roster->room_count == roster->bucket_count) {
        grow_buckets(roster);
    }
    room = moon_alloc(sizeof *room);
    room->id = id;
    link_room(roster, room);
    roster->room_count++;
    return room;
}

/* NULL when the connection has never been in a room. */
static struct seats *seats_of(const struct moon_roster *roster, moon_conn_id conn)
{
    uint32_t slot = moon_conn_slot(conn);
    return slot < roster->slot_count ? &roster->by_slot[slot] : NULL;
}

static struct seats *make_seats(struct moon_roster *roster, moon_conn_id conn)
{
    uint32_t slot = moon_conn_slot(conn);
    if (slot >= roster->slot_count) {
        uint32_t count = (slot + 1) * 2;
        roster->by_slot =
            moon_realloc(roster->by_slot, count * sizeof *roster->by_slot);
        memset(roster->by_slot + roster->slot_count, 0,
               (count - roster->slot_count) * sizeof *roster->by_slot);
        roster->slot_count = count;
    }
    return &roster->by_slot[slot];
}

/* NULL when it is not a member. Most connections are in one room or a few: a walk is
 * the fastest look-up. */
static struct seat *find_seat(const struct moon_roster *roster, moon_room_id id,
                              moon_conn_id conn)
{
    const struct seats *seats = seats_of(roster, conn);
    for (uint32_t i = 0; seats != NULL && i < seats->count; i++) {
        struct seat *seat = &seats->items[i];
        if (seat->room->id == id && seat->room->members[seat->index].conn == conn) {
            return seat;
        }
    }
    return NULL;
}

static uint32_t grown(uint32_t capacity)
{
    return capacity == 0 ? 1 : capacity * 2;
}

bool moon_roster_join(struct moon_roster *roster, moon_room_id id, moon_conn_id conn)
{
    struct seats *seats = make_seats(roster, conn);
    if (find_seat(roster, id, conn) != NULL) {
        return false;
    }
    struct room *room = find_or_create(roster, id);
    if (room->count == room->capacity) {
        room->capacity = grown(room->capacity);
        room->members =
            moon_realloc(room->members, room->capacity * sizeof(struct member));
    }
    if (seats->count == seats->capacity) {
        seats->capacity = grown(seats->capacity);
        seats->items =
            moon_realloc(seats->items, seats->capacity * sizeof(struct seat));
    }
    room->members[room->count] =
        (struct member){conn, seats->count, room->batch.bytes, room->batch.messages};
    seats->items[seats->count] = (struct seat){room, room->count};
    room->count++;
    seats->count++;
    return true;
}

static void move_member(struct moon_roster *roster, struct room *room, uint32_t from,
                        uint32_t to)
{
    if (from != to) {
        const struct member *member = &room->members[from];
        seats_of(roster, member->conn)->items[member->seat].index = to;
        room->members[to] = *member;
    }
}

/* The last of each list moves into the gap. */
static void unseat(struct moon_roster *roster, struct seats *seats, struct seat *seat)
{
    struct room *room = seat->room;
    uint32_t index = seat->index;
    if (room == roster->first_dirty && index < roster->next_member) {
        /* The tick is ending: those served must stay before those who are not. */
        roster->next_member--;
        move_member(roster, room, roster->next_member, index);
        index = roster->next_member;
    }
    move_member(roster, room, --room->count, index);
    const struct seat *last_seat = &seats->items[--seats->count];
    if (seat != last_seat) {
        *seat = *last_seat;
        seat->room->members[seat->index].seat = (uint32_t)(seat - seats->items);
    }
    if (room->count == 0 && room->batch.messages == 0) {
        room_destroy(roster, room); /* a dirty one goes at the end of the tick */
    }
}

bool moon_roster_leave(struct moon_roster *roster, moon_room_id id, moon_conn_id conn)
{
    struct seat *seat = find_seat(roster, id, conn);
    if (seat == NULL) {
        return false;
    }
    unseat(roster, seats_of(roster, conn), seat);
    return true;
}

void moon_roster_drop(struct moon_roster *roster, moon_conn_id conn)
{
    struct seats *seats = seats_of(roster, conn);
    if (seats == NULL) {
        return;
    }
    while (seats->count > 0) {
        unseat(roster, seats, &seats->items[seats->count - 1]);
    }
    moon_free(seats->items);
    memset(seats, 0, sizeof *seats);
}

uint32_t moon_roster_size(const struct moon_roster *roster, moon_room_id id)
{
    const struct room *room = find(roster, id);
    return room == NULL ? 0 : room->count;
}

static void make_dirty(struct moon_roster *roster, struct room *room)
{
    room->next_dirty = NULL;
    if (roster->last_dirty == NULL) {
        roster->first_dirty = room;
    } else {
        roster->last_dirty->next_dirty = room;
    }
    roster->last_dirty = room;
}

static void mark_seen(const struct room *room, struct member *member)
{
    member->seen_bytes = room->batch.bytes;
    member->seen_messages = room->batch.messages;
}

bool moon_roster_publish(struct moon_roster *roster, moon_room_id id,
                         moon_conn_id except, const struct moon_letter *letter)
{
    struct room *room = find(roster, id);
    if (room == NULL || room->count == 0) {
        return false;
    }
    if (room->batch.messages == 0) {
        make_dirty(roster, room);
    }
    moon_batch_add(&room->batch, roster->pool, letter);

    const struct seat *seat = except == 0 ? NULL : find_seat(roster, id, except);
    if (seat != NULL) {
        mark_seen(room, &room->members[seat->index]);
    }
    return true;
}

/* Marks the share as seen; false when there is nothing in it. */
static bool take_share(struct room *room, struct member *member,
                       struct moon_share *share)
{
    const struct moon_batch *batch = &room->batch;
    if (member->seen_messages == batch->messages) {
        return false;
    }
    share->conn = member->conn;
    share->frames = batch->frames + member->seen_bytes;
    share->bytes = batch->bytes - member->seen_bytes;
    share->messages = batch->messages - member->seen_messages;
    share->labels = batch->labels + member->seen_messages;
    moon_batch_tally(batch, member->seen_messages, &share->tally);
    mark_seen(room, member);
    return true;
}

bool moon_roster_catch_up(struct moon_roster *roster, moon_conn_id conn,
                          struct moon_share *share)
{
    struct seats *seats = roster->first_dirty == NULL ? NULL : seats_of(roster, conn);
    for (uint32_t i = 0; seats != NULL && i < seats->count; i++) {
        struct room *room = seats->items[i].room;
        if (take_share(room, &room->members[seats->items[i].index], share)) {
            share->is_only_room = seats->count == 1;
            return true;
        }
    }
    return false;
}

/* The batch is out: back to the pool, and on to the next room. */
static void finish_first(struct moon_roster *roster)
{
    struct room *room = roster->first_dirty;
    roster->first_dirty = room->next_dirty;
    if (roster->first_dirty == NULL) {
        roster->last_dirty = NULL;
    }
    roster->next_member = 0;
    moon_batch_clear(&room->batch, roster->pool);
    if (room->count == 0) {
        room_destroy(roster, room);
    }
}

bool moon_roster_next(struct moon_roster *roster, struct moon_share *share)
{
    while (roster->first_dirty != NULL) {
        struct room *room = roster->first_dirty;
        while (roster->next_member < room->count) {
            struct member *member = &room->members[roster->next_member++];
            bool is_owed = take_share(room, member, share);
            member->seen_bytes = member->seen_messages = 0; /* for the next tick */
            if (is_owed) {
                share->is_only_room = seats_of(roster, member->conn)->count == 1;
                return true;
            }
        }
        /* The last share is borrowed until this call: only now the batch may go. */
        finish_first(roster);
    }
    return false;
}

uint64_t moon_roster_room_count(const struct moon_roster *roster)
{
    return roster->room_count;
}

bool moon_roster_is_dirty(const struct moon_roster *roster)
{
    return roster->first_dirty != NULL;
}
