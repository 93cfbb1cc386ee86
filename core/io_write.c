/* SPDX-License-Identifier: MIT */
#include "greet.h"
#include "io_state.h"
#include "reason.h"
#include <string.h>

enum {
    WRITE_BYTES = 256 << 10, /* the most one send is given */
    WRITE_SHARE = 4, /* and the part of a queue's limit: the rest of it can still be
                                replaced or dropped when the send gets stuck */
    KILLS = 64,      /* sockets in one turn: libwebsockets takes some 60 us for each */
};

void moon_io_mark_dirty(struct moon_io *io, struct moon_conn *conn)
{
    if (!conn->is_dirty) {
        conn->is_dirty = true;
        moon_id_list_add(&io->dirty, conn->id);
    }
}

void moon_io_doom(struct moon_io *io, struct moon_conn *conn)
{
    if (!conn->is_doomed) {
        conn->is_doomed = true;
        moon_id_list_add(&io->doomed, conn->id);
    }
}

/* ---- marks ---- */

static void tell(struct moon_io *io, const struct moon_conn *conn,
                 enum moon_event_kind kind)
{
    const struct moon_record record = {
        .kind = (uint16_t)kind, .reason = conn->rtt_us, .subject = conn->id};
    struct moon_books books;
    moon_outbox_books(&conn->outbox, &io->post, &books);
    moon_io_emit(io, &record, (const char *)&books, sizeof books);
}

void moon_io_tell_figures(struct moon_io *io, moon_conn_id id)
{
    const struct moon_conn *conn = moon_io_find_open(io, id);
    if (conn != NULL) { /* else its MOON_CLOSED is on the way */
        tell(io, conn, MOON_FIGURES);
    }
}

static void look_at_marks(struct moon_io *io, struct moon_conn *conn)
{
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    if (!conn->is_slow && conn->is_blocked &&
        moon_outbox_is_high(&conn->outbox, conn->limits)) {
        conn->is_slow = true;
        io->metrics.slowed++;
        tell(io, conn, MOON_SLOWED);
    } else if (conn->is_slow && moon_outbox_is_low(&conn->outbox, conn->limits)) {
        conn->is_slow = false;
        io->metrics.drained++;
        tell(io, conn, MOON_DRAINED);
    }
}

/* ---- sockets ---- */

/* What has become of the frames that are in flight. */
static void settle(struct moon_io *io, struct moon_conn *conn, int status)
{
    if (status == MOON_OK) {
        moon_outbox_land(&conn->outbox, &io->post);
    } else if (status == MOON_EFULL) {
        conn->is_blocked = true;
        moon_io_watch(io, conn);
    } else {
        moon_io_doom(io, conn);
    }
}

static uint32_t write_bytes(const struct moon_conn *conn)
{
    uint32_t share = conn->limits->outbox_bytes / WRITE_SHARE;
    return share < WRITE_BYTES ? share : WRITE_BYTES;
}

static void write_out(struct moon_io *io, struct moon_conn *conn)
{
    uint32_t most = write_bytes(conn);
    uint32_t bytes = 0;
    const char *frames = NULL;
    while (!conn->is_blocked && !conn->is_doomed &&
           (frames = moon_outbox_peek(&conn->outbox, &io->post, most, &bytes)) !=
               NULL) {
        int status = moon_ws_write(conn, frames, bytes);
        moon_outbox_take(&conn->outbox, &io->post, bytes);
        settle(io, conn, status);
    }
    moon_outbox_keep(&conn->outbox, &io->post);
    look_at_marks(io, conn);
}

/* One send, past the outbox, which is empty. */
static void write_through(struct moon_io *io, struct moon_conn *conn,
                          const char *frames, uint32_t bytes,
                          const struct moon_tally *tally)
{
    int status = moon_ws_write(conn, frames, bytes);
    if (status == MOON_OK) {
        moon_outbox_pass(&conn->outbox, &io->post, tally);
    } else {
        moon_outbox_fly(&conn->outbox, &io->post, tally, moon_io_now_ms(io));
        settle(io, conn, status);
    }
}

static void write_letter(struct moon_io *io, struct moon_conn *conn,
                         const struct moon_letter *letter)
{
    struct moon_tally tally = {.messages = {0}};
    tally.messages[letter->class] = 1;
    tally.bytes[letter->class] = letter->bytes;
    write_through(io, conn, letter->frame, letter->bytes, &tally);
}

/* ---- ends ---- */

void moon_io_end(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                 enum moon_reason reason)
{
    const struct moon_record closed = {
        .kind = MOON_CLOSED, .code = code, .reason = reason, .subject = conn->id};
    struct moon_books books;
    moon_io_set_state(io, conn, MOON_CONN_CLOSING);
    io->metrics.closed[reason]++;
    moon_roster_drop(io->roster, conn->id);
    moon_message_clear(&conn->message, io->post.pool);
    moon_wheel_clear(&conn->patience);
    moon_outbox_books(&conn->outbox, &io->post, &books);
    moon_io_emit(io, &closed, (const char *)&books, sizeof books);
}

void moon_io_close(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                   enum moon_reason reason, const char *word)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    if (reason == MOON_SLOW || reason == MOON_OVERLOAD) {
        moon_outbox_clear(&conn->outbox, &io->post); /* it will not be read in time */
    }
    moon_io_enqueue_control(io, conn, frame,
                            moon_frame_close(frame, code, word, strlen(word)));
    moon_io_end(io, conn, code, reason);
    moon_wheel_set(io->wheel, &conn->deadline,
                   moon_io_now_ms(io) + io->config->close_timeout_ms);
    moon_io_pause(io, conn, MOON_PAUSED_BY_RING,
                  false); /* or its Close is never read */
    moon_io_pause(io, conn, MOON_PAUSED_BY_FLOOD, false);
}

