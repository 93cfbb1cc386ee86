/* SPDX-License-Identifier: MIT */
#include "gate.h"
#include "command.h"
#include "conn.h"
#include "frame.h"
#include "io.h"
#include "listen.h"
#include "log.h"
#include "loop.h"
#include "spill.h"
#include <stdio.h>
#include <string.h>

enum {
    SPILL_BYTES =
        64 << 20,     /* commands waiting for one I/O thread; beyond: MOON_EFULL */
    FAIR_EVENTS = 64, /* from one I/O thread before the next has its turn */
};

/* One I/O thread as the logic thread sees it. */
struct lane {
    struct moon_io *io;
    struct moon_ring *events, *commands;
    struct moon_spill spill; /* commands that found the ring full */
    bool has_news;           /* commands it may sleep over */
};

struct moon_gate {
    struct moon_loop loop;
    const struct moon_config *config;
    struct lane lanes[MOON_MAX_THREADS];
    uint32_t count, port;
    uint32_t turn, taken;       /* the lane being read, and how many events in a row */
    struct moon_ring *borrowed; /* its record is in the script's hands */
    struct moon_event *posts;   /* events of the logic thread itself */
    uint32_t first_post, last_post, posts_capacity;
    uint32_t spilling; /* lanes with a spill that is not empty */
    void (*enter)(void *owner);
    void *owner;
};

struct timer {
    uv_timer_t uv;
    struct moon_gate *gate;
    uint64_t token;
};

/* ---- commands ---- */

/* What may be refused when too much waits: the caller says so to the script. What takes
 * something back (a membership, a connection, a route) must not be. */
static bool is_refusable(uint32_t kind)
{
    return kind == MOON_SEND || kind == MOON_PUBLISH || kind == MOON_JOIN;
}

/* `head` begins with a struct moon_record. */
static int push(struct moon_gate *gate, struct lane *lane, const void *head,
                uint64_t head_bytes, const char *body, uint64_t body_bytes)
{
    struct moon_record record;
    if (moon_io_has_ended(lane->io)) {
        return MOON_OK; /* nobody is left to tell */
    }
    memcpy(&record, head, sizeof record);
    bool was_empty = moon_spill_is_empty(&lane->spill);
    if (!moon_spill_push(&lane->spill, lane->commands, head, head_bytes, body,
                         body_bytes, !is_refusable(record.kind))) {
        return MOON_EFULL;
    }
    gate->spilling += was_empty && !moon_spill_is_empty(&lane->spill);
    lane->has_news = true;
    return MOON_OK;
}

/* A command and the header of the frame it carries. */
struct framed {
    struct moon_record record;
    char header[MOON_FRAME_HEADER_MAX];
};

static int check_message(uint32_t opcode, const char *bytes, uint64_t length)
{
    if (length > MOON_MAX_FRAME_BYTES) {
        return MOON_EBIG;
    }
    if (opcode != MOON_TEXT && opcode != MOON_BINARY) {
        return MOON_EINVAL;
    }
    return opcode == MOON_BINARY || moon_utf8_is_valid(bytes, length) ? MOON_OK
                                                                      : MOON_EUTF8;
}

static struct lane *lane_of(struct moon_gate *gate, moon_conn_id conn)
{
    uint32_t thread = moon_conn_thread(conn);
    return thread >= 1 && thread <= gate->count ? &gate->lanes[thread - 1] : NULL;
}

int moon_gate_send(struct moon_gate *gate, moon_conn_id conn, uint32_t opcode,
                   const char *bytes, uint64_t length)
{
    struct lane *lane = lane_of(gate, conn);
    struct framed head = {.record = {.kind = MOON_SEND, .subject = conn}};
    int status = lane == NULL ? MOON_EGONE : check_message(opcode, bytes, length);
    if (status != MOON_OK) {
        return status;
    }
    uint32_t header = moon_frame_header(head.header, opcode, length);
    return push(gate, lane, &head, sizeof head.record + header, bytes, length);
}

int moon_gate_publish(struct moon_gate *gate, moon_room_id room, moon_conn_id except,
                      uint32_t opcode, const char *bytes, uint64_t length)
{
    struct framed head = {
        .record = {.kind = MOON_PUBLISH, .subject = room, .other = except}};
    int status = check_message(opcode, bytes, length);
    uint32_t header = moon_frame_header(head.header, opcode, length);
    for (uint32_t i = 0; status == MOON_OK && i < gate->count; i++) {
        /* To all or to none: "full" must mean that nobody gets it. */
        status = moon_spill_has_room(&gate->lanes[i].spill, sizeof head + length)
                     ? MOON_OK
                     : MOON_EFULL;
    }
    for (uint32_t i = 0; status == MOON_OK && i < gate->count; i++) {
        status = push(gate, &gate->lanes[i], &head, sizeof head.record + header, bytes,
                      length);
    }
    return status;
}

