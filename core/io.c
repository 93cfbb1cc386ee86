/* SPDX-License-Identifier: MIT */
#include "io.h"
#include "command.h"
#include "listen.h"
#include "log.h"
#include "loop.h"
#include "roster.h"
#include "spill.h"
#include "ws.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    RING_BYTES = 1 << 20,   /* each way */
    POOL_BYTES = 8 << 20,   /* queue buffers kept for the next connection */
    WRITE_BYTES = 256 << 10, /* the most one send is given from an outbox */
    TURN_BYTES = 512 << 10, /* commands carried out before the sockets get their turn */
};

/* Ids, not pointers: a connection may go while its id is still listed. */
struct id_list {
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
    struct id_list dirty, paused;
    uv_timer_t tick;
    uint64_t stop_by_ms; /* 0 until MOON_STOP */
    unsigned random;     /* state of rand_r() */
    char *routes;
    bool has_emitted; /* events the logic thread may sleep over */
    bool is_stopping;
    atomic_bool has_ended;
};

static void list_add(struct id_list *list, moon_conn_id id)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->ids = moon_realloc(list->ids, list->capacity * sizeof *list->ids);
    }
    list->ids[list->count++] = id;
}

static uint64_t now_ms(struct moon_io *io)
{
    return uv_now(&io->loop.uv);
}

/* ---- events ---- */

static void emit(struct moon_io *io, const struct moon_record *record, const char *bytes,
                 uint64_t length)
{
    /* Nothing is refused: a connection whose message had to wait is paused, which bounds
     * the overflow to one message each. */
    (void)moon_spill_push(&io->overflow, io->events, record, sizeof *record, bytes, length,
                          true);
    io->has_emitted = true;
}

/* For the scripts the connection ends here, once; its socket may linger for the Close. */
static void end(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                enum moon_reason reason)
{
    const struct moon_record closed = {
        .kind = MOON_CLOSED, .code = code, .reason = reason, .subject = conn->id};
    conn->state = MOON_CONN_CLOSING;
    moon_roster_drop(io->roster, conn->id);
    moon_message_clear(&conn->message, io->pool);
    emit(io, &closed, NULL, 0);
}

/* ---- writing ---- */

static void mark_dirty(struct moon_io *io, struct moon_conn *conn)
{
    if (!conn->is_dirty) {
        conn->is_dirty = 1;
        list_add(&io->dirty, conn->id);
    }
}

static void doom(struct moon_io *io, struct moon_conn *conn)
{
    conn->is_doomed = 1; /* killed at the end of the turn: nobody up the stack holds it then */
    mark_dirty(io, conn);
}

/* One send, past the outbox. */
static void write_frames(struct moon_io *io, struct moon_conn *conn, const char *frames,
                         uint32_t bytes)
{
    int status = moon_ws_write(conn->socket, frames, bytes);
    if (status == MOON_OK) {
        moon_outbox_land(&conn->outbox);
    } else if (status == MOON_EFULL) {
        conn->is_blocked = 1;
    } else {
        doom(io, conn);
    }
}

static void write_out(struct moon_io *io, struct moon_conn *conn)
{
    uint32_t bytes = 0;
    const char *frames = NULL;
    while (!conn->is_blocked && !conn->is_doomed &&
           (frames = moon_outbox_peek(&conn->outbox, WRITE_BYTES, &bytes)) != NULL) {
        moon_outbox_fly(&conn->outbox, bytes, 0);
        write_frames(io, conn, frames, bytes);
        moon_outbox_take(&conn->outbox, io->pool, bytes);
    }
}

static void close_conn(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                       enum moon_reason reason, const char *text, uint64_t length)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    if (reason == MOON_SLOW) {
        moon_outbox_clear(&conn->outbox, io->pool); /* it will not be read in time */
    }
    uint32_t bytes = moon_frame_close(frame, code, text, length);
    moon_outbox_push_control(&conn->outbox, io->pool, frame, bytes);
    mark_dirty(io, conn);
    end(io, conn, code, reason);
    moon_wheel_set(io->wheel, &conn->deadline, now_ms(io) + io->config->close_timeout_ms);
    if (conn->is_paused) {
        conn->is_paused = 0;
        moon_ws_pause(conn->socket, false); /* or its Close would never be read */
    }
}

