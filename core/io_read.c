/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include "reason.h"
#include <string.h>

void moon_io_emit(struct moon_io *io, const struct moon_record *record,
                  const char *bytes, uint64_t length)
{
    /* What overflows is bounded by what one turn can read: then reading stops. */
    (void)moon_spill_push(&io->overflow, io->events, record, sizeof *record, bytes,
                          length, true);
    io->has_emitted = true;
}

/* Not now: what is paused and resumed within a turn costs no system call. */
void moon_io_pause(struct moon_io *io, struct moon_conn *conn, enum moon_pause why,
                   bool pause)
{
    uint8_t pauses = (uint8_t)(pause ? conn->pauses | why : conn->pauses & ~why);
    if ((pauses != 0) != (conn->pauses != 0)) {
        moon_id_list_add(&io->pausing, conn->id);
    }
    conn->pauses = pauses;
}

void moon_io_apply_pauses(struct moon_io *io)
{
    for (uint32_t i = 0; i < io->pausing.count; i++) {
        struct moon_conn *conn = moon_conns_find(io->conns, io->pausing.ids[i]);
        if (conn != NULL && !conn->is_doomed && !conn->is_over &&
            conn->is_paused != (conn->pauses != 0)) {
            conn->is_paused = !conn->is_paused;
            moon_ws_pause(conn->socket, conn->is_paused);
        }
    }
    io->pausing.count = 0;
}

