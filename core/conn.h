/* conn.h - the connections of one I/O thread: id to slot and back.
 *
 * An id carries thread, slot and generation; a slot whose generations are used up is
 * retired, so no id ever comes back. A connection stays where it is in memory until
 * moon_conns_remove(). It is there from accept() on, whatever becomes of it. It knows
 * no socket: `socket` is ws.c's own, or greet.c's.
 * Thread: the I/O thread that owns the table.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "address.h"
#include "frame.h"
#include "heartbeat.h"
#include "limit.h"
#include "outbox.h"
#include "parser.h"
#include "types.h"
#include "wheel.h"

enum {
    MOON_MAX_THREADS = 255,
    MOON_MAX_CONNS = 1048576,       /* per thread */
    MOON_MAX_GENERATION = 33554431, /* 25 bits */
};

enum moon_conn_state {
    MOON_CONN_FREE,
    MOON_CONN_GREETING, /* accepted: it may become a WebSocket, or ask over HTTP */
    MOON_CONN_OPEN,
    MOON_CONN_CLOSING, /* our Close frame is queued or sent; nothing else is */
    MOON_CONN_STATES,
};

/* Why it is not read from; several may hold at once. */
enum moon_pause {
    MOON_PAUSED_BY_RING = 1,    /* the logic thread has to catch up */
    MOON_PAUSED_BY_FLOOD = 2,   /* it has sent more than its rate allows */
    MOON_PAUSED_BY_REQUEST = 4, /* its HTTP request has not been answered */
};

struct moon_conn {
    moon_conn_id id;
    void *socket; /* ws.c's, once it has it; before that greet.c's */
    int plain_fd; /* ws.c's: what it reads and writes past the library; -1 with TLS */
    /* What is looked at for each message lies close together. */
    uint8_t state;    /* enum moon_conn_state */
    uint8_t opcode;   /* of the message that is arriving */
    uint8_t pauses;   /* enum moon_pause */
    bool is_paused;   /* and the socket knows */
    bool is_dirty;    /* in the I/O thread's list of those with something to write */
    bool is_blocked;  /* the kernel has not accepted all; wait for writable */
    bool is_doomed;   /* the socket failed; kill it at the end of the turn */
    bool is_over;     /* nothing more is read; it ends when its queue is written */
    bool is_slow;     /* its queue was over the high mark and not yet below the low */
    bool is_counted;  /* in the census */
    bool is_proxied;  /* the peer is a trusted proxy */
    bool is_greeted;  /* ws.c has the socket */
    bool is_asking;   /* an HTTP request waits for the scripts' answer */
    bool is_head;     /* that request was HEAD */
    bool is_answered; /* the response to its HTTP request is on its way */
    const struct moon_limits *limits; /* the listener's, or its own */
    struct moon_outbox outbox;
    struct moon_parser parser;
    struct moon_message message; /* what has arrived of a message in fragments, or of a
                                    request's body; or what is left of a response */
    struct moon_deadline
        deadline; /* heartbeat, or the end of patience with a handshake,
                                      a request or a Close */
    struct moon_deadline
        patience; /* the first of: admission, resumption, age of queue */
    struct moon_limits *own_limits;               /* NULL until a script has set some */
    struct moon_bucket messages, bytes, refusals; /* what it may send */
    uint64_t admit_by_ms;                         /* 0: it is admitted */
    uint64_t resume_ms;                           /* when a flood may go on */
    uint64_t ping_us; /* payload of the last ping: when it was sent */
    struct moon_address
        address; /* of the client: the peer, or who a proxy says it is */
    struct moon_heartbeat heartbeat;
    uint32_t rtt_us;     /* of the last pong; 0 before it */
    uint32_t head_bytes; /* of an HTTP request that is arriving; else 0 */
    uint32_t fragments;  /* of the message that is arriving */
    uint16_t request;    /* number of its HTTP request: 1, or 0 before it */
};

struct moon_conns;

/* `thread` is 1 to MOON_MAX_THREADS; holds at most `max_conns` connections. */
struct moon_conns *moon_conns_create(uint32_t thread, uint32_t max_conns);
void moon_conns_destroy(struct moon_conns *conns);

/* A new, zeroed connection in state GREETING with its id; NULL when the table is full.
 * */
struct moon_conn *moon_conns_add(struct moon_conns *conns);

/* NULL for an id that has gone. */
struct moon_conn *moon_conns_find(const struct moon_conns *conns, moon_conn_id id);

/* Forgets it. Its outbox, message and deadlines must be empty by now. */
void moon_conns_remove(struct moon_conns *conns, struct moon_conn *conn);

uint32_t moon_conns_count(const struct moon_conns *conns);

/* Walks over all connections: begin with *cursor 0; NULL at the end. The one
 * returned may be removed before the next call. */
struct moon_conn *moon_conns_next(const struct moon_conns *conns, uint32_t *cursor);

uint32_t moon_conn_thread(moon_conn_id id);
uint32_t moon_conn_slot(moon_conn_id id);