static void close_with(struct moon_io *io, struct moon_conn *conn, uint16_t code,
                       enum moon_reason reason, const char *word)
{
    close_conn(io, conn, code, reason, word, strlen(word));
}

/* Only a connection that is blocked can overflow: any other is written out first. */
static void enqueue(struct moon_io *io, struct moon_conn *conn, const char *frames,
                    uint32_t bytes, uint32_t messages)
{
    if (moon_outbox_push(&conn->outbox, io->pool, &io->limits, frames, bytes, messages)) {
        mark_dirty(io, conn);
        return;
    }
    write_out(io, conn);
    if (conn->is_doomed) {
        return;
    }
    if (moon_outbox_push(&conn->outbox, io->pool, &io->limits, frames, bytes, messages)) {
        mark_dirty(io, conn);
    } else if (!conn->is_blocked && moon_outbox_is_empty(&conn->outbox)) {
        moon_outbox_fly(&conn->outbox, bytes, messages); /* larger than a whole outbox */
        write_frames(io, conn, frames, bytes);
    } else {
        close_with(io, conn, 4008, MOON_SLOW, "slow");
    }
}

/* What its rooms have said so far goes first, so that nothing overtakes them. */
static void catch_up(struct moon_io *io, struct moon_conn *conn)
{
    struct moon_share share;
    while (conn->state == MOON_CONN_OPEN &&
           moon_roster_catch_up(io->roster, conn->id, &share)) {
        enqueue(io, conn, share.frames, share.bytes, share.messages);
    }
}

static struct moon_conn *find_open(struct moon_io *io, moon_conn_id id)
{
    struct moon_conn *conn = moon_conns_find(io->conns, id);
    return conn != NULL && conn->state == MOON_CONN_OPEN && !conn->is_doomed ? conn : NULL;
}