static void pause_all(struct moon_io *io, bool pause)
{
    uint32_t cursor = 0;
    struct moon_conn *conn = NULL;
    while ((conn = moon_conns_next(io->conns, &cursor)) != NULL) {
        /* One that is closing is read from: its answer to the Close must be seen. */
        if (!conn->is_doomed && conn->state == MOON_CONN_OPEN) {
            moon_io_pause(io, conn, MOON_PAUSED_BY_RING, pause);
        }
    }
    io->is_congested = pause;
    io->metrics.events_overflows += pause;
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

/* ---- what a client may send ---- */

/* Its turn comes again when what it owes has come in. */
static void wait_for_flood(struct moon_io *io, struct moon_conn *conn, uint32_t wait_ms)
{
    conn->resume_ms = moon_io_now_ms(io) + wait_ms;
    moon_io_pause(io, conn, MOON_PAUSED_BY_FLOOD, true);
    moon_io_watch(io, conn);
}

/* How long it should have waited with this message; 0 when it is within its rate. Where
 * the message is accepted all the same, what a bucket has refused is owed to it. */
static uint32_t take_tokens(struct moon_io *io, struct moon_conn *conn, uint64_t length)
{
    const struct moon_limits *limits = conn->limits;
    bool may_owe = limits->flood_action == MOON_FLOOD_PAUSE;
    uint64_t now_ms = moon_io_now_ms(io);
    uint32_t messages_ms = moon_bucket_take(&conn->messages, limits->rate_messages,
                                            limits->burst_messages, 1, now_ms);
    uint32_t bytes_ms = moon_bucket_take(&conn->bytes, limits->rate_bytes,
                                         limits->burst_bytes, (uint32_t)length, now_ms);
    if (may_owe && messages_ms > 0) {
        moon_bucket_owe(&conn->messages, 1);
    }
    if (may_owe && bytes_ms > 0) {
        moon_bucket_owe(&conn->bytes, (uint32_t)length);
    }
    return messages_ms > bytes_ms ? messages_ms : bytes_ms;
}

/* Whoever goes on although it is told to wait is closed in the end. */
static bool may_be_refused(struct moon_io *io, struct moon_conn *conn)
{
    const struct moon_limits *limits = conn->limits;
    return moon_bucket_take(&conn->refusals, limits->rate_messages,
                            limits->burst_messages, 1, moon_io_now_ms(io)) == 0;
}

/* Returns the kind of event that the message goes up as; 0 when it does not. */
static uint16_t admit_message(struct moon_io *io, struct moon_conn *conn,
                              uint64_t length, uint32_t *wait_ms)
{
    *wait_ms = take_tokens(io, conn, length);
    if (*wait_ms == 0) {
        return MOON_RECEIVED;
    }
    uint32_t action = conn->limits->flood_action;
    io->metrics.flooded[action]++;
    if (action == MOON_FLOOD_PAUSE) {
        wait_for_flood(io, conn, *wait_ms);
        *wait_ms = 0;
        return MOON_RECEIVED; /* it had been read already: nothing is lost */
    }
    if (action == MOON_FLOOD_REFUSE && may_be_refused(io, conn)) {
        return MOON_REFUSED;
    }
    moon_io_close_for(io, conn, MOON_FLOOD);
    return 0;
}

static void accept_message(struct moon_io *io, struct moon_conn *conn,
                           const char *bytes, uint64_t length)
{
    struct moon_record received = {.code = conn->opcode, .subject = conn->id};
    if (conn->opcode == MOON_TEXT && !moon_utf8_is_valid(bytes, length)) {
        moon_io_close_for(io, conn, MOON_BAD_UTF8);
        return;
    }
    io->metrics.received[conn->opcode == MOON_BINARY]++;
    io->metrics.received_bytes[conn->opcode == MOON_BINARY] += length;
    received.kind = admit_message(io, conn, length, &received.reason);
    if (received.kind != 0) {
        moon_io_emit(io, &received, bytes, length);
    }
}

/* ---- what has arrived ---- */

static void take_data(struct moon_io *io, struct moon_conn *conn,
                      const struct moon_part *part)
{
    uint32_t max_bytes = io->config->max_message_bytes;
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    conn->opcode = part->opcode;
    conn->fragments += part->still_to_come == 0;
    if (conn->message.length + part->length + part->still_to_come > max_bytes ||
        conn->fragments > io->config->max_fragments) {
        moon_io_close_for(io, conn, MOON_TOO_BIG);
        return;
    }
    if (part->is_last && conn->message.length == 0) {
        conn->fragments = 0;
        accept_message(io, conn, part->bytes, part->length); /* whole: no copy */
        return;
    }
    (void)moon_message_append(&conn->message, io->post.pool, max_bytes, part->bytes,
                              part->length);
    if (part->is_last) {
        conn->fragments = 0;
        accept_message(io, conn, conn->message.bytes, conn->message.length);
        moon_message_clear(&conn->message, io->post.pool);
    }
}

/* RFC 6455 section 5.5.2. Each ping counts as a message: it costs us one, too. */
static void answer_ping(struct moon_io *io, struct moon_conn *conn,
                        const struct moon_part *ping)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    if (conn->state != MOON_CONN_OPEN) {
        return;
    }
    uint32_t wait_ms = take_tokens(io, conn, ping->length);
    if (wait_ms > 0) {
        io->metrics.flooded[MOON_FLOOD_PAUSE]++;
        wait_for_flood(io, conn, wait_ms);
    }
    uint32_t header = moon_frame_header(frame, MOON_FRAME_PONG, ping->length);
    memcpy(frame + header, ping->bytes, ping->length);
    const struct moon_letter pong = {
        .frame = frame,
        .bytes = header + (uint32_t)ping->length,
        .class = MOON_CONTROL,
    };
    moon_io_enqueue(io, conn, &pong);
}

