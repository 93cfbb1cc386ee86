/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "frame.h"
#include "gate_state.h"
#include "hash.h"
#include "http.h"
#include "inquiry.h"
#include "mem.h"
#include <string.h>

/* What may be refused when too much waits: the caller says so to the script. What takes
 * something back (a membership, a connection, a route) must not be. */
static bool is_refusable(uint32_t kind)
{
    return kind == MOON_SEND || kind == MOON_PUBLISH || kind == MOON_JOIN ||
           kind == MOON_RESPOND || kind == MOON_FETCH || kind == MOON_LOOK;
}

/* `head` begins with a struct moon_record. */
static int push(struct moon_gate *gate, struct moon_lane *lane, const void *head,
                uint64_t head_bytes, const char *body, uint64_t body_bytes)
{
    struct moon_record record;
    memcpy(&record, head, sizeof record);
    uint32_t spilling = gate->lanes.spilling;
    int status = moon_lane_push(&gate->lanes, lane, head, head_bytes, body, body_bytes,
                                !is_refusable(record.kind));
    gate->metrics.commands_spills += gate->lanes.spilling - spilling;
    return status;
}

enum {
    MAX_HEADERS_BYTES = 8192, /* of a script's response */
};

/* A command and the header of the frame it carries. */
struct framed {
    struct moon_record record;
    char header[MOON_FRAME_HEADER_MAX];
};

static int check_parcel(const struct moon_parcel *parcel)
{
    if (parcel->length > MOON_MAX_FRAME_BYTES) {
        return MOON_EBIG;
    }
    if ((parcel->opcode != MOON_TEXT && parcel->opcode != MOON_BINARY) ||
        parcel->class >= MOON_CLASSES) {
        return MOON_EINVAL;
    }
    bool is_right = parcel->opcode == MOON_BINARY ||
                    moon_utf8_is_valid(parcel->bytes, parcel->length);
    return is_right ? MOON_OK : MOON_EUTF8;
}

static struct moon_lane *lane_of(struct moon_gate *gate, moon_conn_id conn)
{
    uint32_t thread = moon_conn_thread(conn);
    return thread >= 1 && thread <= gate->count ? &gate->lanes.all[thread - 1] : NULL;
}

int moon_gate_send(struct moon_gate *gate, moon_conn_id conn,
                   const struct moon_parcel *parcel)
{
    struct moon_lane *lane = lane_of(gate, conn);
    struct framed head = {.record = {.kind = MOON_SEND,
                                     .code = (uint16_t)parcel->class,
                                     .subject = conn,
                                     .key = parcel->key}};
    int status = lane == NULL ? MOON_EGONE : check_parcel(parcel);
    if (status != MOON_OK) {
        return status;
    }
    uint32_t header = moon_frame_header(head.header, parcel->opcode, parcel->length);
    return push(gate, lane, &head, sizeof head.record + header, parcel->bytes,
                parcel->length);
}

int moon_gate_publish(struct moon_gate *gate, moon_room_id room, moon_conn_id except,
                      const struct moon_parcel *parcel)
{
    struct framed head = {.record = {.kind = MOON_PUBLISH,
                                     .code = (uint16_t)parcel->class,
                                     .subject = room,
                                     .other = except,
                                     .key = parcel->key}};
    int status = check_parcel(parcel);
    if (status == MOON_OK && parcel->class == MOON_CONTROL) {
        status = MOON_EINVAL; /* its reserve is for what one connection has asked for */
    }
    uint32_t header = moon_frame_header(head.header, parcel->opcode, parcel->length);
    for (uint32_t i = 0; status == MOON_OK && i < gate->count; i++) {
        /* To all or to none: "full" must mean that nobody gets it. */
        bool has_room =
            moon_lane_has_room(&gate->lanes.all[i], sizeof head + parcel->length);
        status = has_room ? MOON_OK : MOON_EFULL;
    }
    for (uint32_t i = 0; status == MOON_OK && i < gate->count; i++) {
        status = push(gate, &gate->lanes.all[i], &head, sizeof head.record + header,
                      parcel->bytes, parcel->length);
    }
    return status;
}