static void deliver(struct moon_io *io, const struct moon_share *share)
{
    struct moon_conn *conn = find_open(io, share->conn);
    if (conn == NULL) {
        return;
    }
    if (share->is_only_room && !conn->is_blocked && !conn->is_dirty) {
        moon_outbox_fly(&conn->outbox, share->bytes, share->messages);
        write_frames(io, conn, share->frames, share->bytes);
    } else {
        enqueue(io, conn, share->frames, share->bytes, share->messages);
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

/* ---- commands ---- */

static void send_to(struct moon_io *io, moon_conn_id id, const char *frame, uint64_t bytes)
{
    struct moon_conn *conn = find_open(io, id);
    if (conn == NULL) {
        return; /* its MOON_CLOSED is on the way */
    }
    catch_up(io, conn);
    if (conn->state == MOON_CONN_OPEN) {
        enqueue(io, conn, frame, (uint32_t)bytes, 1);
    }
}

static void publish(struct moon_io *io, const struct moon_record *record, const char *frame,
                    uint64_t bytes)
{
    struct moon_conn *except =
        record->other == 0 ? NULL : find_open(io, record->other);
    if (except != NULL) {
        catch_up(io, except);
    }
    (void)moon_roster_publish(io->roster, record->subject, record->other, frame,
                              (uint32_t)bytes);
}

static void leave(struct moon_io *io, moon_room_id room, moon_conn_id id)
{
    struct moon_conn *conn = find_open(io, id);
    if (conn != NULL) {
        catch_up(io, conn);
        (void)moon_roster_leave(io->roster, room, id);
    }
}

static void close_by_script(struct moon_io *io, const struct moon_record *record,
                            const char *text, uint64_t length)
{
    struct moon_conn *conn = find_open(io, record->subject);
    if (conn != NULL) {
        catch_up(io, conn);
        close_conn(io, conn, record->code, MOON_BY_SCRIPT, text, length);
    }
}

static void replace_routes(struct moon_io *io, const char *table, uint64_t length)
{
    io->routes = moon_realloc(io->routes, length + 1);
    memcpy(io->routes, table, length);
    io->routes[length] = '\0';
}

static void begin_stop(struct moon_io *io)
{
    uint32_t cursor = 0;
    struct moon_conn *conn = NULL;
    io->is_stopping = true;
    io->stop_by_ms = now_ms(io) + io->config->close_timeout_ms;
    moon_acceptor_stop(&io->acceptor);
    while ((conn = moon_conns_next(io->conns, &cursor)) != NULL) {
        close_with(io, conn, 1001, MOON_SHUTDOWN, "shutdown");
    }
}

static void obey(struct moon_io *io, const struct moon_record *record, const char *bytes,
                 uint64_t length)
{
    switch ((enum moon_command_kind)record->kind) {
    case MOON_SEND:
        send_to(io, record->subject, bytes, length);
        break;
    case MOON_PUBLISH:
        publish(io, record, bytes, length);
        break;
    case MOON_JOIN:
        if (find_open(io, record->other) != NULL) {
            (void)moon_roster_join(io->roster, record->subject, record->other);
        }
        break;
    case MOON_LEAVE:
        leave(io, record->subject, record->other);
        break;
    case MOON_CLOSE:
        close_by_script(io, record, bytes, length);
        break;
    case MOON_ROUTE:
        replace_routes(io, bytes, length);
        break;
    case MOON_STOP:
        begin_stop(io);
        break;
    }
}

static void work(void *owner)
{
    struct moon_io *io = owner;
    uint64_t length = 0, total = 0;
    const char *bytes = NULL;
    struct moon_record record;
    while (total < TURN_BYTES && (bytes = moon_ring_peek(io->commands, &length)) != NULL) {
        memcpy(&record, bytes, sizeof record);
        obey(io, &record, bytes + sizeof record, length - sizeof record);
        total += length;
        moon_ring_release(io->commands);
    }
    if (total > 0 && moon_ring_take_wish(io->commands)) {
        io->has_emitted = true; /* the logic thread waits for the room that is there now */
    }
}

/* ---- the turn ---- */

static void resume_paused(struct moon_io *io)
{
    uint32_t count = io->paused.count;
    io->paused.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct moon_conn *conn = moon_conns_find(io->conns, io->paused.ids[i]);
        if (conn != NULL && conn->is_paused) {
            conn->is_paused = 0;
            moon_ws_pause(conn->socket, false);
        }
    }
}

static bool is_done(struct moon_io *io)
{
    return io->is_stopping &&
           (moon_conns_count(io->conns) == 0 || now_ms(io) >= io->stop_by_ms) &&
           moon_spill_is_empty(&io->overflow);
}

static void flush(void *owner)
{
    struct moon_io *io = owner;
    write_rosters(io);
    write_dirty(io);
    if (moon_spill_drain(&io->overflow, io->events)) {
        resume_paused(io);
    }
    if (io->has_emitted) {
        io->has_emitted = false;
        moon_wake_signal(io->logic);
    }
    if (is_done(io)) {
        moon_loop_stop(&io->loop);
    }
}

static bool has_work(void *owner)
{
    struct moon_io *io = owner;
    return !moon_ring_is_empty(io->commands) || io->dirty.count > 0;
}

static void beat(struct moon_io *io, struct moon_conn *conn)
{
    char frame[MOON_FRAME_HEADER_MAX];
    uint32_t wait_ms = 0;
    switch (moon_heartbeat_due(&conn->heartbeat, &io->heartbeat, &wait_ms)) {
    case MOON_BEAT_PING:
        moon_outbox_push_control(&conn->outbox, io->pool, frame,
                                 moon_frame_header(frame, MOON_FRAME_PING, 0));
        mark_dirty(io, conn);
        break;
    case MOON_BEAT_DEAD:
        close_with(io, conn, 4009, MOON_NO_PONG, "no_pong");
        return;
    case MOON_BEAT_WAIT:
        break;
    }
    moon_wheel_set(io->wheel, &conn->deadline, now_ms(io) + wait_ms);
}

static void on_tick(uv_timer_t *timer)
{
    struct moon_io *io = timer->data;
    struct moon_deadline *deadline = NULL;
    while ((deadline = moon_wheel_next(io->wheel, now_ms(io))) != NULL) {
        struct moon_conn *conn = moon_conns_find(io->conns, deadline->owner);
        if (conn->state == MOON_CONN_OPEN) {
            beat(io, conn);
        } else {
            doom(io, conn); /* it had its time to answer the Close */
        }
    }
}

/* ---- from ws.c ---- */

const char *moon_io_routes(const struct moon_io *io)
{
    return io->routes;
}

void moon_io_describe(const struct moon_io *io, struct moon_handshake *handshake)
{
    uint32_t share = (io->config->max_connections + io->config->threads - 1) /
                     io->config->threads;
    handshake->is_full = moon_conns_count(io->conns) >= share;
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
    moon_wheel_set(io->wheel, &conn->deadline, now_ms(io) + wait_ms);
    emit(io, &opened, fields, bytes);
    if (io->is_stopping) {
        close_with(io, conn, 1001, MOON_SHUTDOWN, "shutdown");
    }
    return conn;
}

static void accept_message(struct moon_io *io, struct moon_conn *conn, const char *bytes,
                           uint64_t length)
{
    const struct moon_record received = {
        .kind = MOON_RECEIVED, .code = conn->opcode, .subject = conn->id};
    if (conn->opcode == MOON_TEXT && !moon_utf8_is_valid(bytes, length)) {
        close_with(io, conn, 1007, MOON_BAD_UTF8, "bad_utf8");
        return;
    }
    emit(io, &received, bytes, length);
    if (!moon_spill_is_empty(&io->overflow) && !conn->is_paused) {
        conn->is_paused = 1;
        list_add(&io->paused, conn->id);
        moon_ws_pause(conn->socket, true);
    }
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
        close_with(io, conn, 1009, MOON_TOO_BIG, "too_big");
        return;
    }
    if (part->is_last && conn->message.length == 0) {
        accept_message(io, conn, part->bytes, part->length); /* whole: no copy */
        return;
    }
    (void)moon_message_append(&conn->message, io->pool, max_bytes, part->bytes, part->length);
    if (part->is_last) {
        accept_message(io, conn, conn->message.bytes, conn->message.length);
        moon_message_clear(&conn->message, io->pool);
    }
}

