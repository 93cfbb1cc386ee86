/* watchdog.h - reports, then stops, plugin code that goes on without a pause.
 *
 * A thread looks at struct moon_turn (core/types.h). A run that has gone on for its
 * soft budget is told of while it runs. In one that has gone on for its hard budget an
 * error is raised, again and again until the run has ended, so that no pcall of a
 * plugin keeps it; never in the middle of the runtime. The same for a run with all that
 * it has begun within it, after four times its budget. It works with the JIT on:
 * LuaJIT's profiler, in line mode, makes compiled loops leave to the interpreter, where
 * a hook does the rest. A C function is stopped when it returns.
 *
 * What counts is the CPU time of the logic thread; time it does not get, or waits for
 * in a system call, counts a quarter. One a process: LuaJIT has one profiler.
 *
 * Thread: logic. SIGPROF and SIGUSR1 must be blocked in all others (core/thread.h).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../core/types.h"
#include <lua.h>

enum moon_stage { MOON_SOFT = 1, MOON_HARD = 2, MOON_WHOLE = 3, MOON_MEMORY = 4 };

/* Takes a function off the stack: it is told (stage, traceback, who), once a run for
 * each stage, MOON_WHOLE once for all of it, while the run goes on. `who` is of struct
 * moon_turn: who has had most of the time since the whole began; 0: nobody for long. It
 * must not raise, nor wait. Of a run that would be
 * aborted for want of memory it may return true: then it goes on. */
void moon_watchdog_start(lua_State *L);
void moon_watchdog_stop(void);

/* What Lua and the watchdog share. */
struct moon_turn *moon_watchdog_turn(void);

/* Who `who` of struct moon_turn is, for the log; cut at MOON_MAX_PLUGIN_NAME_BYTES. */
void moon_watchdog_name(uint32_t who, const char *name, size_t length);

/* By struct moon_turn.who. */
const double *moon_watchdog_samples(void);

/* The scripts have more memory than they may: the run that is under way is aborted,
 * unless it is garbage. */
void moon_watchdog_interrupt(void);

/* Around every entry into Lua. */
void moon_watchdog_enter(void);
void moon_watchdog_leave(void);