void moon_io_close_for(struct moon_io *io, struct moon_conn *conn,
                       enum moon_reason reason)
{
    moon_io_close(io, conn, moon_reason_code(reason), reason, moon_reason_name(reason));
}

/* ---- queues ---- */

void moon_io_enqueue_control(struct moon_io *io, struct moon_conn *conn,
                             const char *frame, uint32_t bytes)
{
    moon_outbox_push_control(&conn->outbox, &io->post, frame, bytes,
                             moon_io_now_ms(io));
    moon_io_mark_dirty(io, conn);
}

/* Only a connection that is blocked can overflow: any other is written out first. False
 * when the letter has had its chance already. */
static bool make_room(struct moon_io *io, struct moon_conn *conn,
                      const struct moon_letter *letter)
{
    if (conn->is_blocked ||
        moon_outbox_has_room(&conn->outbox, conn->limits, letter->bytes)) {
        return true;
    }
    write_out(io, conn);
    if (conn->is_doomed || conn->state != MOON_CONN_OPEN) {
        return false;
    }
    if (!conn->is_blocked && letter->bytes > conn->limits->outbox_bytes) {
        write_letter(io, conn, letter); /* larger than a queue */
        return false;
    }
    return true;
}

void moon_io_enqueue(struct moon_io *io, struct moon_conn *conn,
                     const struct moon_letter *letter)
{
    if (!make_room(io, conn, letter)) {
        return;
    }
    if (moon_outbox_push(&conn->outbox, &io->post, conn->limits, letter,
                         moon_io_now_ms(io)) != MOON_OK) {
        moon_io_close_for(io, conn, MOON_SLOW);
        return;
    }
    if (!conn->is_blocked) {
        moon_io_mark_dirty(io, conn);
        return;
    }
    if (moon_pool_taken_bytes(io->post.pool) > io->look_at_bytes) {
        moon_io_look_at_memory(io);
    }
    if (io->is_shedding && letter->class == MOON_VOLATILE) {
        moon_io_shed(io, conn);
    }
    if (conn->patience.next == NULL) {
        moon_io_watch(io, conn);
    }
    look_at_marks(io, conn);
}

static void enqueue_share(struct moon_io *io, struct moon_conn *conn,
                          const struct moon_share *share)
{
    struct moon_letter letter = {.frame = share->frames};
    for (uint32_t i = 0;
         i < share->messages && conn->state == MOON_CONN_OPEN && !conn->is_doomed;
         i++) {
        letter.bytes = share->labels[i].bytes;
        letter.class = share->labels[i].class;
        letter.key = share->labels[i].key;
        moon_io_enqueue(io, conn, &letter);
        letter.frame += letter.bytes;
    }
}

void moon_io_catch_up(struct moon_io *io, struct moon_conn *conn)
{
    struct moon_share share;
    while (conn->state == MOON_CONN_OPEN &&
           moon_roster_catch_up(io->roster, conn->id, &share)) {
        enqueue_share(io, conn, &share);
    }
}

struct moon_conn *moon_io_find_open(struct moon_io *io, moon_conn_id id)
{
    struct moon_conn *conn = moon_conns_find(io->conns, id);
    return conn != NULL && conn->state == MOON_CONN_OPEN && !conn->is_doomed ? conn
                                                                             : NULL;
}

/* ---- the end of the turn ---- */

static void deliver(struct moon_io *io, const struct moon_share *share)
{
    struct moon_conn *conn = moon_io_find_open(io, share->conn);
    if (conn == NULL) {
        return;
    }
    if (share->is_only_room && !conn->is_blocked && !conn->is_dirty &&
        share->bytes <= write_bytes(conn)) {
        write_through(io, conn, share->frames, share->bytes, &share->tally);
    } else {
        enqueue_share(io, conn, share);
    }
}

static void write_rosters(struct moon_io *io)
{
    struct moon_share share;
    while (moon_roster_next(io->roster, &share)) {
        deliver(io, &share);
    }
}

/* The Close is out: RFC 6455 section 7.1.1 lets the server hang up first. */
static void end_if_over(const struct moon_conn *conn)
{
    if (conn->is_over && !conn->is_blocked && !conn->is_doomed) {
        moon_ws_end(conn->socket);
    }
}

static void write_dirty(struct moon_io *io)
{
    for (uint32_t i = 0; i < io->dirty.count; i++) { /* it may grow meanwhile */
        struct moon_conn *conn = moon_conns_find(io->conns, io->dirty.ids[i]);
        if (conn != NULL) {
            conn->is_dirty = false;
            write_out(io, conn);
            end_if_over(conn);
        }
    }
    io->dirty.count = 0;
}

static void kill_doomed(struct moon_io *io)
{
    for (uint32_t i = 0; i < KILLS && io->doomed.count > 0; i++) {
        struct moon_conn *conn =
            moon_conns_find(io->conns, io->doomed.ids[--io->doomed.count]);
        if (conn == NULL) {
            continue;
        }
        moon_wheel_clear(&conn->deadline);
        if (conn->is_greeted) {
            moon_ws_kill(conn->socket);
        } else {
            moon_greeting_stop(conn->socket);
            moon_io_gone(io, conn);
        }
    }
}

void moon_io_writable(struct moon_io *io, struct moon_conn *conn)
{
    conn->is_blocked = false;
    moon_outbox_land(&conn->outbox, &io->post);
    if (!moon_outbox_is_empty(&conn->outbox) || conn->is_over) {
        moon_io_mark_dirty(io, conn);
    }
    look_at_marks(io, conn);
}

void moon_io_write_all(struct moon_io *io)
{
    write_rosters(io);
    write_dirty(io);
    moon_tray_clear(&io->post.tray);
    kill_doomed(io);
}
