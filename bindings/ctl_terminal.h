/* ctl_terminal.h - lines that a person writes: with editing, history and completion
 * when they sit at a terminal.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <lua.h>

/* For Lua: line(prompt, complete) returns the next line of stdin, without its end; nil
 * at the end. complete(text) returns a list of what the last word of a line that begins
 * so may become. */
int moon_ctl_line(lua_State *L);
