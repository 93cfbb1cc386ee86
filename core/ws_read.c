/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "mem.h"
#include "ws_state.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 1024,          /* connections that are read from in one turn */
    TURN_BYTES = 256 << 10, /* and so much, or little of it is in the cache when the
                               scripts see it */
};

/* libwebsockets would read, too. But its parser takes a fourth of the CPU of a busy
 * server, answers one of several pings, takes frames without a mask, and knows no close
 * code newer than 1011. */
struct moon_reader {
    uv_poll_t poll;
    struct moon_ws *ws;
    int epoll;
    int next, count; /* of events: those not yet seen have their turn first */
    struct epoll_event events[EVENTS];
    char room[MOON_PARSER_REST + MOON_TLS_RECORD_BYTES];
};

static int receive(const struct moon_conn *conn, char *bytes, uint32_t room)
{
    if (conn->plain_fd < 0) {
        return moon_tls_read(lws_get_ssl(conn->socket), bytes, room);
    }
    ssize_t n = recv(conn->plain_fd, bytes, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return 0;
    }
    return n > 0 ? (int)n : -1;
}

/* Returns how many bytes there were. */
static int read_one(struct moon_reader *reader, struct moon_conn *conn)
{
    char *at = reader->room + MOON_PARSER_REST;
    int n = receive(conn, at, MOON_TLS_RECORD_BYTES);
    if (n > 0) {
        moon_io_received(reader->ws->io, conn, at, (uint32_t)n);
    } else if (n < 0) {
        moon_ws_pause(conn->socket, true); /* the end stays readable for ever */
        moon_io_lost(reader->ws->io, conn);
    }
    return n;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct moon_reader *reader = poll->data;
    struct moon_io *io = reader->ws->io;
    int bytes = 0;
    (void)status, (void)events;
    if (reader->next >= reader->count) {
        reader->next = 0;
        reader->count = epoll_wait(reader->epoll, reader->events, EVENTS, 0);
    }
    while (reader->next < reader->count && bytes < TURN_BYTES) {
        uint64_t id = reader->events[reader->next++].data.u64;
        struct moon_conn *conn = moon_io_find(io, id);
        if (conn != NULL && !conn->is_paused && moon_io_may_read(io, conn)) {
            bytes += read_one(reader, conn);
        }
    }
}

struct moon_reader *moon_reader_create(struct moon_ws *ws)
{
    struct moon_reader *reader = moon_alloc(sizeof *reader);
    reader->ws = ws;
    reader->poll.data = reader;
    reader->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (reader->epoll < 0) {
        moon_log(MOON_ERROR, "ws", "epoll: %s", strerror(errno));
        exit(2); /* out of descriptors, before anything has started */
    }
    uv_poll_init(ws->loop, &reader->poll, reader->epoll);
    uv_poll_start(&reader->poll, UV_READABLE, on_readable);
    return reader;
}

static void free_reader(uv_handle_t *handle)
{
    moon_free(handle->data);
}

void moon_reader_close(struct moon_reader *reader)
{
    uv_close((uv_handle_t *)&reader->poll, free_reader);
    close(reader->epoll);
}

/* Whether libwebsockets itself would go on without waiting for a socket. */
static bool is_forced(struct lws *wsi)
{
    return lws_service_adjust_timeout(lws_get_context(wsi), 1, 0) == 0;
}

/* What a client has sent before it could have the 101, against RFC 6455 section 4.1,
 * was read along with its request. libwebsockets keeps it, and says so only of those
 * that it may read from. */
static bool has_spoken_early(struct lws *wsi)
{
    if (is_forced(wsi)) {
        return false; /* by somebody else: cannot be told */
    }
    (void)lws_rx_flow_control(wsi, 1);
    bool is_early = is_forced(wsi);
    (void)lws_rx_flow_control(wsi, 0);
    return is_early;
}

bool moon_reader_begin(struct lws *wsi)
{
    const void *ssl = lws_get_ssl(wsi);
    (void)lws_rx_flow_control(wsi, 0);
    return ssl == NULL || moon_tls_pending(ssl) == 0; /* more than has been read */
}

void moon_ws_pause(void *socket, bool pause)
{
    struct lws *wsi = socket;
    const struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = conn->id};
    if (!pause && has_spoken_early(wsi)) {
        moon_io_broke(ws->io, conn);
        return;
    }
    /* Not for no events: a hang-up would be told all the same, again and again. */
    (void)epoll_ctl(ws->reader->epoll, pause ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
                    lws_get_socket_fd(wsi), &event);
}