int moon_gate_has_room(const struct moon_gate *gate, uint64_t messages, uint64_t bytes)
{
    /* Each with its length in front, as a spill keeps it. */
    uint64_t total = bytes + messages * (sizeof(struct framed) + sizeof(uint64_t));
    bool has_room = true;
    for (uint32_t i = 0; has_room && i < gate->count; i++) {
        has_room = moon_lane_has_room(&gate->lanes.all[i], total);
    }
    return has_room ? MOON_OK : MOON_EFULL;
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

uint64_t moon_gate_key(const struct moon_gate *gate, const char *bytes, uint64_t length)
{
    return moon_hash(gate->key_seed, bytes, length); /* clients may choose keys */
}

int moon_gate_look(struct moon_gate *gate, moon_conn_id conn)
{
    const struct moon_record record = {.kind = MOON_LOOK, .subject = conn};
    return tell_owner(gate, conn, &record, NULL, 0);
}

int moon_gate_admit(struct moon_gate *gate, moon_conn_id conn)
{
    const struct moon_record record = {.kind = MOON_ADMIT, .subject = conn};
    return tell_owner(gate, conn, &record, NULL, 0);
}

int moon_gate_limit(struct moon_gate *gate, moon_conn_id conn,
                    const struct moon_limits *limits)
{
    const struct moon_record record = {.kind = MOON_LIMIT, .subject = conn};
    if (limits->flood_action > MOON_FLOOD_CLOSE) {
        return MOON_EINVAL; /* moongate/limits.lua knows the maxima of the numbers */
    }
    return tell_owner(gate, conn, &record, (const char *)limits, sizeof *limits);
}

int moon_gate_charge(struct moon_gate *gate, moon_conn_id conn, uint32_t messages)
{
    const struct moon_record record = {
        .kind = MOON_CHARGE, .reason = messages, .subject = conn};
    return tell_owner(gate, conn, &record, NULL, 0);
}

int moon_gate_respond(struct moon_gate *gate, moon_conn_id conn,
                      const struct moon_answer *answer)
{
    struct {
        struct moon_record record;
        char headers[MAX_HEADERS_BYTES];
    } head = {.record = {.kind = MOON_RESPOND,
                         .code = (uint16_t)answer->status,
                         .reason = (uint32_t)answer->headers_length,
                         .subject = conn,
                         .other = answer->number}};
    struct moon_lane *lane = lane_of(gate, conn);
    if (answer->headers_length > MAX_HEADERS_BYTES ||
        answer->body_length > MOON_MAX_FRAME_BYTES - answer->headers_length) {
        return MOON_EBIG;
    }
    if (answer->status < 200 || answer->status > 599 ||
        !moon_http_headers_are_valid(answer->headers, answer->headers_length)) {
        return MOON_EINVAL;
    }
    if (lane == NULL) {
        return MOON_EGONE;
    }
    memcpy(head.headers, answer->headers, answer->headers_length);
    return push(gate, lane, &head, sizeof head.record + answer->headers_length,
                answer->body, answer->body_length);
}

static int tell_all(struct moon_gate *gate, const struct moon_record *record,
                    const char *bytes, uint64_t length)
{
    int status = MOON_OK;
    for (uint32_t i = 0; status == MOON_OK && i < gate->count; i++) {
        status = push(gate, &gate->lanes.all[i], record, sizeof *record, bytes, length);
    }
    return status;
}

int moon_gate_route(struct moon_gate *gate, const char *table, uint64_t length)
{
    const struct moon_record record = {.kind = MOON_ROUTE};
    return length > MOON_MAX_FRAME_BYTES ? MOON_EBIG
                                         : tell_all(gate, &record, table, length);
}

int moon_gate_report(struct moon_gate *gate, const char *text, uint64_t length)
{
    const struct moon_record record = {.kind = MOON_REPORT};
    return length > MOON_MAX_FRAME_BYTES ? MOON_EBIG
                                         : tell_all(gate, &record, text, length);
}

/* Three texts, each ended by NUL, and nothing else. */
static bool are_fields(const char *fields, uint64_t length)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < length; i++) {
        count += fields[i] == '\0';
    }
    return count == 3 && fields[length - 1] == '\0';
}

int moon_gate_policy(struct moon_gate *gate, const struct moon_policy *policy,
                     const char *fields, uint64_t length)
{
    const struct moon_record record = {.kind = MOON_POLICY};
    struct moon_networks denied;
    const char *bad = NULL;
    if (length > MOON_MAX_FRAME_BYTES - sizeof *policy) {
        return MOON_EBIG;
    }
    if (!are_fields(fields, length)) {
        return MOON_EINVAL;
    }
    const char *networks = fields + strlen(fields) + 1;
    if (networks[0] != MOON_KEEP && !moon_networks_parse(networks, &denied, &bad)) {
        return MOON_EINVAL;
    }
    uint64_t bytes = sizeof *policy + length;
    char *whole = moon_alloc(bytes);
    memcpy(whole, policy, sizeof *policy);
    memcpy(whole + sizeof *policy, fields, length);
    int status = tell_all(gate, &record, whole, bytes);
    moon_free(whole);
    return status;
}

int moon_gate_fetch(struct moon_gate *gate, uint64_t ticket,
                    const struct moon_fetch_limits *limits, const char *request,
                    uint64_t length)
{
    struct {
        struct moon_record record;
        struct moon_fetch_limits limits;
    } head = {.record = {.kind = MOON_FETCH, .subject = ticket}, .limits = *limits};
    struct moon_inquiry inquiry;
    int status = moon_inquiry_read(&inquiry, limits, request, length);
    return status == MOON_OK
               ? push(gate, gate->fetch_lane, &head,
                      sizeof head.record + sizeof head.limits, request, length)
               : status;
}

void moon_gate_abort_fetch(struct moon_gate *gate, uint64_t ticket)
{
    const struct moon_record record = {.kind = MOON_ABORT_FETCH, .subject = ticket};
    (void)push(gate, gate->fetch_lane, &record, sizeof record, NULL, 0);
}

void moon_gate_renew_all(struct moon_gate *gate)
{
    const struct moon_record record = {.kind = MOON_RENEW};
    (void)tell_all(gate, &record, NULL, 0);
}

void moon_gate_stop(struct moon_gate *gate)
{
    const struct moon_record record = {.kind = MOON_STOP};
    (void)tell_all(gate, &record, NULL, 0);
}

void moon_gate_stop_workers(struct moon_gate *gate)
{
    const struct moon_record record = {.kind = MOON_STOP};
    for (uint32_t i = gate->count; i < gate->lanes.count; i++) {
        (void)push(gate, &gate->lanes.all[i], &record, sizeof record, NULL, 0);
    }
}
