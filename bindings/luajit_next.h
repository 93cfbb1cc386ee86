/* luajit_next.h - `next` and `pairs` for a LuaJIT that compiles them wrongly.
 *
 * LuaJIT's `next` returns two registers. Where compiled code wants them the other way
 * round, versions of September 2021 to April 2022 swap their lower halves only (mended
 * in its commit 5e3c45c4): the key is read from an address that is none. Debian 12's
 * libluajit-5.1-2 is of March 2022, libluajit2-5.1-2 of January 2023.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <luajit.h>

/* Of a state with open libraries, in which nothing has run yet. */
void moon_luajit_next_mend(lua_State *L);
