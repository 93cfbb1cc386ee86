/* SPDX-License-Identifier: MIT */
#include "json_count.h"
#include "empty_list.h"
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

enum {
    SLOTS = 3, /* of the stack for a level: table, key, value */
    SAFE_DIGITS =
        300, /* a number that is no longer than this, without exponent, is finite */
    EXPONENT_DIGITS = 3,
};

struct counter {
    lua_Number items; /* limits; they may be infinite */
    lua_Number string_bytes;
    lua_Number max_values;
    lua_Number max_bytes;
    int depth;
    lua_Number values; /* up to now */
    lua_Number bytes;
    bool has_empty_list;
};

/* Leaves the problem on the stack. */
static bool is_too_much(lua_State *L, const char *format, lua_Number limit)
{
    lua_pushfstring(L, format, limit);
    return true;
}

static bool string_exceeds(lua_State *L, struct counter *counter, int index)
{
    lua_Number length = (lua_Number)lua_objlen(L, index);
    if (length > counter->string_bytes) {
        return is_too_much(L, "a string has more than %f bytes", counter->string_bytes);
    }
    counter->bytes += length;
    if (counter->bytes > counter->max_bytes) {
        return is_too_much(L, "more than %f bytes in all", counter->max_bytes);
    }
    return false;
}

static bool table_exceeds(lua_State *L, struct counter *counter, int level);

static bool value_exceeds(lua_State *L, struct counter *counter, int level)
{
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        return string_exceeds(L, counter, -1);
    case LUA_TTABLE:
        return table_exceeds(L, counter, level);
    case LUA_TLIGHTUSERDATA:
        counter->has_empty_list |= moon_is_empty_list(L, -1);
        return false;
    default:
        return false;
    }
}

/* The table is on top of the stack, as many levels deep. */
static bool table_exceeds(lua_State *L, struct counter *counter, int level)
{
    if (level > counter->depth) {
        lua_pushfstring(L, "nested more than %d deep", counter->depth);
        return true;
    }
    luaL_checkstack(L, SLOTS, NULL);
    lua_Number items = 0;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        items++;
        counter->values++;
        if (items > counter->items) {
            return is_too_much(L, "a table has more than %f items", counter->items);
        }
        if (counter->values > counter->max_values) {
            return is_too_much(L, "more than %f values in all", counter->max_values);
        }
        if (lua_type(L, -2) == LUA_TSTRING && string_exceeds(L, counter, -2)) {
            return true;
        }
        if (value_exceeds(L, counter, level + 1)) {
            return true;
        }
        lua_pop(L, 1);
    }
    return false;
}

static int excess(lua_State *L)
{
    struct counter counter = {.depth = (int)luaL_checkinteger(L, 2),
                              .items = luaL_checknumber(L, 3),
                              .string_bytes = luaL_checknumber(L, 4),
                              .max_values = luaL_checknumber(L, 5),
                              .max_bytes = luaL_checknumber(L, 6),
                              .values = 1};
    lua_settop(L, 1);
    if (!value_exceeds(L, &counter, 1)) {
        lua_pushnil(L);
        lua_pushnil(L);
        lua_pushboolean(L, counter.has_empty_list);
        return 3;
    }
    if (strncmp(lua_tostring(L, -1), "nested", strlen("nested")) == 0) {
        return 1;
    }
    lua_pushliteral(L, "too_big");
    return 2;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether so many digits begin there. */
static bool has_digits(const char *text, const char *end, int count)
{
    if (end - text < count) {
        return false;
    }
    while (count > 0 && is_digit(text[count - 1])) {
        count--;
    }
    return count == 0;
}

static int may_overflow(lua_State *L)
{
    size_t length = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *end = text + length;
    bool may = length > SAFE_DIGITS;
    for (const char *at = text; !may && at < end; at++) {
        if (*at == 'e' || *at == 'E') {
            const char *digits = at + 1 < end && at[1] == '+' ? at + 2 : at + 1;
            may = has_digits(digits, end, EXPONENT_DIGITS);
        }
    }
    lua_pushboolean(L, may);
    return 1;
}

int luaopen_moongate_json_count(lua_State *L)
{
    lua_createtable(L, 0, 3);
    moon_push_empty_list(L);
    lua_setfield(L, -2, "empty_list");
    lua_pushcfunction(L, excess);
    lua_setfield(L, -2, "excess");
    lua_pushcfunction(L, may_overflow);
    lua_setfield(L, -2, "may_overflow");
    return 1;
}
