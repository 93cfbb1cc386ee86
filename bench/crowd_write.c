/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "crowd_state.h"
#include "dialect.h"
#include <string.h>
#include <sys/epoll.h>

enum {
    REQUEST_BYTES = 2048,
    CONTROL_MAX = 125, /* bytes of payload */
    NORMAL_CLOSE = 1000,
};

/* What the kernel has not taken waits until the socket is writable again. */
static void keep(struct moon_crowd *crowd, struct moon_client *client,
                 const char *bytes, uint64_t length)
{
    moon_bytes_set(&client->pending, bytes, length);
    if (length > 0 && !client->is_blocked) {
        client->is_blocked = true;
        moon_crowd_watch(crowd, client, EPOLLIN | EPOLLOUT);
    } else if (length == 0 && client->is_blocked) {
        client->is_blocked = false;
        moon_crowd_watch(crowd, client, EPOLLIN);
    }
}

/* Fills the outbox; returns how much there is. */
static uint32_t fill(struct moon_crowd *crowd, struct moon_client *client)
{
    uint32_t used = client->pending.length;
    if (used > 0) {
        memcpy(crowd->outbox, client->pending.start, used);
    }
    if (client->state == MOON_CLIENT_OPEN) {
        used += crowd->scenario.say(crowd->scenario.self, client, crowd->outbox + used,
                                    crowd->outbox_bytes - used);
    }
    return used;
}

void moon_crowd_flush(struct moon_crowd *crowd, struct moon_client *client)
{
    uint32_t used = 0;
    while ((used = fill(crowd, client)) > 0) {
        int64_t sent = moon_stream_send(&client->stream, crowd->outbox, used);
        if (sent == MOON_STREAM_GONE) {
            client->pending.length = 0; /* epoll will say that it has ended */
            return;
        }
        keep(crowd, client, crowd->outbox + sent, used - (uint64_t)sent);
        if (sent < used) {
            return;
        }
    }
    keep(crowd, client, NULL, 0);
}

void moon_crowd_add_frame(struct moon_client *client, uint32_t opcode, const char *text,
                          uint64_t length)
{
    char frame[MOON_WIRE_HEADER_MAX + MOON_DIALECT_TEXT];
    uint32_t bytes = moon_wire_frame(frame, opcode, text, length, client->mask);
    moon_bytes_add(&client->pending, frame, bytes);
}

void moon_crowd_upgrade(struct moon_crowd *crowd, struct moon_client *client)
{
    char path[MOON_TARGET_TEXT], request[REQUEST_BYTES];
    moon_target_path(crowd->target, client->room, path, sizeof path);
    uint32_t length =
        moon_wire_request(request, sizeof request, crowd->target->authority, path,
                          moon_dialect_subprotocol(crowd->options->dialect));
    client->state = MOON_CLIENT_UPGRADING;
    moon_bytes_add(&client->pending, request, length);
    moon_crowd_watch(crowd, client, EPOLLIN);
    moon_crowd_flush(crowd, client);
}

void moon_crowd_close(struct moon_crowd *crowd, struct moon_client *client)
{
    static const char code[] = {(char)(NORMAL_CLOSE >> 8), (char)(NORMAL_CLOSE & 255)};
    if (client->state != MOON_CLIENT_OPEN) {
        return;
    }
    client->state = MOON_CLIENT_CLOSING;
    client->begun_ns = moon_clock_ns();
    crowd->open--;
    crowd->closing++;
    moon_crowd_add_frame(client, MOON_WIRE_CLOSE, code, sizeof code);
    if (!client->is_blocked) {
        moon_crowd_flush(crowd, client);
    }
}
