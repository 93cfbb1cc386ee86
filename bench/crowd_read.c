/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "crowd_state.h"
#include "dialect.h"
#include <stdio.h>
#include <string.h>

enum {
    SWITCHING = 101,
    CONTROL_MAX = 125,        /* bytes of payload */
    MUCH_BYTES = 1024 * 1024, /* unsent: Pongs are no longer added */
    BROKEN = 1002,
    ALERT = 21, /* what a record of TLS begins with that refuses ours */
};

/* One step of the greeting; what there is to answer is sent at once. */
static void greet(struct moon_crowd *crowd, struct moon_client *client,
                  const char *heard, uint64_t length, uint64_t now_ns)
{
    char answer[MOON_DIALECT_TEXT], why[MOON_CROWD_NOTE];
    uint32_t answer_bytes = 0;
    const struct moon_guest guest = {
        .dialect = crowd->options->dialect,
        .number = client->number,
        .room = client->room,
        .pid = crowd->pid,
    };
    uint32_t greeting = moon_dialect_greet(&guest, &client->stage, heard, length,
                                           answer, &answer_bytes);
    if (greeting == MOON_GREETING_DONE) {
        moon_crowd_open(crowd, client, now_ns);
    } else if (greeting == MOON_GREETING_REFUSED) {
        (void)snprintf(why, sizeof why, "the greeting was answered: %.*s", (int)length,
                       heard);
        moon_crowd_refuse(crowd, client, why, now_ns);
    } else if (answer_bytes > 0) {
        bool is_binary = moon_dialect_is_binary(guest.dialect);
        moon_crowd_add_frame(client, is_binary ? MOON_WIRE_BINARY : MOON_WIRE_TEXT,
                             answer, answer_bytes);
        moon_crowd_flush(crowd, client);
    }
}

/* Returns the length of the response's head, or what moon_wire_response() does. */
static int64_t take_response(struct moon_crowd *crowd, struct moon_client *client,
                             const char *bytes, uint64_t length, uint64_t now_ns)
{
    char why[MOON_CROWD_NOTE];
    uint32_t status = 0;
    int64_t head = moon_wire_response(bytes, length, &status);
    if (head == MOON_WIRE_PARTIAL) {
        return head;
    }
    if (head == MOON_WIRE_BROKEN || status == 0) {
        moon_crowd_refuse(
            crowd, client,
            bytes[0] == ALERT
                ? "the answer to the upgrade is TLS: is it a wss:// server?"
                : "the answer to the upgrade is not WebSocket's",
            now_ns);
    } else if (status != SWITCHING) {
        (void)snprintf(why, sizeof why, "the upgrade was answered with HTTP %u",
                       status);
        moon_crowd_refuse(crowd, client, why, now_ns);
    } else if (crowd->options->scenario == MOON_BENCH_STORM) {
        moon_crowd_open(crowd, client, now_ns);
    } else {
        client->state = MOON_CLIENT_GREETING;
        greet(crowd, client, "", 0, now_ns);
    }
    return head;
}

static void answer_ping(struct moon_crowd *crowd, struct moon_client *client,
                        const struct moon_wire_frame *frame)
{
    bool is_open = client->state == MOON_CLIENT_OPEN;
    if (frame->length <= CONTROL_MAX && client->pending.length < MUCH_BYTES &&
        client->state != MOON_CLIENT_CLOSING) {
        moon_crowd_add_frame(client, MOON_WIRE_PONG, frame->payload, frame->length);
        crowd->pings++;
        if (is_open) {
            moon_crowd_list(crowd, client);
        } else if (!client->is_blocked) {
            moon_crowd_flush(crowd, client);
        }
    }
}

/* The answer to ours is followed by the end of the stream, which the server begins: its
 * port is the one that waits then, ours can be used again. */
