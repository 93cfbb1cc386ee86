/* io_state.h - one I/O thread from the inside: what io.c (life, turn, commands),
 * io_read.c (what arrives) and io_write.c (what leaves, and closing) share. Nobody else
 * includes it.
 *
 * Thread: the I/O thread.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "command.h"
#include "io.h"
#include "listen.h"
#include "loop.h"
#include "roster.h"
#include "spill.h"
#include "ws.h"
#include <pthread.h>
#include <stdatomic.h>

/* Ids, not pointers: a connection may go while its id is still listed. */
struct moon_id_list {
    moon_conn_id *ids;
    uint32_t count, capacity;
};

struct moon_io {
    struct moon_loop loop;
    pthread_t thread;
    const struct moon_config *config;
    struct moon_outbox_limits limits;
    struct moon_heartbeat_times heartbeat;
    struct moon_ring *events, *commands;
    struct moon_spill overflow; /* events that found the ring full */
    struct moon_wake *logic;
    struct moon_ws *ws;
    struct moon_acceptor acceptor;
    int listener;
    struct moon_pool *pool;
    struct moon_conns *conns;
    struct moon_roster *roster;
    struct moon_wheel *wheel;
    struct moon_id_list dirty; /* connections with something to write */
    uv_timer_t tick;
    uint32_t max_conns;  /* this thread's part of config->max_connections */
    uint64_t stop_by_ms; /* 0 until MOON_STOP */
    unsigned random;     /* state of rand_r() */
    char *routes;        /* as route.h wants them */
    bool has_emitted;    /* events the logic thread may sleep over */
    bool is_stopping;
    bool is_congested; /* events are waiting in `overflow`: nobody is read from */
    atomic_bool has_ended;
};

uint64_t moon_io_now_ms(const struct moon_io *io);
void moon_id_list_add(struct moon_id_list *list, moon_conn_id id);

/* io_read.c */

/* Tells the logic thread. Never refused: what the ring cannot take waits in
 * `overflow`. */
void moon_io_emit(struct moon_io *io, const struct moon_record *record,
                  const char *bytes, uint64_t length);

/* Moves waiting events into the ring; stops reading from everybody while some still
 * wait, and begins again once the logic thread has caught up. */
void moon_io_relieve(struct moon_io *io);

/* io_write.c */

/* NULL when it has gone, or is closing: then it gets nothing more. */
struct moon_conn *moon_io_find_open(struct moon_io *io, moon_conn_id id);

/* For the scripts the connection ends here, once; its socket may linger for the
 * Close. */
void moon_io_end(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                 enum moon_reason reason);

/* Ends it and queues a Close with `word`, NUL-terminated, as its reason. */
void moon_io_close(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                   enum moon_reason reason, const char *word);

/* The socket has failed or had its time: killed at the end of the turn, when nobody
 * up the stack holds it any more. */
void moon_io_doom(struct moon_io *io, struct moon_conn *conn);

/* Queues frames for this turn's send; closes a connection whose outbox overflows. */
void moon_io_enqueue(struct moon_io *io, struct moon_conn *conn, const char *frames,
                     uint32_t bytes, uint32_t messages);

/* The same for one control frame, which always has room. */
void moon_io_enqueue_control(struct moon_io *io, struct moon_conn *conn,
                             const char *frame, uint32_t bytes);

/* Queues what its rooms have said so far this turn, so that nothing overtakes them. */
void moon_io_catch_up(struct moon_io *io, struct moon_conn *conn);

/* The end of the turn: one send for everybody with something to say. */
void moon_io_write_all(struct moon_io *io);
