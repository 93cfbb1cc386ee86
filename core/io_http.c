/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include <stdio.h>
#include <string.h>

enum {
    DOWNLOAD_MS = 60000,      /* until a client must have taken a whole response */
    RESPONSE_BYTES = 1 << 30, /* what conn->message may hold: the callers have limits */
};

bool moon_io_is_short(const struct moon_io *io)
{
    return io->is_congested ||
           moon_governor_pressure(io->shared->governor) >= MOON_REFUSE;
}

void moon_io_asked(struct moon_io *io, struct moon_conn *conn)
{
    conn->request++;
    io->metrics.http_requests++;
    moon_wheel_set(io->wheel, &conn->deadline,
                   moon_io_now_ms(io) + io->config->http_timeout_ms);
}

void moon_io_sends_file(struct moon_conn *conn)
{
    moon_wheel_clear(&conn->deadline);
}

bool moon_io_is_denied(const struct moon_io *io, const struct moon_address *address)
{
    return moon_networks_have(&io->denied, address);
}

void moon_io_refused_request(struct moon_io *io)
{
    io->metrics.http_refused++;
}

void moon_io_keep(struct moon_io *io, struct moon_conn *conn, const char *bytes,
                  uint64_t length)
{
    (void)moon_message_append(&conn->message, io->post.pool, RESPONSE_BYTES, bytes,
                              length);
}

void moon_io_ask(struct moon_io *io, struct moon_conn *conn)
{
    const struct moon_record requested = {.kind = MOON_REQUESTED,
                                          .code = conn->request,
                                          .reason = conn->head_bytes,
                                          .subject = conn->id};
    moon_io_emit(io, &requested, conn->message.bytes, conn->message.length);
    moon_message_clear(&conn->message, io->post.pool);
    conn->head_bytes = 0;
    conn->is_asking = true;
    moon_io_pause(io, conn, MOON_PAUSED_BY_REQUEST, true);
    moon_wheel_set(io->wheel, &conn->deadline,
                   moon_io_now_ms(io) + io->config->http_timeout_ms);
}

void moon_io_respond(struct moon_io *io, struct moon_conn *conn,
                     const struct moon_response *response, const char *body)
{
    uint32_t room = MOON_HTTP_HEAD_BYTES + response->headers_bytes;
    uint32_t capacity = 0;
    char *head = moon_pool_take(io->post.pool, room, &capacity);
    uint32_t length = moon_http_head(head, capacity, response);
    conn->is_asking = false;
    conn->is_answered = true;
    conn->head_bytes = 0;
    moon_io_pause(io, conn, MOON_PAUSED_BY_REQUEST, false); /* or nothing is written */
    moon_message_clear(&conn->message, io->post.pool);
    moon_io_keep(io, conn, head, length);
    moon_pool_give(io->post.pool, head, capacity);
    if (!conn->is_head) {
        moon_io_keep(io, conn, body, response->body_bytes);
    }
    /* As long as libwebsockets holds the rest of it, conn->message counts for that. */
    moon_wheel_set(io->wheel, &conn->deadline, moon_io_now_ms(io) + DOWNLOAD_MS);
}

void moon_io_answer(struct moon_io *io, const struct moon_record *record,
                    const char *bytes, uint64_t length)
{
    struct moon_conn *conn = moon_conns_find(io->conns, record->subject);
    bool is_awaited = conn != NULL && conn->is_asking && !conn->is_doomed &&
                      conn->request == (uint16_t)record->other;
    if (!is_awaited) {
        return; /* it has gone, or has been told 504 */
    }
    const struct moon_response response = {
        .status = record->code,
        .headers = bytes,
        .headers_bytes = record->reason,
        .body_bytes = length - record->reason,
    };
    moon_io_respond(io, conn, &response, bytes + record->reason);
    moon_ws_respond(conn->socket);
}

void moon_io_outwaited(struct moon_io *io, struct moon_conn *conn)
{
    static const char line[] = "no script has answered in time\n";
    const struct moon_response response = {.status = 504,
                                           .body_bytes = sizeof line - 1};
    bool is_request = conn->is_asking || conn->head_bytes != 0;
    io->metrics.http_timeouts += is_request;
    if (conn->is_asking) {
        moon_io_respond(io, conn, &response, line);
        moon_ws_respond(conn->socket);
        return;
    }
    if (conn->request == 0) {
        moon_io_refused(io, MOON_REFUSED_TIMEOUT);
    }
    moon_io_doom(io, conn);
}