static void take_close(struct moon_crowd *crowd, struct moon_client *client,
                       const struct moon_wire_frame *frame, uint64_t now_ns)
{
    uint32_t code = moon_wire_close_code(frame->payload, frame->length);
    if (client->state == MOON_CLIENT_CLOSING) {
        return;
    }
    if (!crowd->is_leaving) {
        moon_crowd_note(crowd, "closed with %u %.*s", code,
                        frame->length > 2 ? (int)frame->length - 2 : 0,
                        frame->payload + 2);
    }
    moon_crowd_end(crowd, client, code, now_ns);
}

static void take_frame(struct moon_crowd *crowd, struct moon_client *client,
                       const struct moon_wire_frame *frame, uint64_t now_ns)
{
    if (frame->opcode <= MOON_WIRE_BINARY) {
        if (client->state == MOON_CLIENT_OPEN) {
            crowd->scenario.heard(crowd->scenario.self, client, frame, now_ns);
        } else if (client->state == MOON_CLIENT_GREETING) {
            greet(crowd, client, frame->payload, frame->length, now_ns);
        }
    } else if (frame->opcode == MOON_WIRE_PING) {
        answer_ping(crowd, client, frame);
    } else if (frame->opcode == MOON_WIRE_CLOSE) {
        take_close(crowd, client, frame, now_ns);
    }
}

/* Takes all that is whole; returns how much that was. */
static uint64_t take(struct moon_crowd *crowd, struct moon_client *client,
                     const char *bytes, uint64_t length, uint64_t now_ns)
{
    uint64_t used = 0;
    if (client->state == MOON_CLIENT_UPGRADING) {
        int64_t head = take_response(crowd, client, bytes, length, now_ns);
        used = head > 0 ? (uint64_t)head : 0;
        if (client->state == MOON_CLIENT_UPGRADING) {
            return used;
        }
    }
    while (client->state != MOON_CLIENT_ABSENT) {
        struct moon_wire_frame frame;
        int64_t taken = moon_wire_next(bytes + used, length - used, &frame);
        if (taken == MOON_WIRE_PARTIAL) {
            break;
        }
        if (taken == MOON_WIRE_BROKEN) {
            moon_crowd_note(crowd, "a frame of the server is broken, or a fragment");
            crowd->closed += client->state == MOON_CLIENT_CLOSING; /* it matters, too */
            moon_crowd_end(crowd, client, BROKEN, now_ns);
            break;
        }
        used += (uint64_t)taken;
        take_frame(crowd, client, &frame, now_ns);
    }
    return used;
}

static void end_stream(struct moon_crowd *crowd, struct moon_client *client)
{
    if (client->state == MOON_CLIENT_OPEN && !crowd->is_leaving) {
        moon_crowd_note(crowd, "a connection was cut");
    } else if (client->state == MOON_CLIENT_UPGRADING && !crowd->target->is_tls) {
        moon_crowd_note(crowd,
                        "a connection was cut before the upgrade was answered: is "
                        "it a wss:// server?");
    } else if (client->state < MOON_CLIENT_OPEN) {
        moon_crowd_note(crowd, "a connection was cut before it was ready");
    }
    moon_crowd_end(crowd, client, MOON_CROWD_NO_CODE, moon_clock_ns());
}

static void receive(struct moon_crowd *crowd, struct moon_client *client)
{
    uint32_t kept = client->partial.length;
    uint64_t room = crowd->inbox_bytes - kept;
    int64_t got = moon_stream_receive(&client->stream, crowd->inbox + kept, room);
    if (got == MOON_STREAM_GONE || room == 0) {
        end_stream(crowd, client);
        return;
    }
    if (got == MOON_STREAM_LATER) {
        return;
    }
    if (kept > 0) {
        memcpy(crowd->inbox, client->partial.start, kept);
    }
    uint64_t length = kept + (uint64_t)got;
    uint64_t used = take(crowd, client, crowd->inbox, length, moon_clock_ns());
    if (client->state != MOON_CLIENT_ABSENT) {
        moon_bytes_set(&client->partial, crowd->inbox + used, length - used);
    }
}

void moon_crowd_receive(struct moon_crowd *crowd, struct moon_client *client)
{
    do {
        receive(crowd, client);
    } while (client->stream.has_more);
}
