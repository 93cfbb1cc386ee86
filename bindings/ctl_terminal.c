/* SPDX-License-Identifier: MIT */
#include "ctl_terminal.h"
#include <editline/readline.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a name with its dots and colons cannot contain. */
static char breaks[] = " \t\n\"'`@$><=;|&{}(+-*/%^#~,)[]!?";

static lua_State *lua; /* of the line that is read: libedit's calls have no context */

/* The next of the list that complete() has returned; libedit frees it. */
static char *next_match(const char *text, int is_again)
{
    static int place;
    (void)text;
    place = is_again ? place + 1 : 1;
    lua_rawgeti(lua, 3, place);
    const char *found = lua_tostring(lua, -1);
    char *copy = found == NULL ? NULL : strdup(found);
    lua_pop(lua, 1);
    return copy;
}

static char **complete(const char *text, int start, int end)
{
    (void)start, (void)end;
    rl_attempted_completion_over = 1; /* names of files are of no use here */
    lua_settop(lua, 2);
    lua_pushvalue(lua, 2);
    lua_pushstring(lua, text);
    if (lua_pcall(lua, 1, 1, 0) != 0 || !lua_istable(lua, 3)) {
        lua_settop(lua, 2);
        return NULL;
    }
    rl_completion_append_character = '\0';
    return rl_completion_matches(text, next_match);
}

static int edit_line(lua_State *L)
{
    rl_readline_name = "moongate";
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = breaks;
    rl_completer_word_break_characters = breaks;
    lua = L;
    char *line = readline(lua_tostring(L, 1));
    if (line == NULL) {
        lua_pushnil(L);
        return 1;
    }
    if (*line != '\0') {
        add_history(line);
    }
    lua_pushstring(L, line);
    free(line);
    return 1;
}

static int read_line(lua_State *L)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        lua_pushnil(L);
    } else {
        length -= length > 0 && line[length - 1] == '\n';
        lua_pushlstring(L, line, (size_t)length);
    }
    free(line);
    return 1;
}

int moon_ctl_line(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    return isatty(STDIN_FILENO) ? edit_line(L) : read_line(L);
}
