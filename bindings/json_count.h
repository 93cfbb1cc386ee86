/* json_count.h - require "moongate.json_count": what json.lua has to know of a value or
 * a text, and would take long to find out itself.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

struct lua_State;

/* A lua_CFunction: pushes { empty_list, excess, may_overflow }.
 *
 * excess(value, depth, items, string_bytes, values, bytes) returns nil, nil and whether
 * an empty_list is a value in it; or what there is too much of, and "too_big" unless it
 * is nested too deep. `items` of a table, `string_bytes` of a string, `values` and
 * `bytes` of strings in all; what is in several places counts in each. It stops at the
 * first that is too much.
 *
 * may_overflow(text) returns whether a number in it may be greater than a double holds:
 * never false when one is. */
int luaopen_moongate_json_count(struct lua_State *L);
