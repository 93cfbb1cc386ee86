/* loop.h - one thread's libuv loop, and the order of a turn: wait, work, flush, sleep.
 *
 * After each wait `work` takes what other threads have sent. Before each wait `flush`
 * sends what the turn has produced; then the loop sleeps unless `has_work` says that
 * something came in meanwhile. So no wake-up is lost and a busy thread is never
 * signalled. Thread: the one that runs it; init and fini while it does not run.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "wake.h"
#include <uv.h>

struct moon_loop_calls {
    void (*work)(void *owner);
    void (*flush)(void *owner);
    bool (*has_work)(void *owner);
};

struct moon_loop {
    uv_loop_t uv;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* active while there is work left: the loop must not sleep */
    struct moon_wake *wake;
    struct moon_loop_calls calls;
    void *owner;
};

void moon_loop_init(struct moon_loop *loop, const struct moon_loop_calls *calls,
                    void *owner);

/* Runs until moon_loop_stop(). */
void moon_loop_run(struct moon_loop *loop);

/* Thread: the loop's own. The turn under way is finished. */
void moon_loop_stop(struct moon_loop *loop);

/* Closes its own handles; nothing is called any more. */
void moon_loop_close(struct moon_loop *loop);

/* After moon_loop_close(), and once all other handles are closed or closing. */
void moon_loop_fini(struct moon_loop *loop);
