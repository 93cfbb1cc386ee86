/* SPDX-License-Identifier: MIT */
#include "admin.h"
#include "log.h"
#include "mem.h"
#include "socket_file.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_CLIENTS = 8,
    MAX_LINE_BYTES = 65536, /* of a request, its end left out */
    BACKLOG = 16,
    HANDLES = 2, /* of a client */
    REFUSAL_BYTES = 256,
};

enum state {
    READING, /* its request */
    WAITING, /* for the scripts' answer */
    WRITING, /* that answer */
    LEAVING, /* the same, and then it is hung up on */
    GONE,
};

struct client {
    uv_pipe_t pipe;
    uv_timer_t patience; /* for one state */
    struct moon_admin *admin;
    uint64_t ticket; /* of the request under way */
    enum state state;
    uint32_t handles_closed;
    uint32_t used; /* bytes of `line` */
    char line[MAX_LINE_BYTES + 1];
};

struct moon_admin {
    uv_pipe_t listener;
    struct moon_socket_file file;
    struct moon_gate *gate;
    struct client *clients[MAX_CLIENTS];
    uint64_t last_ticket;
    uint32_t timeout_ms;
};

struct answer {
    uv_write_t uv;
    struct client *client;
    char bytes[];
};

static void read_on(struct client *client);

/* ---- the end of a client ---- */

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    if (++client->handles_closed == HANDLES) {
        moon_free(client);
    }
}

/* The admin may be gone before the loop has closed the handles. */
static void leave(struct client *client)
{
    if (client->state == GONE) {
        return;
    }
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (client->admin->clients[i] == client) {
            client->admin->clients[i] = NULL;
        }
    }
    client->state = GONE;
    uv_close((uv_handle_t *)&client->patience, on_closed);
    uv_close((uv_handle_t *)&client->pipe, on_closed);
}

/* ---- answers ---- */

static void on_written(uv_write_t *uv, int status)
{
    struct answer *answer = uv->data;
    struct client *client = answer->client;
    moon_free(answer);
    if (client->state == GONE) {
        return;
    }
    if (status != 0 || client->state == LEAVING) {
        leave(client);
    } else {
        read_on(client);
    }
}

static void on_impatient(uv_timer_t *timer);

static void enter(struct client *client, enum state state)
{
    client->state = state;
    uv_timer_start(&client->patience, on_impatient, client->admin->timeout_ms, 0);
}

static void write_line(struct client *client, const char *bytes, uint64_t length)
{
    struct answer *answer = moon_alloc(sizeof *answer + length + 1);
    answer->client = client;
    answer->uv.data = answer;
    memcpy(answer->bytes, bytes, length);
    answer->bytes[length] = '\n';
    uv_buf_t whole = uv_buf_init(answer->bytes, (unsigned)length + 1);
    if (uv_write(&answer->uv, (uv_stream_t *)&client->pipe, &whole, 1, on_written) !=
        0) {
        moon_free(answer);
        leave(client);
    }
}

