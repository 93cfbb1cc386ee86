/* signals.h - SIGTERM and SIGINT stop the server, SIGHUP has it look for what has
 * changed; also while a script does not return.
 *
 * A thread of its own takes the signals and tells the logic thread. A stop that the
 * logic thread does not hear for `grace_ms`, at any time until the end, or a second
 * signal that asks for one, ends the process with exit status 1, whatever is under way.
 * Thread: logic. The calls are made on it, too.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>
#include <uv.h>

struct moon_signals;

struct moon_signals_calls {
    void (*renew)(void *owner); /* never after stop */
    void (*stop)(void *owner);  /* once */
};

/* `logic` is the loop of the logic thread. Borrows it. */
struct moon_signals *moon_signals_create(uv_loop_t *logic, uint32_t grace_ms,
                                         const struct moon_signals_calls *calls,
                                         void *owner);

/* After the last script has run; from here on signals wait for the end of the process.
 * Ends on the loop's next turn. */
void moon_signals_destroy(struct moon_signals *signals);