static int tell_owner(struct moon_gate *gate, moon_conn_id conn,
                      const struct moon_record *record, const char *bytes,
                      uint64_t length)
{
    struct lane *lane = lane_of(gate, conn);
    return lane == NULL ? MOON_EGONE
                        : push(gate, lane, record, sizeof *record, bytes, length);
}

int moon_gate_join(struct moon_gate *gate, moon_room_id room, moon_conn_id conn)
{
    const struct moon_record record = {
        .kind = MOON_JOIN, .subject = room, .other = conn};
    return tell_owner(gate, conn, &record, NULL, 0);
}

int moon_gate_leave(struct moon_gate *gate, moon_room_id room, moon_conn_id conn)
{
    const struct moon_record record = {
        .kind = MOON_LEAVE, .subject = room, .other = conn};
    return tell_owner(gate, conn, &record, NULL, 0);
}

int moon_gate_close(struct moon_gate *gate, moon_conn_id conn, uint32_t code,
                    const char *reason, uint64_t length)
{
    const struct moon_record record = {
        .kind = MOON_CLOSE, .code = (uint16_t)code, .subject = conn};
    if (!moon_close_code_is_valid(code) || length > MOON_FRAME_CONTROL_MAX - 2) {
        return MOON_EINVAL;
    }
    if (!moon_utf8_is_valid(reason, length)) {
        return MOON_EUTF8;
    }
    return tell_owner(gate, conn, &record, reason, length);
}

static int tell_all(struct moon_gate *gate, const struct moon_record *record,
                    const char *bytes, uint64_t length)
{
    int status = MOON_OK;
    for (uint32_t i = 0; status == MOON_OK && i < gate->count; i++) {
        status = push(gate, &gate->lanes[i], record, sizeof *record, bytes, length);
    }
    return status;
}

int moon_gate_route(struct moon_gate *gate, const char *table, uint64_t length)
{
    const struct moon_record record = {.kind = MOON_ROUTE};
    return length > MOON_MAX_FRAME_BYTES ? MOON_EBIG
                                         : tell_all(gate, &record, table, length);
}

void moon_gate_stop(struct moon_gate *gate)
{
    const struct moon_record record = {.kind = MOON_STOP};
    (void)tell_all(gate, &record, NULL, 0);
}

/* ---- timers and other events of the logic thread ---- */

void moon_gate_post(struct moon_gate *gate, enum moon_event_kind kind, uint64_t subject)
{
    if (gate->first_post == gate->last_post) {
        gate->first_post = gate->last_post = 0;
    }
    if (gate->last_post == gate->posts_capacity) {
        gate->posts_capacity =
            gate->posts_capacity == 0 ? 64 : gate->posts_capacity * 2;
        gate->posts =
            moon_realloc(gate->posts, gate->posts_capacity * sizeof *gate->posts);
    }
    gate->posts[gate->last_post++] =
        (struct moon_event){.kind = (uint16_t)kind, .subject = subject};
}

static void free_timer(uv_handle_t *handle)
{
    moon_free(handle->data);
}

static void on_fired(uv_timer_t *uv)
{
    struct timer *timer = uv->data;
    moon_gate_post(timer->gate, MOON_FIRED, timer->token);
    uv_close((uv_handle_t *)uv, free_timer);
}

void moon_gate_timer(struct moon_gate *gate, uint64_t token, uint32_t delay_ms)
{
    struct timer *timer = moon_alloc(sizeof *timer);
    timer->gate = gate;
    timer->token = token;
    uv_update_time(&gate->loop.uv); /* the script may have worked since the last look */
    uv_timer_init(&gate->loop.uv, &timer->uv);
    timer->uv.data = timer;
    uv_timer_start(&timer->uv, on_fired, delay_ms, 0);
}

/* ---- events ---- */

static void give_back(struct moon_gate *gate)
{
    if (gate->borrowed != NULL) {
        moon_ring_release(gate->borrowed);
        gate->borrowed = NULL;
    }
}

static bool drain_spills(struct moon_gate *gate)
{
    for (uint32_t i = 0; gate->spilling > 0 && i < gate->count; i++) {
        struct lane *lane = &gate->lanes[i];
        if (!moon_spill_is_empty(&lane->spill) && moon_io_has_ended(lane->io)) {
            moon_spill_fini(&lane->spill);
            moon_spill_init(&lane->spill, SPILL_BYTES);
            gate->spilling--;
        } else if (!moon_spill_is_empty(&lane->spill)) {
            lane->has_news = true;
            gate->spilling -= moon_spill_drain(&lane->spill, lane->commands);
        }
    }
    return gate->spilling == 0;
}

static void next_lane(struct moon_gate *gate)
{
    struct lane *lane = &gate->lanes[gate->turn];
    if (moon_ring_take_wish(lane->events)) {
        lane->has_news = true; /* it waits for room, and there is some now */
    }
    gate->turn = (gate->turn + 1) % gate->count;
    gate->taken = 0;
}

