/* SPDX-License-Identifier: MIT */
#include "msgpack.h"
#include "../core/frame.h"
#include "../core/types.h"
#include "empty_list.h"
#include "msgpack_state.h"
#include <msgpack.h>
#include <stdio.h>
#include <string.h>

enum {
    SPARSE_RATIO = 2, /* an array may have so many places for each element, */
    SPARSE_SAFE = 16, /* or so many in all: the numbers that json.lua sets */
};

size_t moon_msgpack_digits(char digits[MOON_DIGITS_BYTES], double number)
{
    const char *format = moon_is_whole(number) ? "%.0f" : "%.14g";
    return (size_t)snprintf(digits, MOON_DIGITS_BYTES, format, number);
}

int moon_msgpack_refused(lua_State *L, const struct moon_refusal *refusal)
{
    lua_pushnil(L);
    lua_pushfstring(L, refusal->reason, refusal->limit);
    lua_pushstring(L, refusal->code); /* nil for NULL */
    return 3;
}

/* Of one message at a time: nothing here calls back into Lua. */
static char buffer[MOON_MAX_FRAME_BYTES];

struct writer {
    lua_State *L;
    msgpack_packer packer;
    size_t length; /* of what is in the buffer */
    uint64_t values;
    struct moon_refusal refusal;
};

/* False, always. */
static bool fail(struct writer *writer, const char *reason, const char *code, int limit)
{
    writer->refusal = (struct moon_refusal){reason, code, limit};
    return false;
}

static int append(void *owner, const char *bytes, size_t length)
{
    struct writer *writer = owner;
    if (length > sizeof buffer - writer->length) {
        (void)fail(writer, "more than %d bytes", "too_big", MOON_MAX_FRAME_BYTES);
        return -1;
    }
    memcpy(buffer + writer->length, bytes, length);
    writer->length += length;
    return 0;
}

static bool put_text(struct writer *writer, const char *bytes, size_t length)
{
    return msgpack_pack_str(&writer->packer, length) == 0 &&
           msgpack_pack_str_body(&writer->packer, bytes, length) == 0;
}

static bool put_string(struct writer *writer)
{
    size_t length = 0;
    const char *bytes = lua_tolstring(writer->L, -1, &length);
    if (moon_utf8_is_valid(bytes, length)) {
        return put_text(writer, bytes, length);
    }
    return msgpack_pack_bin(&writer->packer, length) == 0 &&
           msgpack_pack_bin_body(&writer->packer, bytes, length) == 0;
}

static bool put_number(struct writer *writer)
{
    double number = lua_tonumber(writer->L, -1);
    if (number - number != 0) {
        return fail(writer, "a number is infinite or none", NULL, 0);
    }
    int status = moon_is_whole(number)
                     ? msgpack_pack_int64(&writer->packer, (int64_t)number)
                     : msgpack_pack_double(&writer->packer, number);
    return status == 0;
}

/* The key is below its value. */
static bool put_key(struct writer *writer)
{
    lua_State *L = writer->L;
    char digits[MOON_DIGITS_BYTES];
    size_t length = 0;
    if (lua_type(L, -2) == LUA_TNUMBER) {
        double number = lua_tonumber(L, -2);
        length = moon_msgpack_digits(digits, number);
        return number - number == 0 ? put_text(writer, digits, length)
                                    : fail(writer, "a key is infinite", NULL, 0);
    }
    if (lua_type(L, -2) != LUA_TSTRING) {
        return fail(writer, "a key is neither a string nor a number", NULL, 0);
    }
    const char *bytes = lua_tolstring(L, -2, &length);
    return moon_utf8_is_valid(bytes, length)
               ? put_text(writer, bytes, length)
               : fail(writer, "a key is not UTF-8", "bad_utf8", 0);
}

/* What a table is: how many keys, and the last place if all of them are places. */
struct shape {
    uint32_t keys;
    double last;
};

static double place_of(lua_State *L, int key)
{
    double place = lua_type(L, key) == LUA_TNUMBER ? lua_tonumber(L, key) : 0;
    return moon_is_whole(place) && place >= 1 ? place : 0;
}

