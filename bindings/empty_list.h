/* empty_list.h - json.empty_list: what stands for an array of none, where an empty
 * table would be an object. A light userdata, as null is, at an address that nothing
 * has.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#define MOON_EMPTY_LIST ((void *)(uintptr_t)1)

static inline void moon_push_empty_list(lua_State *L)
{
    lua_pushlightuserdata(L, MOON_EMPTY_LIST);
}

static inline bool moon_is_empty_list(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA &&
           lua_touserdata(L, index) == MOON_EMPTY_LIST;
}
