/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include "log.h"
#include "thread.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
    RING_BYTES = 1 << 20,   /* each way */
    POOL_BYTES = 8 << 20,   /* queue buffers kept for the next connection */
    TURN_BYTES = 512 << 10, /* commands carried out before the sockets get their turn */
    LIMITS = sizeof(struct moon_limits) / sizeof(uint32_t),
    UNACKED_MS = 30000, /* a peer that takes nothing for so long is gone, or twice the
                               age that a message may have in a queue */
    CLOSES = 100,       /* carried out in one turn: each costs a send */
};

uint64_t moon_io_now_ms(const struct moon_io *io)
{
    return uv_now(&io->loop.uv);
}

struct moon_conn *moon_io_find(const struct moon_io *io, moon_conn_id id)
{
    return moon_conns_find(io->conns, id);
}

void moon_id_list_add(struct moon_id_list *list, moon_conn_id id)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->ids = moon_realloc(list->ids, list->capacity * sizeof *list->ids);
    }
    list->ids[list->count++] = id;
}

static struct moon_letter letter_of(const struct moon_record *record, const char *frame,
                                    uint64_t bytes)
{
    return (struct moon_letter){.frame = frame,
                                .bytes = (uint32_t)bytes,
                                .class = record->code,
                                .key = record->key};
}

static void send_to(struct moon_io *io, const struct moon_record *record,
                    const char *frame, uint64_t bytes)
{
    struct moon_conn *conn = moon_io_find_open(io, record->subject);
    if (conn == NULL) {
        return; /* its MOON_CLOSED is on the way */
    }
    moon_io_catch_up(io, conn);
    if (conn->state == MOON_CONN_OPEN) {
        struct moon_letter letter = letter_of(record, frame, bytes);
        letter.stays = !conn->is_blocked; /* it is written in this turn */
        moon_io_enqueue(io, conn, &letter);
    }
}

static void publish(struct moon_io *io, const struct moon_record *record,
                    const char *frame, uint64_t bytes)
{
    const struct moon_letter letter = letter_of(record, frame, bytes);
    struct moon_conn *except =
        record->other == 0 ? NULL : moon_io_find_open(io, record->other);
    if (except != NULL) {
        moon_io_catch_up(io, except);
    }
    (void)moon_roster_publish(io->roster, record->subject, record->other, &letter);
}

static void leave(struct moon_io *io, moon_room_id room, moon_conn_id id)
{
    struct moon_conn *conn = moon_io_find_open(io, id);
    if (conn != NULL) {
        moon_io_catch_up(io, conn);
        (void)moon_roster_leave(io->roster, room, id);
    }
}

static void close_by_script(struct moon_io *io, const struct moon_record *record,
                            const char *text, uint64_t length)
{
    struct moon_conn *conn = moon_io_find_open(io, record->subject);
    if (conn != NULL) {
        moon_io_catch_up(io, conn);
        char word[MOON_FRAME_CONTROL_MAX] = "";
        memcpy(word, text, length); /* gate_command.c has checked it */
        moon_io_close(io, conn, record->code, MOON_BY_SCRIPT, word);
    }
}

/* `text` is the old one, or NULL; so long as the new one and a NUL. */
static char *replace(char *text, const char *bytes, uint64_t length)
{
    text = moon_realloc(text, length + 1);
    memcpy(text, bytes, length);
    text[length] = '\0';
    return text;
}

static void admit(struct moon_io *io, moon_conn_id id)
{
    struct moon_conn *conn = moon_io_find_open(io, id);
    if (conn != NULL) {
        conn->admit_by_ms = 0;
        moon_io_watch(io, conn);
    }
}

/* A connection with limits of its own has a copy of the listener's, changed. */
static void limit(struct moon_io *io, moon_conn_id id, const char *bytes)
{
    struct moon_conn *conn = moon_io_find_open(io, id);
    if (conn == NULL) {
        return;
    }
    if (conn->own_limits == NULL) {
        conn->own_limits = moon_alloc(sizeof *conn->own_limits);
        *conn->own_limits = *conn->limits;
        conn->limits = conn->own_limits;
    }
    uint32_t now[LIMITS], changes[LIMITS];
    memcpy(now, conn->own_limits, sizeof now);
    memcpy(changes, bytes, sizeof changes);
    for (size_t i = 0; i < LIMITS; i++) {
        now[i] = changes[i] == 0 ? now[i] : changes[i];
    }
    memcpy(conn->own_limits, now, sizeof now);
    moon_io_watch(io, conn);
}

