/* SPDX-License-Identifier: MIT */
#include "ctl_script.h"
#include "../core/mem.h"
#include "ctl_terminal.h"
#include "vm.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

enum {
    BAD = 2,
};

struct conversation {
    const char *path; /* NULL: with nobody */
    moon_ctl_talk *talk;
    void *owner;
};

/* talk(request): the answer, or nil and what is wrong. */
static int talk(lua_State *L)
{
    const struct conversation *with = lua_touserdata(L, lua_upvalueindex(1));
    size_t length = 0;
    const char *request = luaL_checklstring(L, 1, &length);
    char *line = NULL;
    const char *problem = with->talk(with->owner, request, length, &line);
    if (problem == NULL) {
        lua_pushstring(L, line);
        lua_pushnil(L);
    } else {
        lua_pushnil(L);
        lua_pushstring(L, problem);
    }
    moon_free(line);
    return 2;
}

/* require("moongate.ctl")(words, path, talk, line) returns the exit status. */
static int run(lua_State *L)
{
    char **words = lua_touserdata(L, 1);
    const struct conversation *with = lua_touserdata(L, 2);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moongate.ctl");
    lua_call(L, 1, 1);
    lua_newtable(L);
    for (int i = 0; words[i] != NULL; i++) {
        lua_pushstring(L, words[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushstring(L, with->path);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, talk, 1);
    lua_pushcfunction(L, moon_ctl_line);
    lua_call(L, 4, 1);
    return 1;
}

int moon_ctl_script(char **words, const char *path, moon_ctl_talk *talk_to, void *owner)
{
    struct conversation conversation = {path, talk_to, owner};
    lua_State *L = luaL_newstate();
    int status = BAD;
    if (L == NULL) {
        (void)fputs("moongate ctl: no memory for a Lua state\n", stderr);
        return BAD;
    }
    luaL_openlibs(L);
    moon_vm_preload(L);
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, words);
    lua_pushlightuserdata(L, &conversation);
    if (lua_pcall(L, 2, 1, 0) == 0) {
        status = (int)lua_tointeger(L, -1);
    } else {
        (void)fprintf(stderr, "moongate ctl: %s\n", lua_tostring(L, -1));
    }
    lua_close(L);
    return status;
}
