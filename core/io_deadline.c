/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include <string.h>

enum {
    DEADLINES =
        256, /* that have passed, dealt with in one turn: each may cost a send */
};

/* ---- heartbeat ---- */

/* The payload is the time it was sent, for the round trip. */
static void ping(struct moon_io *io, struct moon_conn *conn)
{
    char frame[MOON_FRAME_HEADER_MAX + sizeof conn->ping_us];
    conn->ping_us = uv_hrtime() / 1000;
    uint32_t header = moon_frame_header(frame, MOON_FRAME_PING, sizeof conn->ping_us);
    memcpy(frame + header, &conn->ping_us, sizeof conn->ping_us);
    moon_io_enqueue_control(io, conn, frame, header + (uint32_t)sizeof conn->ping_us);
    io->metrics.pings++;
}

/* What a paused connection sends is not read, nor what came while this thread had no
 * time for it: so the kernel is asked. */
static bool is_silent(const struct moon_io *io, const struct moon_conn *conn)
{
    return conn->pauses == 0 &&
           moon_ws_silence_ms(conn->socket) >= io->heartbeat.pong_timeout_ms;
}

static void beat(struct moon_io *io, struct moon_conn *conn)
{
    uint32_t wait_ms = 0;
    enum moon_beat what =
        moon_heartbeat_due(&conn->heartbeat, &io->heartbeat, &wait_ms);
    if (what == MOON_BEAT_DEAD && is_silent(io, conn)) {
        moon_io_close_for(io, conn, MOON_NO_PONG);
        return;
    }
    if (what == MOON_BEAT_PING) {
        ping(io, conn);
    }
    moon_wheel_set(io->wheel, &conn->deadline, moon_io_now_ms(io) + wait_ms);
}

/* ---- patience: what is due for a connection beside its heartbeat ---- */

static uint64_t age_ends_ms(const struct moon_conn *conn)
{
    uint64_t oldest_ms =
        conn->is_blocked ? moon_outbox_oldest_ms(&conn->outbox) : UINT64_MAX;
    return oldest_ms == UINT64_MAX ? UINT64_MAX
                                   : oldest_ms + conn->limits->outbox_age_ms;
}

void moon_io_watch(struct moon_io *io, struct moon_conn *conn)
{
    uint64_t due_ms = age_ends_ms(conn);
    if (conn->admit_by_ms != 0 && conn->admit_by_ms < due_ms) {
        due_ms = conn->admit_by_ms;
    }
    if ((conn->pauses & MOON_PAUSED_BY_FLOOD) != 0 && conn->resume_ms < due_ms) {
        due_ms = conn->resume_ms;
    }
    if (due_ms == UINT64_MAX) {
        moon_wheel_clear(&conn->patience);
    } else if (conn->patience.next == NULL || conn->patience.due_ms != due_ms) {
        moon_wheel_set(io->wheel, &conn->patience, due_ms);
    }
}

static void lose_patience(struct moon_io *io, struct moon_conn *conn)
{
    uint64_t now_ms = moon_io_now_ms(io);
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    if (conn->admit_by_ms != 0 && now_ms >= conn->admit_by_ms) {
        moon_io_close_for(io, conn, MOON_AUTH_TIMEOUT);
        return;
    }
    if ((conn->pauses & MOON_PAUSED_BY_FLOOD) != 0 && now_ms >= conn->resume_ms) {
        moon_io_pause(io, conn, MOON_PAUSED_BY_FLOOD, false);
    }
    moon_outbox_expire(&conn->outbox, &io->post, conn->limits, now_ms);
    if (now_ms >= age_ends_ms(conn)) {
        moon_io_close_for(io, conn, MOON_SLOW);
        return;
    }
    moon_io_watch(io, conn);
}

/* ---- all of them ---- */

void moon_io_expire(struct moon_io *io)
{
    struct moon_deadline *deadline = NULL;
    for (int i = 0; i < DEADLINES; i++) {
        deadline = moon_wheel_next(io->wheel, moon_io_now_ms(io));
        io->is_late = deadline != NULL;
        if (!io->is_late) {
            return;
        }
        struct moon_conn *conn = moon_conns_find(io->conns, deadline->owner);
        if (deadline == &conn->patience) {
            lose_patience(io, conn);
        } else if (conn->state == MOON_CONN_OPEN) {
            beat(io, conn);
        } else if (conn->state == MOON_CONN_GREETING) {
            moon_io_outwaited(io, conn);
        } else {
            moon_io_doom(io, conn); /* it had its time to answer the Close */
        }
    }
}
