/* msgpack.h - require "moongate.msgpack": Lua values to MessagePack and back.
 *
 * What JSON cannot say is refused here, too, but for binary strings: a message means the
 * same whichever codec its receiver speaks. It knows no connections and no messages.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

struct lua_State;

/* A lua_CFunction: pushes { encode, decode, null }, as json.lua has them. */
int luaopen_moongate_msgpack(struct lua_State *L);
