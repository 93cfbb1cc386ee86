/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include <stdlib.h>

void moon_io_emit(struct moon_io *io, const struct moon_record *record,
                  const char *bytes, uint64_t length)
{
    /* What overflows is bounded by what one turn can read: then reading stops. */
    (void)moon_spill_push(&io->overflow, io->events, record, sizeof *record, bytes,
                          length, true);
    io->has_emitted = true;
}

static void pause_all(struct moon_io *io, bool pause)
{
    uint32_t cursor = 0;
    struct moon_conn *conn = NULL;
    while ((conn = moon_conns_next(io->conns, &cursor)) != NULL) {
        /* One that is closing is read from: its answer to the Close must be seen. */
        if (!conn->is_doomed && conn->state == MOON_CONN_OPEN &&
            conn->is_paused != pause) {
            conn->is_paused = pause;
            moon_ws_pause(conn->socket, pause);
        }
    }
    io->is_congested = pause;
    moon_acceptor_pause(&io->acceptor, pause);
}

void moon_io_relieve(struct moon_io *io)
{
    if (!moon_spill_is_empty(&io->overflow) && !io->is_congested) {
        pause_all(io, true);
    }
    if (!io->is_congested) {
        return;
    }
    /* Half a ring at a time, or everybody would be paused again at once. */
    moon_ring_want_room(io->events);
    if (moon_ring_is_half_full(io->events)) {
        return;
    }
    io->has_emitted = true;
    if (moon_spill_drain(&io->overflow, io->events)) {
        pause_all(io, false);
    }
}

const char *moon_io_routes(const struct moon_io *io)
{
    return io->routes;
}

void moon_io_describe(const struct moon_io *io, struct moon_handshake *handshake)
{
    handshake->is_full = moon_conns_count(io->conns) >= io->max_conns;
    handshake->is_stopping = io->is_stopping;
}

struct moon_conn *moon_io_opened(struct moon_io *io, void *socket, const char *fields,
                                 uint64_t bytes)
{
    struct moon_conn *conn = moon_conns_add(io->conns);
    if (conn == NULL) {
        return NULL;
    }
    const struct moon_record opened = {.kind = MOON_OPENED, .subject = conn->id};
    conn->socket = socket;
    uint32_t wait_ms = moon_heartbeat_start(&conn->heartbeat, &io->heartbeat,
                                            (uint32_t)rand_r(&io->random));
    moon_wheel_set(io->wheel, &conn->deadline, moon_io_now_ms(io) + wait_ms);
    moon_io_emit(io, &opened, fields, bytes);
    if (io->is_congested) {
        conn->is_paused = 1;
        moon_ws_pause(socket, true);
    }
    if (io->is_stopping) {
        moon_io_close(io, conn, 1001, MOON_SHUTDOWN, "shutdown");
    }
    return conn;
}

static void accept_message(struct moon_io *io, struct moon_conn *conn,
                           const char *bytes, uint64_t length)
{
    const struct moon_record received = {
        .kind = MOON_RECEIVED, .code = conn->opcode, .subject = conn->id};
    if (conn->opcode == MOON_TEXT && !moon_utf8_is_valid(bytes, length)) {
        moon_io_close(io, conn, 1007, MOON_BAD_UTF8, "bad_utf8");
        return;
    }
    moon_io_emit(io, &received, bytes, length);
}

void moon_io_received(struct moon_io *io, struct moon_conn *conn,
                      const struct moon_part *part)
{
    uint32_t max_bytes = io->config->max_message_bytes;
    conn->heartbeat.heard = 1;
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    conn->opcode = part->opcode;
    if (conn->message.length + part->length + part->still_to_come > max_bytes) {
        moon_io_close(io, conn, 1009, MOON_TOO_BIG, "too_big");
        return;
    }
    if (part->is_last && conn->message.length == 0) {
        accept_message(io, conn, part->bytes, part->length); /* whole: no copy */
        return;
    }
    (void)moon_message_append(&conn->message, io->pool, max_bytes, part->bytes,
                              part->length);
    if (part->is_last) {
        accept_message(io, conn, conn->message.bytes, conn->message.length);
        moon_message_clear(&conn->message, io->pool);
    }
}

void moon_io_ponged(struct moon_conn *conn)
{
    conn->heartbeat.heard = 1;
}

/* What is wrong with the payload of a Close, as a close code; 0 when nothing is. */
static uint16_t fault_of(const char *payload, uint64_t bytes, uint16_t code)
{
    if (bytes > 0 && !moon_close_code_is_valid(code)) {
        return 1002;
    }
    bool is_text = bytes < 2 || moon_utf8_is_valid(payload + 2, bytes - 2);
    return is_text ? 0 : 1007;
}

void moon_io_peer_closed(struct moon_io *io, struct moon_conn *conn,
                         const char *payload, uint64_t bytes)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    if (conn->state != MOON_CONN_OPEN) {
        return; /* the answer to our own */
    }
    const unsigned char *code_bytes = (const unsigned char *)payload;
    uint16_t code = 0;
    if (bytes >= 2) {
        code = (uint16_t)(code_bytes[0] << 8 | code_bytes[1]);
    }
    uint16_t fault = fault_of(payload, bytes, code);
    uint16_t answer = fault == 0 ? code : fault;
    enum moon_reason reason = fault == 0      ? MOON_BY_CLIENT
                              : fault == 1007 ? MOON_BAD_UTF8
                                              : MOON_PROTOCOL;
    if (!conn->is_blocked) {
        uint32_t length = moon_frame_close(frame, answer, "", 0);
        (void)moon_ws_write(conn->socket, frame, length);
    }
    moon_outbox_clear(&conn->outbox, io->pool);
    moon_io_end(io, conn, answer == 0 ? 1005 : answer, reason);
}

void moon_io_gone(struct moon_io *io, struct moon_conn *conn)
{
    if (conn->state == MOON_CONN_OPEN) {
        bool is_refused = moon_ws_is_refused(conn->socket);
        moon_io_end(io, conn, is_refused ? 1002 : 1006,
                    is_refused ? MOON_PROTOCOL : MOON_LOST);
    }
    moon_outbox_clear(&conn->outbox, io->pool);
    moon_wheel_clear(&conn->deadline);
    moon_conns_remove(io->conns, conn);
}