static bool read_lane(struct moon_gate *gate, struct moon_event *event)
{
    struct lane *lane = &gate->lanes[gate->turn];
    struct moon_record record;
    uint64_t length = 0;
    const char *bytes = moon_ring_peek(lane->events, &length);
    if (bytes == NULL) {
        return false;
    }
    memcpy(&record, bytes, sizeof record);
    event->kind = record.kind;
    event->code = record.code;
    event->reason = record.reason;
    event->subject = record.subject;
    event->bytes = bytes + sizeof record;
    event->length = length - sizeof record;
    gate->borrowed = lane->events;
    gate->taken++;
    return true;
}

bool moon_gate_next(struct moon_gate *gate, struct moon_event *event)
{
    give_back(gate);
    if (gate->spilling > 0 && !drain_spills(gate)) {
        return false; /* the scripts produce faster than the I/O threads can take */
    }
    if (gate->first_post < gate->last_post) {
        *event = gate->posts[gate->first_post++];
        return true;
    }
    if (gate->taken >= FAIR_EVENTS) {
        next_lane(gate);
    }
    for (uint32_t i = 0; i < gate->count; i++) {
        if (read_lane(gate, event)) {
            return true;
        }
        next_lane(gate);
    }
    return false;
}

/* ---- the turn ---- */

static void work(void *owner)
{
    struct moon_gate *gate = owner;
    gate->enter(gate->owner);
    give_back(gate);
}

static bool all_have_ended(struct moon_gate *gate)
{
    for (uint32_t i = 0; i < gate->count; i++) {
        if (!moon_io_has_ended(gate->lanes[i].io) ||
            !moon_ring_is_empty(gate->lanes[i].events)) {
            return false;
        }
    }
    return gate->first_post == gate->last_post;
}

static void flush(void *owner)
{
    struct moon_gate *gate = owner;
    (void)drain_spills(gate);
    for (uint32_t i = 0; i < gate->count; i++) {
        if (gate->lanes[i].has_news) {
            gate->lanes[i].has_news = false;
            moon_wake_signal(moon_io_wake(gate->lanes[i].io));
        }
    }
    if (all_have_ended(gate)) {
        moon_loop_stop(&gate->loop);
    }
}

static bool has_work(void *owner)
{
    const struct moon_gate *gate = owner;
    bool has_events = gate->first_post < gate->last_post;
    bool can_drain = false;
    for (uint32_t i = 0; i < gate->count; i++) {
        const struct lane *lane = &gate->lanes[i];
        has_events = has_events || !moon_ring_is_empty(lane->events);
        can_drain =
            can_drain ||
            (!moon_spill_is_empty(&lane->spill) &&
             (moon_io_has_ended(lane->io) || !moon_ring_has_wish(lane->commands)));
    }
    /* While commands are spilling no events are taken. */
    return gate->spilling > 0 ? can_drain : has_events;
}

/* ---- life ---- */

struct moon_gate *moon_gate_create(const struct moon_config *config)
{
    static const struct moon_loop_calls calls = {work, flush, has_work};
    int listeners[MOON_MAX_THREADS];
    uint32_t port = config->port;
    int failure = moon_listen(config->host, &port, listeners, config->threads);
    if (failure != 0) {
        (void)fprintf(stderr, "moongate: cannot listen on %s port %u: %s\n",
                      config->host, port, strerror(failure));
        return NULL;
    }
    struct moon_gate *gate = moon_alloc(sizeof *gate);
    gate->config = config;
    gate->port = port;
    gate->count = config->threads;
    moon_loop_init(&gate->loop, &calls, gate);
    for (uint32_t i = 0; i < gate->count; i++) {
        struct lane *lane = &gate->lanes[i];
        lane->io = moon_io_create(i + 1, config, listeners[i], gate->loop.wake);
        lane->events = moon_io_events(lane->io);
        lane->commands = moon_io_commands(lane->io);
        moon_spill_init(&lane->spill, SPILL_BYTES);
    }
    return gate;
}

void moon_gate_run(struct moon_gate *gate, void (*enter)(void *owner), void *owner)
{
    gate->enter = enter;
    gate->owner = owner;
    for (uint32_t i = 0; i < gate->count; i++) {
        moon_io_start(gate->lanes[i].io);
    }
    moon_loop_run(&gate->loop);
    for (uint32_t i = 0; i < gate->count; i++) {
        moon_io_join(gate->lanes[i].io);
    }
}

static void close_timer(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (uv_handle_get_type(handle) == UV_TIMER && !uv_is_closing(handle)) {
        uv_close(handle, free_timer);
    }
}

void moon_gate_destroy(struct moon_gate *gate)
{
    for (uint32_t i = 0; i < gate->count; i++) {
        moon_io_destroy(gate->lanes[i].io);
        moon_spill_fini(&gate->lanes[i].spill);
    }
    uv_walk(&gate->loop.uv, close_timer, NULL);
    moon_loop_close(&gate->loop);
    moon_loop_fini(&gate->loop);
    moon_free(gate->posts);
    moon_free(gate);
}

uint32_t moon_gate_port(const struct moon_gate *gate)
{
    return gate->port;
}

uv_loop_t *moon_gate_loop(struct moon_gate *gate)
{
    return &gate->loop.uv;
}
