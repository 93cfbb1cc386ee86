/* SPDX-License-Identifier: MIT */
#include "luajit_next.h"
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

static int interpreted_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_next(L, 1) != 0) {
        return 2;
    }
    lua_pushnil(L);
    return 1;
}

/* Upvalue: the function above. */
static int interpreted_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushnil(L);
    return 3;
}

/* Both packages have the same version. Only the later one has jit.prngstate. */
static bool is_wrong(lua_State *L)
{
    lua_getglobal(L, "jit");
    lua_getfield(L, -1, "version");
    lua_getfield(L, -2, "prngstate");
    bool is =
        strcmp(lua_tostring(L, -2), "LuaJIT 2.1.0-beta3") == 0 && lua_isnil(L, -1);
    lua_pop(L, 3);
    return is;
}

void moon_luajit_next_mend(lua_State *L)
{
    if (!is_wrong(L)) {
        return;
    }
    lua_pushcfunction(L, interpreted_next);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "next");
    lua_pushcclosure(L, interpreted_pairs, 1);
    lua_setglobal(L, "pairs");
}
