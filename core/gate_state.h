/* gate_state.h - the logic thread's side from the inside: what gate.c (life, events,
 * turn), gate_command.c (commands) and gate_timer.c (timers) share. Nobody else
 * includes it.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "conn.h"
#include "fetch.h"
#include "gate.h"
#include "hasher.h"
#include "io.h"
#include "lane.h"
#include "loop.h"
#include "shared.h"
#include "store.h"

/* Of the scripts, by the slot in their tokens. */
struct moon_timers {
    struct moon_timer **all;
    uint32_t count, capacity;
    uint32_t first_free; /* slot + 1, or 0 */
};

struct moon_gate {
    struct moon_loop loop;
    struct moon_shared shared;
    struct moon_metrics metrics;
    uv_timer_t tick; /* publishes them, and looks at the certificate's files */
    struct moon_certificate *certificate; /* NULL without TLS */
    struct moon_store *store;             /* NULL without --store */
    struct moon_lane *store_lane;
    uint64_t key_seed;
    struct moon_io *ios[MOON_MAX_THREADS];
    struct moon_fetcher *fetcher;
    struct moon_lane *fetch_lane;
    struct moon_hasher *hasher;
    struct moon_lane *hash_lane;
    struct moon_lanes lanes; /* first those of the I/O threads, then the workers' */
    uint32_t count;          /* I/O threads */
    uint32_t port, ticks;
    struct moon_timers timers;
    struct moon_event *posts; /* events of the logic thread itself; own their bytes */
    const char *lent;         /* bytes of one that is in the script's hands */
    uint32_t first_post, last_post, posts_capacity;
    uint32_t since_post; /* events handed out since the last of them */
    uint64_t ended_ms;   /* uv_now() when the I/O threads had ended; 0: not yet */
    bool is_winding_up;  /* and the workers have been told */
    void (*enter)(void *owner);
    void *owner;
};

/* gate_command.c: has every I/O thread read the certificate's files. */
void moon_gate_renew_all(struct moon_gate *gate);

/* gate_timer.c: the loop does not run any more. */
void moon_gate_close_timers(struct moon_gate *gate);

/* gate_command.c: nothing more will be asked of the workers. */
void moon_gate_stop_workers(struct moon_gate *gate);
