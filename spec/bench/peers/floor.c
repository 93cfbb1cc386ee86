/* SPDX-License-Identifier: MIT */
/* floor.c - the yardstick of ./dev bench: what the system calls of a relay cost.
 *
 * One thread, epoll, nothing but what the scenarios need: no limits, timers, TLS or
 * scripts. What a room hears within one epoll batch is written once, and each member
 * gets it in one send at the end of the batch; an echo is sent at the end of its read.
 * A client that reads too slowly has a buffer of its own, which only memory limits.
 *
 *   floor PORT      ws://127.0.0.1:PORT/echo and /relay/{room}
 */
#include "floor_frame.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_EVENTS = 1024,
    READ_BYTES = 262144,
    MAX_HEAD_BYTES = 8192,
    BUCKETS = 16384, /* a power of two */
    NAME_BYTES = 64,
    KEY_BYTES = 24,
};

struct room {
    struct room *next;       /* in its bucket */
    struct room *next_dirty; /* of those with something in the batch */
    struct conn **members;
    size_t count, capacity;
    struct bytes batch; /* frames since the last flush */
    char name[NAME_BYTES];
};

struct conn {
    int fd;
    bool is_open;        /* upgraded */
    bool is_closing;     /* said Close: nothing more is read from it */
    uint8_t opcode;      /* of the message in pieces */
    struct room *room;   /* NULL: echo */
    size_t seat;         /* index in the room */
    struct bytes in;     /* an incomplete request or frame */
    struct bytes pieces; /* of a fragmented message */
    struct bytes out;    /* what the socket did not take */
    size_t sent;         /* of out */
};

static int epoll_fd;
static struct bytes arrived, reply; /* shared: what one read brings, and causes */
static struct room *buckets[BUCKETS];
static struct room *dirty;

static void watch(struct conn *conn, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
}

/* A connection that fails is shut down; the next epoll batch finds and frees it. */
static size_t try_send(struct conn *conn, const uint8_t *data, size_t length)
{
    ssize_t count = send(conn->fd, data, length, MSG_NOSIGNAL);
    if (count >= 0) {
        return (size_t)count;
    }
    if (errno != EAGAIN && errno != EINTR) {
        (void)shutdown(conn->fd, SHUT_RDWR);
        return length;
    }
    return 0;
}

static void give(struct conn *conn, const uint8_t *data, size_t length)
{
    size_t sent = 0;
    if (conn->out.length == 0) {
        sent = try_send(conn, data, length);
        if (sent == length) {
            return;
        }
        watch(conn, EPOLLIN | EPOLLOUT);
    }
    append(&conn->out, data + sent, length - sent);
}

static void drain(struct conn *conn)
{
    size_t left = conn->out.length - conn->sent;
    conn->sent += try_send(conn, conn->out.data + conn->sent, left);
    if (conn->sent < conn->out.length) {
        return;
    }
    release(&conn->out);
    conn->sent = 0;
    watch(conn, EPOLLIN);
    if (conn->is_closing) {
        (void)shutdown(conn->fd, SHUT_WR);
    }
}

static struct room *room_named(const char *name)
{
    uint32_t hash = 2166136261U;
    for (const char *c = name; *c; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    }
    struct room **bucket = &buckets[hash & (BUCKETS - 1)];
    for (struct room *room = *bucket; room; room = room->next) {
        if (strcmp(room->name, name) == 0) {
            return room;
        }
    }
    struct room *room = calloc(1, sizeof *room);
    if (!room) {
        abort();
    }
    (void)snprintf(room->name, sizeof room->name, "%s", name);
    room->next = *bucket;
    *bucket = room;
    return room;
}

static void flush(struct room *room)
{
    for (size_t i = 0; i < room->count && room->batch.length > 0; i++) {
        give(room->members[i], room->batch.data, room->batch.length);
    }
    room->batch.length = 0;
}

static void join(struct conn *conn, struct room *room)
{
    flush(room); /* what was said before it came is not for it */
    if (room->count == room->capacity) {
        room->capacity = room->capacity ? room->capacity * 2 : 8;
        room->members = realloc(room->members, room->capacity * sizeof(struct conn *));
        if (!room->members) {
            abort();
        }
    }
    conn->room = room;
    conn->seat = room->count;
    room->members[room->count++] = conn;
}

static void leave(struct conn *conn)
{
    struct room *room = conn->room;
    if (room) {
        struct conn *last = room->members[--room->count];
        room->members[conn->seat] = last;
        last->seat = conn->seat;
        conn->room = NULL;
    }
}

/* Where the connection's messages go: its room's batch, or back. */
static struct bytes *audience(struct conn *conn)
{
    struct room *room = conn->room;
    if (!room) {
        return &reply;
    }
    if (!room->next_dirty) {
        room->next_dirty = dirty ? dirty : room; /* the last one points to itself */
        dirty = room;
    }
    return &room->batch;
}

static void flush_all(void)
{
    while (dirty) {
        struct room *room = dirty;
        dirty = room->next_dirty == room ? NULL : room->next_dirty;
        room->next_dirty = NULL;
        flush(room);
    }
}

