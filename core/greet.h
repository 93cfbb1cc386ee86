/* greet.h - reads the PROXY protocol header that a trusted proxy sends before anything
 * else, and not a byte more.
 *
 * Thread: the I/O thread. The caller has the deadline.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "proxy.h"
#include <uv.h>

struct moon_greeting;

/* Takes the socket. Calls `done` once: with the socket, which is the callee's now, and
 * what the header says; or with -1 when there is no right header and the socket is
 * closed. The greeting is gone then. */
struct moon_greeting *moon_greeting_start(uv_loop_t *loop, int fd, uint64_t id,
                                          void (*done)(void *owner, uint64_t id, int fd,
                                                       const struct moon_proxied *said),
                                          void *owner);

/* Gives up: closes the socket, calls nobody. */
void moon_greeting_stop(struct moon_greeting *greeting);
