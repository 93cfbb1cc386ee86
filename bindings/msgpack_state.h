/* msgpack_state.h - what both directions share: msgpack_read.c (decode) and msgpack.c
 * (encode). Nobody else includes it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_DIGITS_BYTES = 32,     /* of a number that is a key */
    MOON_STACK_PER_LEVEL = 4,   /* of Lua's, for a table in a table */
    MOON_MAX_INTEGER_BITS = 53, /* of an integer that a double holds exactly */
};

/* Why not. The reason may name the limit. */
struct moon_refusal {
    const char *reason, *code; /* code: NULL when it is a mistake of the script */
    int limit;
};

static inline bool moon_is_whole(double number)
{
    const double max = (double)(UINT64_C(1) << MOON_MAX_INTEGER_BITS);
    return number >= -max && number <= max && (double)(int64_t)number == number;
}

/* The name that a number has as a key, as in JSON; returns its length. */
size_t moon_msgpack_digits(char digits[MOON_DIGITS_BYTES], double number);

/* Pushes nil, the reason and the code (or nil): what the call returns. */
int moon_msgpack_refused(lua_State *L, const struct moon_refusal *refusal);

/* decode(bytes) -> value, or nil and why not: a lua_CFunction. */
int moon_msgpack_decode(lua_State *L);
