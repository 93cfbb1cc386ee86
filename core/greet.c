/* SPDX-License-Identifier: MIT */
#include "greet.h"
#include "mem.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct moon_greeting {
    uv_poll_t poll;
    int fd;
    uint32_t length; /* of what has arrived */
    uint64_t id;
    void (*done)(void *owner, uint64_t id, int fd, const struct moon_proxied *said);
    void *owner;
    char bytes[MOON_PROXY_MAX_BYTES];
};

static void free_greeting(uv_handle_t *handle)
{
    moon_free(handle->data);
}

/* How many bytes may be read without taking any that are the client's. */
static uint32_t wanted(const struct moon_greeting *greeting)
{
    uint32_t whole = MOON_PROXY_FIXED_BYTES;
    if (greeting->length >= whole) {
        const unsigned char *bytes = (const unsigned char *)greeting->bytes;
        whole += (uint32_t)bytes[14] << 8 | bytes[15];
    }
    return whole - greeting->length;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct moon_greeting *greeting = poll->data;
    struct moon_proxied said;
    (void)status, (void)events;
    for (;;) {
        ssize_t n =
            recv(greeting->fd, greeting->bytes + greeting->length, wanted(greeting), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        greeting->length += n > 0 ? (uint32_t)n : 0;
        int result = n <= 0
                         ? MOON_PROXY_BAD
                         : moon_proxy_parse(greeting->bytes, greeting->length, &said);
        if (result == MOON_PROXY_BAD) {
            moon_greeting_stop(greeting);
            greeting->done(greeting->owner, greeting->id, -1, NULL);
            return;
        }
        if (result != MOON_PROXY_MORE) {
            uv_close((uv_handle_t *)poll, free_greeting);
            greeting->done(greeting->owner, greeting->id, greeting->fd, &said);
            return;
        }
    }
}

struct moon_greeting *moon_greeting_start(uv_loop_t *loop, int fd, uint64_t id,
                                          void (*done)(void *owner, uint64_t id, int fd,
                                                       const struct moon_proxied *said),
                                          void *owner)
{
    struct moon_greeting *greeting = moon_alloc(sizeof *greeting);
    greeting->fd = fd;
    greeting->id = id;
    greeting->done = done;
    greeting->owner = owner;
    uv_poll_init(loop, &greeting->poll, fd);
    greeting->poll.data = greeting;
    uv_poll_start(&greeting->poll, UV_READABLE, on_readable);
    return greeting;
}

void moon_greeting_stop(struct moon_greeting *greeting)
{
    uv_close((uv_handle_t *)&greeting->poll, free_greeting);
    close(greeting->fd);
}
