/* msgpack.h - require "moongate.msgpack": Lua values to MessagePack and back.
 *
 * What JSON cannot say is refused here, too, but for bytes that are not UTF-8: a table
 * is the same table whichever codec its receiver speaks. It keeps to the caps of
 * core/types.h in both directions, and knows no connections.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

struct lua_State;

/* A lua_CFunction: pushes { encode, decode, null, empty_list }, as json.lua has
 * them. */
int luaopen_moongate_msgpack(struct lua_State *L);
