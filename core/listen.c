/* SPDX-License-Identifier: MIT */
#include "listen.h"
#include "log.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096, /* the kernel's net.core.somaxconn caps it */
    ACCEPTS = 64,   /* per turn, so that newcomers do not starve the others */
    PAUSE_MS = 200, /* when descriptors have run out */
    CALM_MS = 2000, /* without that, and it is over */
    IDLE_S = 60,    /* until the kernel probes a silent peer, */
    PROBE_S = 15,   /* how often it does, */
    PROBES = 4,     /* and when it gives up */
};

static void set(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value,
                     sizeof value); /* an improvement, no need */
}

static int open_socket(const struct addrinfo *address, bool shares_port)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->ai_family == AF_INET6) {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (shares_port) {
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static uint32_t port_of(int fd)
{
    struct sockaddr_in6 address = {
        0}; /* the port is at the same place in both families */
    socklen_t length = sizeof address;
    (void)getsockname(fd, (struct sockaddr *)&address, &length);
    return ntohs(address.sin6_port);
}

static int find_address(const char *host, uint32_t port, struct addrinfo **address)
{
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
        .ai_socktype = SOCK_STREAM,
    };
    char service[8];
    (void)snprintf(service, sizeof service, "%u", port);
    return getaddrinfo(host, service, &hints, address) == 0 ? 0 : EADDRNOTAVAIL;
}

static int open_at(const char *host, uint32_t port, bool shares_port, int *fd)
{
    struct addrinfo *address = NULL;
    int status = find_address(host, port, &address);
    if (status != 0) {
        return status;
    }
    *fd = open_socket(address, shares_port);
    status = *fd < 0 ? errno : 0;
    freeaddrinfo(address);
    return status;
}

int moon_listen(const char *host, uint32_t *port, int *fds, uint32_t count)
{
    /* A socket that does not share the port fails if anybody listens there, even one
     * that would share it: two servers must not split the clients between them. */
    int probe = -1;
    int status = open_at(host, *port, false, &probe);
    if (status != 0) {
        return status;
    }
    *port = port_of(probe);
    close(probe);
    for (uint32_t i = 0; i < count; i++) {
        status = open_at(host, *port, true, &fds[i]);
        if (status != 0) {
            while (i > 0) {
                close(fds[--i]);
            }
            return status;
        }
    }
    return 0;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct moon_acceptor *acceptor = timer->data;
    moon_acceptor_pause(acceptor, acceptor->is_paused);
}

void moon_acceptor_pause(struct moon_acceptor *acceptor, bool pause)
{
    acceptor->is_paused = pause;
    if (acceptor->is_open && pause) {
        uv_poll_stop(&acceptor->poll);
    } else if (acceptor->is_open) {
        uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
    }
}

static struct moon_address address_of(const struct sockaddr *any)
{
    struct moon_address address = {{[10] = 0xff, [11] = 0xff}};
    if (any->sa_family == AF_INET6) {
        const void *v6 = any;
        memcpy(address.bytes, &((const struct sockaddr_in6 *)v6)->sin6_addr,
               sizeof address.bytes);
    } else {
        const void *v4 = any;
        memcpy(address.bytes + 12, &((const struct sockaddr_in *)v4)->sin_addr, 4);
    }
    return address;
}

/* Waiting clients stay in the backlog while this pauses; polling would spin. */
static void run_dry(struct moon_acceptor *acceptor, int reason)
{
    acceptor->failures++;
    acceptor->dry_ms = uv_now(acceptor->poll.loop);
    if (!acceptor->is_dry) {
        acceptor->is_dry = true;
        moon_log(MOON_WARN, "listen", "cannot accept: %s; trying again every %d ms",
                 strerror(reason), PAUSE_MS);
    }
    uv_poll_stop(&acceptor->poll);
    uv_timer_start(&acceptor->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct moon_acceptor *acceptor = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS && acceptor->is_open; i++) {
        struct sockaddr_in6 socket_address = {0}; /* the longer one of the two */
        socklen_t length = sizeof socket_address;
        struct sockaddr *any = (struct sockaddr *)&socket_address;
        int fd = accept4(acceptor->fd, any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                errno == ENOMEM) {
                run_dry(acceptor, errno);
            }
            return;
        }
        if (acceptor->is_dry && uv_now(poll->loop) >= acceptor->dry_ms + CALM_MS) {
            acceptor->is_dry = false;
            moon_log(MOON_INFO, "listen", "accepting again");
        }
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S);
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_S);
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)acceptor->unacked_ms);
        struct moon_address peer = address_of(any);
        acceptor->take(acceptor->owner, fd, &peer);
    }
}

void moon_acceptor_start(struct moon_acceptor *acceptor, uv_loop_t *loop, int fd,
                         void (*take)(void *owner, int fd,
                                      const struct moon_address *peer),
                         void *owner)
{
    acceptor->fd = fd;
    acceptor->take = take;
    acceptor->owner = owner;
    acceptor->is_open = true;
    uv_poll_init(loop, &acceptor->poll, fd);
    uv_timer_init(loop, &acceptor->pause);
    acceptor->poll.data = acceptor->pause.data = acceptor;
    uv_poll_start(&acceptor->poll, UV_READABLE, on_readable);
}

void moon_acceptor_stop(struct moon_acceptor *acceptor)
{
    if (acceptor->is_open) {
        acceptor->is_open = false;
        uv_close((uv_handle_t *)&acceptor->poll, NULL);
        uv_close((uv_handle_t *)&acceptor->pause, NULL);
        close(acceptor->fd);
    }
}