static void hear(struct conn *conn, const struct frame *frame)
{
    uint8_t opcode = frame->first & 15;
    if (opcode == CLOSE) {
        append_head(&reply, CLOSE, frame->length);
        append_unmasked(&reply, frame);
        leave(conn);
        conn->is_closing = true;
    } else if (opcode == PING) {
        append_head(&reply, PONG, frame->length);
        append_unmasked(&reply, frame);
    } else if (opcode == PONG) {
        return;
    } else if (frame->first & FIN && opcode != CONTINUATION) {
        struct bytes *to = audience(conn);
        append_head(to, opcode, frame->length);
        append_unmasked(to, frame);
    } else {
        conn->opcode = opcode ? opcode : conn->opcode;
        append_unmasked(&conn->pieces, frame);
        if (frame->first & FIN) {
            struct bytes *to = audience(conn);
            append_head(to, conn->opcode, conn->pieces.length);
            append(to, conn->pieces.data, conn->pieces.length);
            release(&conn->pieces);
        }
    }
}

/* Answers a whole request. Returns its length; 0: incomplete; -1: not for us. */
static ssize_t upgrade(struct conn *conn, const uint8_t *data, size_t length)
{
    char head[MAX_HEAD_BYTES + 1];
    const uint8_t *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end || end - data > MAX_HEAD_BYTES) {
        return length > MAX_HEAD_BYTES ? -1 : 0;
    }
    size_t head_length = (size_t)(end - data) + 4;
    memcpy(head, data, head_length - 4);
    head[head_length - 4] = '\0';
    char name[NAME_BYTES] = "";
    bool is_relay = sscanf(head, "GET /relay/%63[^ ?]", name) == 1;
    const char *key = strcasestr(head, "\r\nSec-WebSocket-Key:");
    if (!key || (!is_relay && strncmp(head, "GET /echo ", 10) != 0)) {
        return -1;
    }
    key += strlen("\r\nSec-WebSocket-Key:");
    key += strspn(key, " ");
    char salted[KEY_BYTES + 37];
    uint8_t digest[SHA_DIGEST_LENGTH], accept[29];
    int salted_length = snprintf(salted, sizeof salted, "%.*s%s", KEY_BYTES, key,
                                 "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    SHA1((const uint8_t *)salted, (size_t)salted_length, digest);
    EVP_EncodeBlock(accept, digest, sizeof digest);
    char answer[160];
    int answer_length = snprintf(answer, sizeof answer,
                                 "HTTP/1.1 101 Switching Protocols\r\n"
                                 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                                 (const char *)accept);
    give(conn, (const uint8_t *)answer, (size_t)answer_length);
    conn->is_open = true;
    if (is_relay) {
        join(conn, room_named(name));
    }
    return (ssize_t)head_length;
}

static void drop(struct conn *conn)
{
    leave(conn);
    close(conn->fd);
    release(&conn->in);
    release(&conn->pieces);
    release(&conn->out);
    free(conn);
}

/* Obeys what is whole in the buffer. Returns the bytes used; -1: to be dropped. */
static ssize_t obey(struct conn *conn, const struct bytes *from)
{
    size_t used = 0;
    while (used < from->length && !conn->is_closing) {
        struct frame frame;
        const uint8_t *data = from->data + used;
        size_t left = from->length - used;
        bool was_open = conn->is_open;
        ssize_t step = was_open ? parse(&frame, data, left) : upgrade(conn, data, left);
        if (step < 0) {
            return -1;
        }
        if (step == 0) {
            break;
        }
        if (was_open) {
            hear(conn, &frame);
        }
        used += (size_t)step;
    }
    return (ssize_t)(conn->is_closing ? from->length : used);
}

static void read_from(struct conn *conn)
{
    struct bytes *to = conn->in.length > 0 ? &conn->in : &arrived;
    uint8_t *free_space = reserve(to, READ_BYTES);
    ssize_t count = recv(conn->fd, free_space, READ_BYTES, 0);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            drop(conn);
        }
        return;
    }
    to->length += (size_t)count;
    ssize_t used = obey(conn, to);
    if (used < 0) {
        arrived.length = reply.length = 0;
        drop(conn);
        return;
    }
    size_t left = to->length - (size_t)used;
    if (to == &arrived) {
        append(&conn->in, to->data + used, left);
        to->length = 0;
    } else if (left > 0) {
        memmove(to->data, to->data + used, left);
        to->length = left;
    } else {
        release(to);
    }
    if (reply.length > 0) {
        give(conn, reply.data, reply.length);
        reply.length = 0;
    }
    if (conn->is_closing && conn->out.length == 0) {
        (void)shutdown(conn->fd, SHUT_WR);
    }
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *conn = calloc(1, sizeof *conn);
        if (!conn) {
            abort();
        }
        conn->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        perror("floor: listen");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    uint16_t port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 8080);
    int listener = listen_on(port);
    printf("ready %d\n", port);
    (void)fflush(stdout);
    static struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int count = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct conn *conn = events[i].data.ptr;
            if (!conn) {
                accept_all(listener);
                continue;
            }
            if (events[i].events & EPOLLOUT) {
                drain(conn);
            }
            if (events[i].events & ~(uint32_t)EPOLLOUT) {
                read_from(conn);
            }
        }
        flush_all();
    }
}
