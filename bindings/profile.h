/* profile.h - where the logic thread spends its time, in Lua and in C.
 *
 * While a profile is on, a timer interrupts that thread: the signal handler writes down
 * where it is in C, and asks LuaJIT's profiler, which the watchdog keeps running, to
 * call back at the next instruction of Lua: then the stack of Lua is there, too, and
 * both are counted (stacks.h). What waits for events is left out. A timer of CPU time
 * would only go off with the kernel's ticks, by which what we run has begun. Nothing of
 * all that runs while no profile is on.
 *
 * One a process.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../core/types.h"
#include <lua.h>

/* MOON_EFULL when one is on, MOON_EINVAL when the system has no timer. Only what runs
 * as `who` is counted; 0: everything. */
int moon_profiler_start(const struct moon_turn *turn, uint32_t who);

/* MOON_EGONE when none is on. */
int moon_profiler_stop(struct moon_profile *profile);

/* Around every entry into Lua. */
void moon_profiler_enter(void);
void moon_profiler_leave(void);

/* LuaJIT calls back. Returns how many of its samples are not its own timer's. */
int moon_profiler_sample(lua_State *L, int vmstate);