/* The last that the client hears. */
static void refuse(struct client *client, const char *code, const char *message)
{
    char line[REFUSAL_BYTES];
    int length = snprintf(
        line, sizeof line,
        "{\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, message);
    uv_read_stop((uv_stream_t *)&client->pipe);
    enter(client, LEAVING);
    write_line(client, line, (uint64_t)length);
}

/* Nobody holds a place for ever: a whole request, its answer and the taking of it have
 * their time each. */
static void on_impatient(uv_timer_t *timer)
{
    struct client *client = timer->data;
    char message[REFUSAL_BYTES / 2];
    if (client->state == WRITING || client->state == LEAVING) {
        leave(client); /* it does not read */
        return;
    }
    (void)snprintf(message, sizeof message, "no %s within %u ms",
                   client->state == READING ? "whole request" : "answer",
                   client->admin->timeout_ms);
    refuse(client, "timeout", message);
}

/* NULL: it has gone or has its answer. */
static struct client *find(struct moon_admin *admin, uint64_t ticket)
{
    for (int i = 0; admin != NULL && i < MAX_CLIENTS; i++) {
        struct client *client = admin->clients[i];
        if (client != NULL && client->state == WAITING && client->ticket == ticket) {
            return client;
        }
    }
    return NULL;
}

int moon_admin_asker(struct moon_admin *admin, uint64_t ticket,
                     struct moon_asker *asker)
{
    struct client *client = find(admin, ticket);
    uv_os_fd_t fd = -1;
    if (client == NULL || uv_fileno((uv_handle_t *)&client->pipe, &fd) != 0) {
        return MOON_EGONE;
    }
    /* Nobody reads from it while it waits: that it has hung up is to be asked for. */
    struct pollfd look = {.fd = fd};
    if (poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0) {
        return MOON_EGONE;
    }
    moon_socket_file_peer(fd, &asker->uid, &asker->pid);
    return MOON_OK;
}

int moon_admin_tell(struct moon_admin *admin, uint64_t ticket, const char *bytes,
                    uint64_t length)
{
    if (length > MOON_MAX_ANSWER_BYTES) {
        return MOON_EBIG;
    }
    if (memchr(bytes, '\n', length) != NULL) {
        return MOON_EINVAL;
    }
    struct client *client = find(admin, ticket);
    if (client == NULL) {
        return MOON_EGONE;
    }
    enter(client, WRITING);
    write_line(client, bytes, length);
    return MOON_OK;
}

/* ---- requests ---- */

/* Hands the first line on, and keeps what follows it. False when there is no whole
 * one. */
static bool ask(struct client *client)
{
    const char *end = memchr(client->line, '\n', client->used);
    if (end == NULL) {
        return false;
    }
    uint32_t length = (uint32_t)(end - client->line);
    client->ticket = ++client->admin->last_ticket;
    moon_gate_post_bytes(client->admin->gate, MOON_ASKED, client->ticket, client->line,
                         length);
    client->used -= length + 1;
    memmove(client->line, end + 1, client->used);
    enter(client, WAITING);
    return true;
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(client->line + client->used,
                          (unsigned)sizeof client->line - client->used);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct client *client = stream->data;
    (void)buffer;
    if (length < 0) {
        leave(client);
        return;
    }
    client->used += (uint32_t)length;
    if (ask(client)) {
        uv_read_stop(stream);
    } else if (client->used == sizeof client->line) {
        char message[REFUSAL_BYTES / 2];
        (void)snprintf(message, sizeof message,
                       "a request is one line of at most %d bytes", MAX_LINE_BYTES);
        refuse(client, "too_big", message);
    }
}

/* The next request may be here already. */
static void read_on(struct client *client)
{
    if (ask(client)) {
        return;
    }
    enter(client, READING);
    if (uv_read_start((uv_stream_t *)&client->pipe, on_buffer, on_read) != 0) {
        leave(client);
    }
}

/* ---- life ---- */

static struct client *create_client(struct moon_admin *admin)
{
    struct client *client = moon_alloc(sizeof *client);
    uv_loop_t *loop = moon_gate_loop(admin->gate);
    client->admin = admin;
    uv_pipe_init(loop, &client->pipe, 0);
    uv_timer_init(loop, &client->patience);
    client->pipe.data = client->patience.data = client;
    return client;
}

/* True when there was a place for it. */
static bool seat(struct moon_admin *admin, struct client *client)
{
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (admin->clients[i] == NULL) {
            admin->clients[i] = client;
            return true;
        }
    }
    return false;
}

/* To one who gets no place. What does not fit into an empty socket is not said. */
static void turn_away(struct client *client)
{
    char line[REFUSAL_BYTES];
    int length = snprintf(line, sizeof line,
                          "{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":"
                          "\"%d others are connected\"}}\n",
                          MAX_CLIENTS);
    uv_buf_t whole = uv_buf_init(line, (unsigned)length);
    (void)uv_try_write((uv_stream_t *)&client->pipe, &whole, 1);
    leave(client);
}

static void on_newcomer(uv_stream_t *listener, int status)
{
    struct moon_admin *admin = listener->data;
    struct client *client = create_client(admin);
    if (status != 0 || uv_accept(listener, (uv_stream_t *)&client->pipe) != 0) {
        leave(client);
    } else if (seat(admin, client)) {
        read_on(client);
    } else {
        turn_away(client);
    }
}

struct moon_admin *moon_admin_create(struct moon_gate *gate,
                                     const struct moon_config *config)
{
    struct moon_socket_file file;
    const char *problem = moon_socket_file_listen(&file, config->admin, BACKLOG);
    if (problem != NULL) {
        (void)fprintf(stderr, "moongate: --admin %s: %s\n", config->admin, problem);
        return NULL;
    }
    struct moon_admin *admin = moon_alloc(sizeof *admin);
    admin->file = file;
    admin->gate = gate;
    admin->timeout_ms = config->admin_timeout_ms;
    uv_pipe_init(moon_gate_loop(gate), &admin->listener, 0);
    admin->listener.data = admin;
    int status = uv_pipe_open(&admin->listener, file.fd);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&admin->listener, BACKLOG, on_newcomer);
    }
    if (status != 0) {
        (void)fprintf(stderr, "moongate: --admin %s: %s\n", config->admin,
                      uv_strerror(status));
        moon_admin_destroy(admin);
        return NULL;
    }
    moon_log(MOON_INFO, "admin", "listening at %s", config->admin);
    return admin;
}

static void free_admin(uv_handle_t *handle)
{
    moon_free(handle->data);
}

void moon_admin_destroy(struct moon_admin *admin)
{
    if (admin == NULL) {
        return;
    }
    moon_socket_file_remove(&admin->file);
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (admin->clients[i] != NULL) {
            leave(admin->clients[i]);
        }
    }
    uv_close((uv_handle_t *)&admin->listener, free_admin);
}