void moon_io_ponged(struct moon_conn *conn)
{
    conn->heartbeat.heard = 1;
}

void moon_io_writable(struct moon_io *io, struct moon_conn *conn)
{
    conn->is_blocked = 0;
    moon_outbox_land(&conn->outbox);
    if (!moon_outbox_is_empty(&conn->outbox)) {
        mark_dirty(io, conn);
    }
}

/* What to answer to a Close: its own code, nothing to an empty one, else what is wrong. */
static uint16_t answer_to(const unsigned char *payload, uint64_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    uint32_t code = bytes < 2 ? 0 : (uint32_t)payload[0] << 8 | payload[1];
    if (!moon_close_code_is_valid(code)) {
        return 1002;
    }
    bool is_text = moon_utf8_is_valid((const char *)payload + 2, bytes - 2);
    return is_text ? (uint16_t)code : 1007;
}

void moon_io_peer_closed(struct moon_io *io, struct moon_conn *conn, const char *payload,
                         uint64_t bytes)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    if (conn->state != MOON_CONN_OPEN) {
        return; /* the answer to our own */
    }
    uint16_t code = answer_to((const unsigned char *)payload, bytes);
    enum moon_reason reason = MOON_BY_CLIENT;
    if (code == 1002 || code == 1007) {
        reason = code == 1002 ? MOON_PROTOCOL : MOON_BAD_UTF8;
    }
    if (!conn->is_blocked) {
        (void)moon_ws_write(conn->socket, frame, moon_frame_close(frame, code, "", 0));
    }
    moon_outbox_clear(&conn->outbox, io->pool);
    end(io, conn, code == 0 ? 1005 : code, reason);
}

