/* value.h - what the targets that need Lua share: a codec's functions called, and two
 * values compared.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../../bindings/empty_list.h"
#include "../../core/types.h"
#include "fuzz.h"
#include <lauxlib.h>
#include <lualib.h>

/* Replaces what is on top of the stack by what the codec makes of it: a value, or nil
 * for what it refuses. The codec is at index 1. */
static inline bool value_call(lua_State *L, const char *function)
{
    lua_getfield(L, 1, function);
    lua_insert(L, -2);
    if (lua_pcall(L, 1, 2, 0) != 0) {
        (void)fprintf(stderr, "%s raised: %s\n", function, lua_tostring(L, -1));
        abort();
    }
    bool is_refused = lua_isnil(L, -2);
    EXPECT(!is_refused || lua_type(L, -1) == LUA_TSTRING);
    lua_pop(L, 1);
    return !is_refused;
}

static inline bool value_equals(lua_State *L, int one, int other, double tolerance);

/* Whether all that is in one table is in the other, too; returns how much there is, or
 * -1. */
static inline int value_contains(lua_State *L, int one, int other, double tolerance)
{
    int items = 0;
    lua_pushnil(L);
    while (lua_next(L, one) != 0) {
        lua_pushvalue(L, -2);
        lua_rawget(L, other);
        int top = lua_gettop(L);
        if (!value_equals(L, top - 1, top, tolerance)) {
            lua_pop(L, 3);
            return -1;
        }
        lua_pop(L, 2);
        items++;
    }
    return items;
}

static inline int value_size(lua_State *L, int table)
{
    int items = 0;
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        lua_pop(L, 1);
        items++;
    }
    return items;
}

/* The numbers may differ by `tolerance`, a part of them. */
static inline bool value_equals(lua_State *L, int one, int other, double tolerance)
{
    if (lua_type(L, one) == LUA_TNUMBER && lua_type(L, other) == LUA_TNUMBER) {
        double a = lua_tonumber(L, one), difference = a - lua_tonumber(L, other);
        double most = (a < 0 ? -a : a) * tolerance;
        return difference <= most && -difference <= most;
    }
    if (lua_type(L, one) != LUA_TTABLE || lua_type(L, other) != LUA_TTABLE) {
        return lua_rawequal(L, one, other);
    }
    luaL_checkstack(L, 8, "compare");
    return value_contains(L, one, other, tolerance) == value_size(L, other);
}

/* How deep tables are in one another, and how many values there are in all; no table
 * may be too long. */
static inline int value_measure(lua_State *L, int value, int *values)
{
    int deepest = 0, items = 0;
    ++*values;
    if (lua_type(L, value) != LUA_TTABLE) {
        return 0;
    }
    luaL_checkstack(L, 8, "measure");
    lua_pushnil(L);
    while (lua_next(L, value) != 0) {
        int depth = value_measure(L, lua_gettop(L), values);
        deepest = depth > deepest ? depth : deepest;
        items++;
        lua_pop(L, 1);
    }
    EXPECT(items <= MOON_MAX_ITEMS);
    return deepest + 1;
}

/* Pushes a copy of the value, with an empty list for each empty table in it. */
static inline void value_with_empty_lists(lua_State *L, int value)
{
    if (lua_type(L, value) != LUA_TTABLE) {
        lua_pushvalue(L, value);
        return;
    }
    luaL_checkstack(L, 8, "copy");
    bool is_empty = true;
    lua_newtable(L);
    int copy = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, value) != 0) {
        is_empty = false;
        lua_pushvalue(L, -2);
        value_with_empty_lists(L, copy + 2);
        lua_rawset(L, copy);
        lua_pop(L, 1);
    }
    if (is_empty) {
        lua_pop(L, 1);
        moon_push_empty_list(L);
    }
}

/* What is decoded keeps to the caps, can be encoded, and comes back the same; so it
 * does with empty lists for empty tables. */
static inline void value_round(lua_State *L, const uint8_t *data, size_t bytes,
                               double tolerance)
{
    lua_settop(L, 1);
    lua_pushlstring(L, (const char *)data, bytes);
    if (!value_call(L, "decode")) {
        return;
    }
    int values = 0;
    EXPECT(value_measure(L, 2, &values) <= MOON_MAX_DEPTH);
    EXPECT(values <= MOON_MAX_VALUES);
    lua_pushvalue(L, 2);
    EXPECT(value_call(L, "encode"));
    EXPECT(value_call(L, "decode"));
    EXPECT(value_equals(L, 2, 3, tolerance));
    lua_settop(L, 2);
    value_with_empty_lists(L, 2);
    EXPECT(value_call(L, "encode"));
    EXPECT(value_call(L, "decode"));
    EXPECT(value_equals(L, 2, 3, tolerance));
}
