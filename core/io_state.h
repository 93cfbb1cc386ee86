/* io_state.h - one I/O thread from the inside: what io.c (life, turn, commands),
 * io_admit.c (who comes in), io_read.c (what arrives), io_write.c (what leaves, and
 * closing), io_deadline.c (heartbeats and other deadlines), io_http.c (requests) and
 * io_govern.c (memory, metrics) share. Nobody else includes it.
 *
 * Thread: the I/O thread.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "census.h"
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
    uint32_t number; /* from 1 */
    const struct moon_shared *shared;
    const struct moon_config *config;
    struct moon_heartbeat_times heartbeat;
    struct moon_ring *events, *commands;
    struct moon_spill overflow; /* events that found the ring full */
    struct moon_wake *logic;
    struct moon_ws *ws;
    struct moon_acceptor acceptor;
    int listener;
    struct moon_post post;
    struct moon_conns *conns;
    struct moon_roster *roster;
    struct moon_wheel *wheel;
    struct moon_census *census;
    struct moon_id_list dirty;   /* connections with something to write */
    struct moon_id_list pausing; /* and those to be read from no longer, or again */
    struct moon_id_list doomed;  /* and those whose sockets are to be killed */
    uv_timer_t tick;

    /* who may come in: moon_policy, with the numbers of the whole process */
    struct moon_policy policy;
    struct moon_networks denied;
    char *origins, *reason; /* owned; reason NULL: newcomers are welcome */
    struct moon_bucket handshakes;
    char *routes; /* as route.h wants them */
    char *report; /* metrics of the scripts; NULL: none */
    uint64_t report_bytes;
    uint32_t states[MOON_CONN_STATES]; /* connections in each */

    struct moon_metrics metrics;
    uint64_t
        look_at_bytes; /* of the pool: then memory is looked at before the turn ends */
    uint64_t governed_ms;      /* the last time that memory was let go */
    uint64_t reported_ms;      /* the last line in the log about it */
    uint64_t shed, culled;     /* messages and connections since that line */
    uint64_t turn_ns, idle_ns; /* end of the last turn; time asleep until then */
    bool is_shedding;          /* memory is short: volatile messages do not wait */

    uint64_t stop_by_ms;  /* 0 until MOON_STOP */
    uint32_t stop_cursor; /* connections up to here have been told */
    unsigned random;      /* state of rand_r() */
    bool has_emitted;     /* events the logic thread may sleep over */
    bool is_stopping;
    bool is_late;           /* deadlines that have passed wait for the next turn */
    bool is_saying_goodbye; /* some have not been told yet */
    bool is_congested;      /* events are waiting in `overflow`: nobody is read from */
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

/* Not read from while any reason holds; the socket is told at the end of the turn. */
void moon_io_pause(struct moon_io *io, struct moon_conn *conn, enum moon_pause why,
                   bool pause);
void moon_io_apply_pauses(struct moon_io *io);

/* io_admit.c */

/* This thread's part of a number that is said of the whole process. */
uint32_t moon_io_share(const struct moon_io *io, uint32_t number);

void moon_io_set_state(struct moon_io *io, struct moon_conn *conn,
                       enum moon_conn_state state);

void moon_io_begin_admission(struct moon_io *io);
void moon_io_end_admission(struct moon_io *io);

/* Closes the sockets whose PROXY header has not come; while the loop still turns. */
void moon_io_drop_greetings(struct moon_io *io);

/* Takes a socket that has been accepted. */
void moon_io_adopt(void *owner, int fd, const struct moon_address *peer);

/* Forgets what io_admit.c knows of it. */
void moon_io_count_out(struct moon_io *io, struct moon_conn *conn);

void moon_io_set_policy(struct moon_io *io, const char *bytes);

/* io_http.c */

/* A script's answer. */
void moon_io_answer(struct moon_io *io, const struct moon_record *record,
                    const char *bytes, uint64_t length);

/* The deadline of a connection in state GREETING has passed. */
void moon_io_outwaited(struct moon_io *io, struct moon_conn *conn);

/* io_govern.c */

/* Reports what this thread holds, and lets go of some when memory is short. */
void moon_io_govern(struct moon_io *io);

/* Reports only; for when a turn has taken more than io->look_at_bytes. */
void moon_io_look_at_memory(struct moon_io *io);

/* Drops the volatile messages that wait for this connection. */
void moon_io_shed(struct moon_io *io, struct moon_conn *conn);

/* Publishes the metrics; each tick. */
void moon_io_publish_metrics(struct moon_io *io);

/* The turn is over: notes how long it took. */
void moon_io_note_turn(struct moon_io *io);

/* io_deadline.c */

/* Sets the deadline `patience` to the first thing that is due. */
void moon_io_watch(struct moon_io *io, struct moon_conn *conn);

/* Deals with deadlines that have passed; io->is_late when more of them have. */
void moon_io_expire(struct moon_io *io);

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

/* The same with the code and the word that the reason has. */
void moon_io_close_for(struct moon_io *io, struct moon_conn *conn,
                       enum moon_reason reason);

/* It has something to write at the end of the turn, or ends there. */
void moon_io_mark_dirty(struct moon_io *io, struct moon_conn *conn);

/* The socket has failed or had its time: killed at the end of the turn, when nobody
 * up the stack holds it any more. */
void moon_io_doom(struct moon_io *io, struct moon_conn *conn);

/* Queues a frame for this turn's send; closes a connection whose outbox overflows. */
void moon_io_tell_figures(struct moon_io *io, moon_conn_id id);
void moon_io_enqueue(struct moon_io *io, struct moon_conn *conn,
                     const struct moon_letter *letter);

/* The same for one control frame, which always has room. */
void moon_io_enqueue_control(struct moon_io *io, struct moon_conn *conn,
                             const char *frame, uint32_t bytes);

/* Queues what its rooms have said so far this turn, so that nothing overtakes them. */
void moon_io_catch_up(struct moon_io *io, struct moon_conn *conn);

/* The end of the turn: one send for everybody with something to say. */
void moon_io_write_all(struct moon_io *io);