static struct shape measure(lua_State *L)
{
    struct shape shape = {0, 0};
    bool has_name = false;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        double place = has_name ? 0 : place_of(L, -1);
        has_name = place == 0;
        shape.last = place > shape.last ? place : shape.last;
        if (++shape.keys > MOON_MAX_ITEMS) {
            lua_pop(L, 1);
            break;
        }
    }
    /* An empty table is a map, and so is one with more holes than lua-cjson takes. */
    bool is_sparse =
        shape.last > SPARSE_SAFE && shape.last > (double)shape.keys * SPARSE_RATIO;
    shape.last = has_name || is_sparse ? 0 : shape.last;
    return shape;
}

static bool put_value(struct writer *writer, int depth);

static bool put_array(struct writer *writer, int length, int depth)
{
    bool is_put = msgpack_pack_array(&writer->packer, (size_t)length) == 0;
    for (int i = 1; is_put && i <= length; i++) {
        lua_rawgeti(writer->L, -1, i);
        is_put = put_value(writer, depth);
        lua_pop(writer->L, 1);
    }
    return is_put;
}

static bool put_map(struct writer *writer, uint32_t keys, int depth)
{
    bool is_put = msgpack_pack_map(&writer->packer, keys) == 0;
    lua_pushnil(writer->L);
    while (is_put && lua_next(writer->L, -2) != 0) {
        is_put = put_key(writer) && put_value(writer, depth);
        lua_pop(writer->L, 1);
    }
    return is_put;
}

static bool put_table(struct writer *writer, int depth)
{
    if (depth > MOON_MAX_DEPTH) {
        return fail(writer, "nested more than %d deep", NULL, MOON_MAX_DEPTH);
    }
    struct shape shape = measure(writer->L);
    uint32_t items = shape.last > 0 ? (uint32_t)shape.last : shape.keys;
    writer->values += items;
    if (items > MOON_MAX_ITEMS) {
        return fail(writer, "a table has more than %d items", "too_big",
                    MOON_MAX_ITEMS);
    }
    if (writer->values > MOON_MAX_VALUES) {
        return fail(writer, "more than %d values in all", "too_big", MOON_MAX_VALUES);
    }
    return shape.last > 0 ? put_array(writer, (int)items, depth + 1)
                          : put_map(writer, shape.keys, depth + 1);
}

/* Of the value on top of the stack; a table may be `depth` deep at least. */
static bool put_value(struct writer *writer, int depth)
{
    lua_State *L = writer->L;
    msgpack_packer *packer = &writer->packer;
    switch (lua_type(L, -1)) {
    case LUA_TTABLE:
        return put_table(writer, depth);
    case LUA_TSTRING:
        return put_string(writer);
    case LUA_TNUMBER:
        return put_number(writer);
    case LUA_TBOOLEAN:
        return (lua_toboolean(L, -1) ? msgpack_pack_true(packer)
                                     : msgpack_pack_false(packer)) == 0;
    case LUA_TNIL:
        return msgpack_pack_nil(packer) == 0;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, -1) == NULL) {
            return msgpack_pack_nil(packer) == 0;
        }
        if (moon_is_empty_list(L, -1)) {
            return msgpack_pack_array(packer, 0) == 0;
        }
        break;
    default:
        break;
    }
    return fail(writer, "a function, thread or userdata is no data", NULL, 0);
}

/* encode(value) -> bytes, or nil, why not, and a code when it is no mistake. */
static int encode(lua_State *L)
{
    struct writer writer = {.L = L, .values = 1};
    lua_settop(L, 1);
    luaL_checkstack(L, MOON_STACK_PER_LEVEL * (MOON_MAX_DEPTH + 1), "encode");
    msgpack_packer_init(&writer.packer, &writer, append);
    if (!put_value(&writer, 1)) {
        lua_settop(L, 1);
        return moon_msgpack_refused(L, &writer.refusal);
    }
    lua_pushlstring(L, buffer, writer.length);
    return 1;
}

int luaopen_moongate_msgpack(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, encode);
    lua_setfield(L, -2, "encode");
    lua_pushcfunction(L, moon_msgpack_decode);
    lua_setfield(L, -2, "decode");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    moon_push_empty_list(L);
    lua_setfield(L, -2, "empty_list");
    return 1;
}
