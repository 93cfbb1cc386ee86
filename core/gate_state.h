/* gate_state.h - the logic thread's side from the inside: what gate.c (life, events,
 * turn) and gate_command.c (commands) share. Nobody else includes it.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "conn.h"
#include "gate.h"
#include "io.h"
#include "loop.h"
#include "shared.h"
#include "spill.h"

/* One I/O thread as the logic thread sees it. */
struct moon_lane {
    struct moon_io *io;
    struct moon_ring *events, *commands;
    struct moon_spill spill; /* commands that found the ring full */
    bool has_news;           /* commands it may sleep over */
};

struct moon_gate {
    struct moon_loop loop;
    struct moon_shared shared;
    struct moon_metrics metrics;
    uv_timer_t tick; /* publishes them, and looks at the certificate's files */
    struct moon_certificate *certificate; /* NULL without TLS */
    uint64_t key_seed;
    struct moon_lane lanes[MOON_MAX_THREADS];
    uint32_t count, port, ticks;
    uint32_t turn, taken;       /* the lane being read, and how many events in a row */
    struct moon_ring *borrowed; /* its record is in the script's hands */
    struct moon_event *posts;   /* events of the logic thread itself */
    uint32_t first_post, last_post, posts_capacity;
    uint32_t since_post; /* events handed out since the last of them */
    uint32_t spilling;   /* lanes with a spill that is not empty */
    void (*enter)(void *owner);
    void *owner;
};

/* gate_command.c: has every I/O thread read the certificate's files. */
void moon_gate_renew_all(struct moon_gate *gate);
