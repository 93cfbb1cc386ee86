/* conn.h - the connections of one I/O thread: id to slot and back.
 *
 * An id carries thread, slot and generation; a slot whose generations are used up
 * is retired, so no id ever comes back. A connection stays where it is in memory
 * until moon_conns_remove(). It knows no socket: `socket` is ws.c's own.
 * Thread: the I/O thread that owns the table.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "frame.h"
#include "heartbeat.h"
#include "outbox.h"
#include "types.h"
#include "wheel.h"

enum {
    MOON_MAX_THREADS = 255,
    MOON_MAX_CONNS = 1048576,       /* per thread */
    MOON_MAX_GENERATION = 33554431, /* 25 bits */
};

enum moon_conn_state {
    MOON_CONN_FREE,
    MOON_CONN_OPEN,
    MOON_CONN_CLOSING, /* our Close frame is queued or sent; nothing else is */
};

struct moon_conn {
    moon_conn_id id;
    void *socket; /* ws.c's */
    struct moon_outbox outbox;
    struct moon_message
        message; /* the part that has arrived of a message in fragments */
    struct moon_deadline
        deadline;       /* next heartbeat, or the end of patience when closing */
    uint8_t state;      /* enum moon_conn_state */
    uint8_t is_dirty;   /* in the I/O thread's list of those with something to write */
    uint8_t is_blocked; /* the kernel has not accepted all; wait for writable */
    uint8_t is_doomed;  /* the socket failed; kill it at the end of the tick */
    uint8_t is_paused;  /* not read from until the logic thread has caught up */
    uint8_t opcode;     /* of the message that is arriving */
    struct moon_heartbeat heartbeat;
};

struct moon_conns;

/* `thread` is 1 to MOON_MAX_THREADS; holds at most `max_conns` connections. */
struct moon_conns *moon_conns_create(uint32_t thread, uint32_t max_conns);
void moon_conns_destroy(struct moon_conns *conns);

/* A new, zeroed connection in state OPEN with its id; NULL when the table is full. */
struct moon_conn *moon_conns_add(struct moon_conns *conns);

/* NULL for an id that has gone. */
struct moon_conn *moon_conns_find(const struct moon_conns *conns, moon_conn_id id);

/* Forgets it. Its outbox, message and deadline must be empty by now. */
void moon_conns_remove(struct moon_conns *conns, struct moon_conn *conn);

uint32_t moon_conns_count(const struct moon_conns *conns);

/* Walks over all connections: begin with *cursor 0; NULL at the end. The one
 * returned may be removed before the next call. */
struct moon_conn *moon_conns_next(const struct moon_conns *conns, uint32_t *cursor);

uint32_t moon_conn_thread(moon_conn_id id);
uint32_t moon_conn_slot(moon_conn_id id);
