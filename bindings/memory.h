/* memory.h - the heap of the scripts: counted, and bounded.
 *
 * Over the limit the watchdog raises an error in the plugin code that runs. Until then
 * memory is lent, up to as much again; interpreted code is refused more than that:
 * LuaJIT raises "not enough memory". struct moon_heap (core/types.h) is what the
 * scripts see.
 *
 * One a process. Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../core/types.h"
#include <lua.h>
#include <stdbool.h>

/* From now on; what the state has already counts. */
void moon_memory_watch(lua_State *L, uint64_t limit_bytes);

/* Before the state is closed. */
void moon_memory_leave(lua_State *L);

struct moon_heap *moon_memory_heap(void);

bool moon_memory_is_over(void);

enum {
    MOON_SOFT_PERCENT = 75, /* of the limit: then there is a warning */
    MOON_CALM_PERCENT = 90, /* of that: and below it there may be another */
};

/* Before each entry into Lua. Whoever makes garbage there has it collected in steps
 * before the limit is reached. */
void moon_memory_enter(void);