static void charge(struct moon_io *io, moon_conn_id id, uint32_t messages)
{
    struct moon_conn *conn = moon_io_find_open(io, id);
    if (conn != NULL) {
        moon_bucket_owe(&conn->messages, messages);
    }
}

static void begin_stop(struct moon_io *io)
{
    io->is_stopping = io->is_saying_goodbye = true;
    io->stop_by_ms = moon_io_now_ms(io) + io->config->close_timeout_ms;
    moon_acceptor_stop(&io->acceptor);
}

/* Some each turn: a send for each of ten thousand would hold up everything else. */
static void say_goodbye(struct moon_io *io)
{
    struct moon_conn *conn = NULL;
    for (uint32_t i = 0; i < CLOSES && io->is_saying_goodbye; i++) {
        conn = moon_conns_next(io->conns, &io->stop_cursor);
        if (conn == NULL) {
            io->is_saying_goodbye = false;
        } else if (conn->state == MOON_CONN_GREETING && !conn->is_asking) {
            moon_io_doom(io, conn);
        } else {
            moon_io_close_for(io, conn, MOON_SHUTDOWN);
        }
    }
}

static void obey(struct moon_io *io, const struct moon_record *record,
                 const char *bytes, uint64_t length)
{
    switch ((enum moon_command_kind)record->kind) {
    case MOON_SEND:
        send_to(io, record, bytes, length);
        break;
    case MOON_PUBLISH:
        publish(io, record, bytes, length);
        break;
    case MOON_JOIN:
        if (moon_io_find_open(io, record->other) != NULL) {
            (void)moon_roster_join(io->roster, record->subject, record->other);
        }
        break;
    case MOON_LEAVE:
        leave(io, record->subject, record->other);
        break;
    case MOON_CLOSE:
        close_by_script(io, record, bytes, length);
        break;
    case MOON_LOOK:
        moon_io_tell_figures(io, record->subject);
        break;
    case MOON_ADMIT:
        admit(io, record->subject);
        break;
    case MOON_LIMIT:
        limit(io, record->subject, bytes);
        break;
    case MOON_CHARGE:
        charge(io, record->subject, record->reason);
        break;
    case MOON_RESPOND:
        moon_io_answer(io, record, bytes, length);
        break;
    case MOON_ROUTE:
        io->routes = replace(io->routes, bytes, length);
        break;
    case MOON_REPORT:
        io->report = replace(io->report, bytes, length);
        io->report_bytes = length;
        break;
    case MOON_POLICY:
        moon_io_set_policy(io, bytes);
        break;
    case MOON_RENEW:
        moon_ws_renew(io->ws);
        break;
    case MOON_STOP:
        begin_stop(io);
        break;
    case MOON_STORE:
    case MOON_FETCH:
    case MOON_ABORT_FETCH:
    case MOON_HASH:
        break; /* the workers' */
    }
}

static bool wake_logic(struct moon_io *io)
{
    bool has_emitted = io->has_emitted;
    if (has_emitted) {
        io->has_emitted = false;
        moon_wake_signal(io->logic);
    }
    return has_emitted;
}

static void work(void *owner)
{
    struct moon_io *io = owner;
    if (wake_logic(io)) {
        (void)sched_yield(); /* on a shared CPU its answers join this turn's sends */
    }
    uint64_t length = 0, total = 0;
    uint32_t closes = 0;
    const char *bytes = NULL;
    struct moon_record record;
    while (total < TURN_BYTES && closes < CLOSES &&
           (bytes = moon_ring_peek(io->commands, &length)) != NULL) {
        memcpy(&record, bytes, sizeof record);
        obey(io, &record, bytes + sizeof record, length - sizeof record);
        closes += record.kind == MOON_CLOSE;
        total += length;
        moon_ring_pass(io->commands);
    }
    say_goodbye(io);
    if (io->is_late) {
        moon_io_expire(io);
    }
}

/* Their frames have been written from where they lay. */
static void give_back_commands(struct moon_io *io)
{
    moon_ring_release(io->commands);
    if (moon_ring_take_wish(io->commands)) {
        io->has_emitted = true; /* the logic thread waits for room: there is some */
    }
}