void moon_io_gone(struct moon_io *io, struct moon_conn *conn)
{
    if (conn->state == MOON_CONN_OPEN) {
        end(io, conn, 1006, MOON_LOST);
    }
    moon_outbox_clear(&conn->outbox, io->pool);
    moon_wheel_clear(&conn->deadline);
    moon_conns_remove(io->conns, conn);
}

/* ---- life ---- */

static void adopt(void *owner, int fd)
{
    struct moon_io *io = owner;
    moon_ws_adopt(io->ws, fd);
}

struct moon_io *moon_io_create(uint32_t thread, const struct moon_config *config, int listener,
                               struct moon_wake *logic)
{
    static const struct moon_loop_calls calls = {work, flush, has_work};
    struct moon_io *io = moon_alloc(sizeof *io);
    uint32_t share = (config->max_connections + config->threads - 1) / config->threads;
    io->config = config;
    io->limits =
        (struct moon_outbox_limits){config->max_outbox_bytes, config->max_outbox_messages};
    io->heartbeat =
        (struct moon_heartbeat_times){config->ping_interval_ms, config->pong_timeout_ms};
    io->logic = logic;
    io->listener = listener;
    io->random = (unsigned)uv_hrtime() + thread;
    io->routes = moon_alloc(1);
    io->events = moon_ring_create(RING_BYTES);
    io->commands = moon_ring_create(RING_BYTES);
    moon_spill_init(&io->overflow, 0);
    io->pool = moon_pool_create(POOL_BYTES);
    io->conns = moon_conns_create(thread, share);
    io->roster = moon_roster_create(io->pool);
    moon_loop_init(&io->loop, &calls, io);
    io->wheel = moon_wheel_create(now_ms(io));
    uv_timer_init(&io->loop.uv, &io->tick);
    io->tick.data = io;
    io->ws = moon_ws_create(io, config, &io->loop.uv);
    if (io->ws == NULL) {
        exit(2); /* before anything has started; the reason is logged */
    }
    return io;
}

static void *run(void *argument)
{
    struct moon_io *io = argument;
    uv_update_time(&io->loop.uv);
    uv_timer_start(&io->tick, on_tick, MOON_WHEEL_TICK_MS, MOON_WHEEL_TICK_MS);
    moon_acceptor_start(&io->acceptor, &io->loop.uv, io->listener, adopt, io);
    moon_loop_run(&io->loop);
    atomic_store(&io->has_ended, true);
    moon_wake_signal(io->logic);
    return NULL;
}

void moon_io_start(struct moon_io *io)
{
    if (pthread_create(&io->thread, NULL, run, io) != 0) {
        moon_log(MOON_ERROR, "io", "cannot start a thread");
        exit(2);
    }
}

void moon_io_join(struct moon_io *io)
{
    pthread_join(io->thread, NULL);
}

void moon_io_destroy(struct moon_io *io)
{
    uv_close((uv_handle_t *)&io->tick, NULL);
    moon_loop_close(&io->loop);
    moon_ws_destroy(io->ws);
    moon_loop_fini(&io->loop);
    moon_wheel_destroy(io->wheel);
    moon_roster_destroy(io->roster);
    moon_conns_destroy(io->conns);
    moon_pool_destroy(io->pool);
    moon_spill_fini(&io->overflow);
    moon_ring_destroy(io->commands);
    moon_ring_destroy(io->events);
    moon_free(io->dirty.ids);
    moon_free(io->paused.ids);
    moon_free(io->routes);
    moon_free(io);
}

struct moon_ring *moon_io_events(struct moon_io *io)
{
    return io->events;
}

struct moon_ring *moon_io_commands(struct moon_io *io)
{
    return io->commands;
}

struct moon_wake *moon_io_wake(struct moon_io *io)
{
    return io->loop.wake;
}

bool moon_io_has_ended(const struct moon_io *io)
{
    return atomic_load(&io->has_ended);
}
