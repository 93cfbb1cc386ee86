/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "frame.h"
#include "gate_state.h"
#include <string.h>

/* What may be refused when too much waits: the caller says so to the script. What takes
 * something back (a membership, a connection, a route) must not be. */
static bool is_refusable(uint32_t kind)
{
    return kind == MOON_SEND || kind == MOON_PUBLISH || kind == MOON_JOIN;
}

/* `head` begins with a struct moon_record. */
static int push(struct moon_gate *gate, struct moon_lane *lane, const void *head,
                uint64_t head_bytes, const char *body, uint64_t body_bytes)
{
    struct moon_record record;
    memcpy(&record, head, sizeof record);
    if (moon_io_has_ended(lane->io)) {
        /* Nobody is left to tell. A script that says as much as it can must hear so. */
        return is_refusable(record.kind) ? MOON_EFULL : MOON_OK;
    }
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

static struct moon_lane *lane_of(struct moon_gate *gate, moon_conn_id conn)
{
    uint32_t thread = moon_conn_thread(conn);
    return thread >= 1 && thread <= gate->count ? &gate->lanes[thread - 1] : NULL;
}

int moon_gate_send(struct moon_gate *gate, moon_conn_id conn, uint32_t opcode,
                   const char *bytes, uint64_t length)
{
    struct moon_lane *lane = lane_of(gate, conn);
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
        const struct moon_lane *lane = &gate->lanes[i];
        bool has_room = moon_spill_has_room(&lane->spill, sizeof head + length) &&
                        !moon_io_has_ended(lane->io);
        status = has_room ? MOON_OK : MOON_EFULL;
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
    struct moon_lane *lane = lane_of(gate, conn);
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
