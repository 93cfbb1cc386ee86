/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include <string.h>

enum {
    WRITE_BYTES = 256 << 10, /* the most one send is given from an outbox */
};

static void mark_dirty(struct moon_io *io, struct moon_conn *conn)
{
    if (!conn->is_dirty) {
        conn->is_dirty = 1;
        moon_id_list_add(&io->dirty, conn->id);
    }
}

void moon_io_doom(struct moon_io *io, struct moon_conn *conn)
{
    conn->is_doomed = 1;
    mark_dirty(io, conn);
}

/* ws.c is closing it with 1002 by itself: there is nothing left to say. */
static void refuse(struct moon_io *io, struct moon_conn *conn)
{
    if (conn->state == MOON_CONN_OPEN) {
        moon_io_end(io, conn, 1002, MOON_PROTOCOL);
    }
    moon_outbox_clear(&conn->outbox, io->pool);
    moon_wheel_set(io->wheel, &conn->deadline,
                   moon_io_now_ms(io) + io->config->close_timeout_ms);
}

/* What has become of the frames that are in flight. */
static void settle(struct moon_io *io, struct moon_conn *conn, int status)
{
    if (status == MOON_OK) {
        moon_outbox_land(&conn->outbox);
    } else if (status == MOON_EFULL) {
        conn->is_blocked = 1;
    } else if (status == MOON_EINVAL) {
        moon_outbox_land(&conn->outbox);
        refuse(io, conn);
    } else {
        moon_io_doom(io, conn);
    }
}

static void write_out(struct moon_io *io, struct moon_conn *conn)
{
    uint32_t bytes = 0;
    const char *frames = NULL;
    while (!conn->is_blocked && !conn->is_doomed &&
           (frames = moon_outbox_peek(&conn->outbox, WRITE_BYTES, &bytes)) != NULL) {
        int status = moon_ws_write(conn->socket, frames, bytes);
        moon_outbox_take(&conn->outbox, io->pool, bytes);
        settle(io, conn, status);
    }
}

/* One send, past the outbox, which is empty. */
static void write_through(struct moon_io *io, struct moon_conn *conn,
                          const char *frames, uint32_t bytes, uint32_t messages)
{
    moon_outbox_fly(&conn->outbox, bytes, messages);
    settle(io, conn, moon_ws_write(conn->socket, frames, bytes));
}

void moon_io_end(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                 enum moon_reason reason)
{
    const struct moon_record closed = {
        .kind = MOON_CLOSED, .code = code, .reason = reason, .subject = conn->id};
    conn->state = MOON_CONN_CLOSING;
    moon_roster_drop(io->roster, conn->id);
    moon_message_clear(&conn->message, io->pool);
    moon_io_emit(io, &closed, NULL, 0);
}

void moon_io_close(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                   enum moon_reason reason, const char *word)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    if (reason == MOON_SLOW) {
        moon_outbox_clear(&conn->outbox, io->pool); /* it will not be read in time */
    }
    moon_io_enqueue_control(io, conn, frame,
                            moon_frame_close(frame, code, word, strlen(word)));
    moon_io_end(io, conn, code, reason);
    moon_wheel_set(io->wheel, &conn->deadline,
                   moon_io_now_ms(io) + io->config->close_timeout_ms);
    if (conn->is_paused) {
        conn->is_paused = 0;
        moon_ws_pause(conn->socket, false); /* or its Close would never be read */
    }
}

void moon_io_enqueue_control(struct moon_io *io, struct moon_conn *conn,
                             const char *frame, uint32_t bytes)
{
    moon_outbox_push_control(&conn->outbox, io->pool, frame, bytes);
    mark_dirty(io, conn);
}

/* Only a connection that is blocked can overflow: any other is written out first. */
void moon_io_enqueue(struct moon_io *io, struct moon_conn *conn, const char *frames,
                     uint32_t bytes, uint32_t messages)
{
    if (moon_outbox_push(&conn->outbox, io->pool, &io->limits, frames, bytes,
                         messages)) {
        mark_dirty(io, conn);
        return;
    }
    write_out(io, conn);
    if (conn->is_doomed) {
        return;
    }
    if (moon_outbox_push(&conn->outbox, io->pool, &io->limits, frames, bytes,
                         messages)) {
        mark_dirty(io, conn);
    } else if (!conn->is_blocked && moon_outbox_is_empty(&conn->outbox)) {
        write_through(io, conn, frames, bytes, messages); /* larger than a queue */
    } else {
        moon_io_close(io, conn, 4008, MOON_SLOW, "slow");
    }
}

void moon_io_catch_up(struct moon_io *io, struct moon_conn *conn)
{
    struct moon_share share;
    while (conn->state == MOON_CONN_OPEN &&
           moon_roster_catch_up(io->roster, conn->id, &share)) {
        moon_io_enqueue(io, conn, share.frames, share.bytes, share.messages);
    }
}

struct moon_conn *moon_io_find_open(struct moon_io *io, moon_conn_id id)
{
    struct moon_conn *conn = moon_conns_find(io->conns, id);
    return conn != NULL && conn->state == MOON_CONN_OPEN && !conn->is_doomed ? conn
                                                                             : NULL;
}

static void deliver(struct moon_io *io, const struct moon_share *share)
{
    struct moon_conn *conn = moon_io_find_open(io, share->conn);
    if (conn == NULL) {
        return;
    }
    if (share->is_only_room && !conn->is_blocked && !conn->is_dirty) {
        write_through(io, conn, share->frames, share->bytes, share->messages);
    } else {
        moon_io_enqueue(io, conn, share->frames, share->bytes, share->messages);
    }
}

static void write_rosters(struct moon_io *io)
{
    struct moon_share share;
    while (moon_roster_next(io->roster, &share)) {
        deliver(io, &share);
    }
}

static void write_dirty(struct moon_io *io)
{
    for (uint32_t i = 0; i < io->dirty.count; i++) { /* it may grow meanwhile */
        struct moon_conn *conn = moon_conns_find(io->conns, io->dirty.ids[i]);
        if (conn == NULL) {
            continue;
        }
        conn->is_dirty = 0;
        write_out(io, conn);
        if (conn->is_doomed) {
            moon_wheel_clear(&conn->deadline);
            moon_ws_kill(conn->socket);
        }
    }
    io->dirty.count = 0;
}

void moon_io_writable(struct moon_io *io, struct moon_conn *conn)
{
    conn->is_blocked = 0;
    moon_outbox_land(&conn->outbox);
    if (!moon_outbox_is_empty(&conn->outbox)) {
        mark_dirty(io, conn);
    }
}

void moon_io_write_all(struct moon_io *io)
{
    write_rosters(io);
    write_dirty(io);
}