static bool is_done(struct moon_io *io)
{
    return io->is_stopping && !io->is_saying_goodbye &&
           (moon_conns_count(io->conns) == 0 || moon_io_now_ms(io) >= io->stop_by_ms) &&
           moon_spill_is_empty(&io->overflow);
}

static void flush(void *owner)
{
    struct moon_io *io = owner;
    moon_io_write_all(io);
    give_back_commands(io);
    moon_io_govern(io);
    moon_io_relieve(io);
    moon_io_apply_pauses(io);
    moon_io_note_turn(io);
    (void)wake_logic(io);
    if (is_done(io)) {
        moon_loop_stop(&io->loop);
    }
}

static bool has_work(void *owner)
{
    struct moon_io *io = owner;
    bool can_drain = io->is_congested && !moon_ring_has_wish(io->events);
    return can_drain || !moon_ring_is_empty(io->commands) || io->dirty.count > 0 ||
           io->doomed.count > 0 || io->is_saying_goodbye || io->is_late;
}

static void on_tick(uv_timer_t *timer)
{
    struct moon_io *io = timer->data;
    moon_io_expire(io);
    moon_io_publish_metrics(io);
}

struct moon_io *moon_io_create(uint32_t thread, const struct moon_shared *shared,
                               int listener, struct moon_wake *logic)
{
    static const struct moon_loop_calls calls = {work, flush, has_work};
    const struct moon_config *config = shared->config;
    struct moon_io *io = moon_alloc(sizeof *io);
    io->number = thread;
    io->shared = shared;
    io->config = config;
    io->heartbeat = (struct moon_heartbeat_times){config->ping_interval_ms,
                                                  config->pong_timeout_ms};
    io->logic = logic;
    io->listener = listener;
    io->random = (unsigned)uv_hrtime() + thread;
    io->routes = moon_alloc(1);
    io->events = moon_ring_create(RING_BYTES);
    io->commands = moon_ring_create(RING_BYTES);
    moon_spill_init(&io->overflow, 0);
    io->post.pool = moon_pool_create(POOL_BYTES);
    io->conns = moon_conns_create(thread, MOON_MAX_CONNS);
    io->roster = moon_roster_create(io->post.pool);
    moon_loop_init(&io->loop, &calls, io);
    uv_loop_configure(&io->loop.uv, UV_METRICS_IDLE_TIME);
    moon_io_begin_admission(io);
    io->wheel = moon_wheel_create(moon_io_now_ms(io));
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
    io->turn_ns = uv_hrtime();
    /* A peer whose window stays closed counts, too: whoever may wait longer in a queue
     * must not be lost before. */
    uint32_t age_ms = io->config->limits.outbox_age_ms;
    io->acceptor.unacked_ms = age_ms < UNACKED_MS / 2 ? UNACKED_MS : age_ms * 2;
    moon_acceptor_start(&io->acceptor, &io->loop.uv, io->listener, moon_io_adopt, io);
    moon_loop_run(&io->loop);
    atomic_store(&io->has_ended, true);
    moon_wake_signal(io->logic);
    return NULL;
}

void moon_io_start(struct moon_io *io)
{
    moon_thread_start(&io->thread, run, io, "io");
}

void moon_io_join(struct moon_io *io)
{
    pthread_join(io->thread, NULL);
}

void moon_io_destroy(struct moon_io *io)
{
    moon_io_drop_greetings(io);
    uv_close((uv_handle_t *)&io->tick, NULL);
    moon_loop_close(&io->loop);
    moon_ws_destroy(io->ws);
    moon_loop_fini(&io->loop);
    moon_wheel_destroy(io->wheel);
    moon_roster_destroy(io->roster);
    moon_conns_destroy(io->conns);
    moon_post_fini(&io->post);
    moon_pool_destroy(io->post.pool);
    moon_spill_fini(&io->overflow);
    moon_ring_destroy(io->commands);
    moon_ring_destroy(io->events);
    moon_io_end_admission(io);
    moon_free(io->dirty.ids);
    moon_free(io->pausing.ids);
    moon_free(io->doomed.ids);
    moon_free(io->routes);
    moon_free(io->report);
    moon_free(io);
}

void moon_io_attach(struct moon_io *io, struct moon_lanes *lanes)
{
    moon_lanes_add(lanes, io->events, io->commands, io->loop.wake, &io->has_ended);
}
