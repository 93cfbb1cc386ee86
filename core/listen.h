/* listen.h - listening sockets, one per I/O thread on the same port, and taking what
 * arrives there.
 *
 * Thread: moon_listen() on the main thread; an acceptor on its I/O thread.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "address.h"
#include <uv.h>

/* Opens `count` sockets that share one port (SO_REUSEPORT) and writes them to fds;
 * *port 0 is replaced by the port found. Returns 0, or an errno value with nothing
 * left open: EADDRINUSE also when another server shares the port the same way. */
int moon_listen(const char *host, uint32_t *port, int *fds, uint32_t count);

struct moon_acceptor {
    uv_poll_t poll;
    uv_timer_t pause; /* after running out of descriptors */
    int fd;
    void (*take)(void *owner, int fd, const struct moon_address *peer);
    void *owner;
    uint64_t failures;   /* accepts that failed for want of descriptors or memory */
    uint32_t unacked_ms; /* TCP_USER_TIMEOUT; set by the owner before the start */
    bool is_open, is_paused;
    bool is_dry;     /* descriptors have run out; said so once */
    uint64_t dry_ms; /* when they last did */
};

/* Takes over the listening socket; calls `take` with each new, non-blocking one. */
void moon_acceptor_start(struct moon_acceptor *acceptor, uv_loop_t *loop, int fd,
                         void (*take)(void *owner, int fd,
                                      const struct moon_address *peer),
                         void *owner);

/* Stops or resumes accepting; whoever comes meanwhile waits in the backlog. */
void moon_acceptor_pause(struct moon_acceptor *acceptor, bool pause);

/* Closes the listening socket. Fine when it is closed. */
void moon_acceptor_stop(struct moon_acceptor *acceptor);