static void take_pong(struct moon_io *io, struct moon_conn *conn,
                      const struct moon_part *pong)
{
    uint64_t sent_us = 0;
    io->metrics.pongs++;
    if (pong->length == sizeof sent_us) {
        memcpy(&sent_us, pong->bytes, sizeof sent_us);
    }
    if (sent_us != 0 && sent_us == conn->ping_us) {
        conn->ping_us = 0; /* the second answer to the same ping says nothing */
        uint64_t rtt_us = uv_hrtime() / 1000 - sent_us;
        conn->rtt_us = rtt_us == 0           ? 1
                       : rtt_us < UINT32_MAX ? (uint32_t)rtt_us
                                             : UINT32_MAX;
        moon_metrics_observe(io->metrics.rtt, MOON_RTT_BUCKETS, &io->metrics.rtt_us_sum,
                             MOON_RTT_FIRST_US, rtt_us);
    }
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

static enum moon_reason reason_of(uint16_t fault)
{
    return fault == 0 ? MOON_BY_CLIENT : fault == 1007 ? MOON_BAD_UTF8 : MOON_PROTOCOL;
}

/* Nothing more is read; the socket ends after what is queued. */
static void finish(struct moon_io *io, struct moon_conn *conn)
{
    conn->is_over = true;
    moon_io_mark_dirty(io, conn);
}

static void take_close(struct moon_io *io, struct moon_conn *conn,
                       const struct moon_part *close)
{
    char frame[MOON_FRAME_HEADER_MAX + MOON_FRAME_CONTROL_MAX];
    const unsigned char *code_bytes = (const unsigned char *)close->bytes;
    uint16_t code = 0;
    if (close->length >= 2) {
        code = (uint16_t)(code_bytes[0] << 8 | code_bytes[1]);
    }
    if (conn->state == MOON_CONN_OPEN) { /* else it is the answer to our own */
        uint16_t fault = fault_of(close->bytes, close->length, code);
        uint16_t answer = fault == 0 ? code : fault;
        moon_outbox_clear(&conn->outbox, &io->post);
        moon_io_enqueue_control(io, conn, frame,
                                moon_frame_close(frame, answer, "", 0));
        moon_io_end(io, conn, answer == 0 ? 1005 : answer, reason_of(fault));
        moon_wheel_set(io->wheel, &conn->deadline,
                       moon_io_now_ms(io) + io->config->close_timeout_ms);
    }
    finish(io, conn);
}

void moon_io_broke(struct moon_io *io, struct moon_conn *conn)
{
    moon_io_close_for(io, conn, MOON_PROTOCOL);
    finish(io, conn);
}

static void take(struct moon_io *io, struct moon_conn *conn, enum moon_parsed what,
                 const struct moon_part *part)
{
    switch (what) {
    case MOON_PARSED_DATA:
        take_data(io, conn, part);
        break;
    case MOON_PARSED_PING:
        answer_ping(io, conn, part);
        break;
    case MOON_PARSED_PONG:
        take_pong(io, conn, part);
        break;
    case MOON_PARSED_CLOSE:
        take_close(io, conn, part);
        break;
    case MOON_PARSED_BAD:
        moon_io_broke(io, conn);
        break;
    case MOON_PARSED_ALL:
        break;
    }
}

void moon_io_received(struct moon_io *io, struct moon_conn *conn, char *at,
                      uint32_t bytes)
{
    char *end = at + bytes;
    enum moon_parsed what = MOON_PARSED_ALL;
    struct moon_part part;
    if (conn->is_over) {
        return;
    }
    conn->heartbeat.heard = 1;
    at = moon_parser_recall(&conn->parser, io->post.pool, at);
    while (!conn->is_over && !conn->is_doomed &&
           (what = moon_parser_next(&conn->parser, &at, end, &part)) !=
               MOON_PARSED_ALL) {
        take(io, conn, what, &part);
    }
    if (what == MOON_PARSED_ALL) {
        moon_parser_keep(&conn->parser, io->post.pool, at, end);
    }
}

bool moon_io_may_read(const struct moon_io *io, const struct moon_conn *conn)
{
    return conn->state != MOON_CONN_OPEN || moon_spill_is_empty(&io->overflow);
}

void moon_io_lost(struct moon_io *io, struct moon_conn *conn)
{
    moon_outbox_abandon(&conn->outbox, &io->post);
    if (conn->state == MOON_CONN_OPEN) {
        moon_io_end(io, conn, moon_reason_code(MOON_LOST), MOON_LOST);
    }
    if (conn->is_blocked) {
        moon_io_doom(io, conn);
    } else {
        finish(io, conn);
    }
}

void moon_io_gone(struct moon_io *io, struct moon_conn *conn)
{
    moon_outbox_abandon(&conn->outbox, &io->post);
    if (conn->state == MOON_CONN_OPEN) {
        moon_io_end(io, conn, moon_reason_code(MOON_LOST), MOON_LOST);
    }
    moon_message_clear(&conn->message, io->post.pool);
    moon_parser_clear(&conn->parser, io->post.pool);
    moon_wheel_clear(&conn->deadline);
    moon_wheel_clear(&conn->patience);
    moon_io_count_out(io, conn);
    moon_free(conn->own_limits);
    io->states[conn->state]--;
    moon_conns_remove(io->conns, conn);
}
