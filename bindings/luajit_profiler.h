/* luajit_profiler.h - LuaJIT's profiler, without the request that is lost for good.
 *
 * LuaJIT keeps a table with the code of each instruction, and writes it anew when a
 * hook is set, when a sample is asked for, and when the compiler begins and ends. Its
 * handler of SIGPROF writes it too. When that comes while the thread is writing, the
 * table is left without the request, and LuaJIT believes that it is there: no sample
 * is taken any more, no hook called, and a compiled loop over `next`, which leaves
 * for the sample at its first instruction, is entered again by it, for ever.
 * So a request that has not been answered when the next one comes is taken back first,
 * and the table written.
 *
 * Thread: logic, and its signal handlers.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <luajit.h>
#include <stdbool.h>

/* Of the main state, in which no hook is set. */
void moon_luajit_profiler_start(lua_State *L, const char *mode,
                                luaJIT_profile_callback told);
void moon_luajit_profiler_stop(void);

/* What LuaJIT's own timer does: `told` is called soon, once for all that have asked.
 * False when there is no profiler. For signal handlers, with SIGPROF blocked. */
bool moon_luajit_profiler_ask(void);
