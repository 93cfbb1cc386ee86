/* SPDX-License-Identifier: MIT */
#include "../core/frame.h"
#include "../core/types.h"
#include "msgpack_state.h"

/* msgpack-c takes the bytes apart, by its template (below). A value is on Lua's stack
 * from the first moment: there is no tree in between. */
#define MSGPACK_EMBED_STACK_SIZE MOON_MAX_DEPTH
#include <msgpack/unpack.h>
#include <msgpack/unpack_define.h>

/* What the template hands around; the value itself is on Lua's stack. */
struct value {
    enum {
        OTHER,
        TEXT,
        INTEGER,
    } kind;

    int elements; /* of an array, so far */
};

struct reader {
    lua_State *L;
    uint64_t length;   /* of the message */
    uint64_t promised; /* values, keys too, by the headers: a byte each, at least */
    uint64_t values;
    struct moon_refusal refusal;
};

enum {
    REFUSED = -100, /* unlike those of the template */
};

static int refuse(struct reader *reader, const char *reason, int limit)
{
    reader->refusal = (struct moon_refusal){reason, NULL, limit};
    return REFUSED;
}

static int is_a(struct value *value, int kind)
{
    value->kind = kind;
    return 0;
}

static struct value take_root(const struct reader *reader)
{
    (void)reader;
    return (struct value){.kind = OTHER};
}

static int take_nil(struct reader *reader, struct value *value)
{
    lua_pushlightuserdata(reader->L, NULL); /* as lua-cjson's null */
    return is_a(value, OTHER);
}

static int take_true(struct reader *reader, struct value *value)
{
    lua_pushboolean(reader->L, 1);
    return is_a(value, OTHER);
}

static int take_false(struct reader *reader, struct value *value)
{
    lua_pushboolean(reader->L, 0);
    return is_a(value, OTHER);
}

static int take_integer(struct reader *reader, double number, struct value *value)
{
    lua_pushnumber(reader->L, number);
    return is_a(value, INTEGER);
}

static int take_uint64(struct reader *reader, uint64_t number, struct value *value)
{
    return number <= UINT64_C(1) << MOON_MAX_INTEGER_BITS
               ? take_integer(reader, (double)number, value)
               : refuse(reader, "an integer is beyond %d bits", MOON_MAX_INTEGER_BITS);
}

static int take_int64(struct reader *reader, int64_t number, struct value *value)
{
    const int64_t max = INT64_C(1) << MOON_MAX_INTEGER_BITS;
    return number >= -max && number <= max
               ? take_integer(reader, (double)number, value)
               : refuse(reader, "an integer is beyond %d bits", MOON_MAX_INTEGER_BITS);
}

static int take_double(struct reader *reader, double number, struct value *value)
{
    if (number - number != 0) {
        return refuse(reader, "a number is infinite or none", 0);
    }
    lua_pushnumber(reader->L, number);
    return is_a(value, OTHER);
}

static int take_bytes(struct reader *reader, const char *bytes, uint32_t length)
{
    if (length > MOON_MAX_FRAME_BYTES) {
        return refuse(reader, "a string has more than %d bytes", MOON_MAX_FRAME_BYTES);
    }
    lua_pushlstring(reader->L, length == 0 ? "" : bytes, length);
    return 0;
}

static int take_bin(struct reader *reader, const char *base, const char *bytes,
                    uint32_t length, struct value *value)
{
    (void)base;
    (void)is_a(value, OTHER);
    return take_bytes(reader, bytes, length);
}

static int take_str(struct reader *reader, const char *base, const char *bytes,
                    uint32_t length, struct value *value)
{
    (void)base;
    (void)is_a(value, TEXT);
    return moon_utf8_is_valid(bytes, length)
               ? take_bytes(reader, bytes, length)
               : refuse(reader, "a string is not UTF-8; bytes are a bin", 0);
}

static int take_ext(struct reader *reader, const char *base, const char *bytes,
                    uint32_t length, struct value *value)
{
    (void)base;
    (void)value;
    return length > 0 && (int8_t)bytes[0] == -1
               ? refuse(reader,
                        "timestamps are not taken: milliseconds since 1970 are "
                        "an integer",
                        0)
               : refuse(reader, "extension types are not taken", 0);
}

/* The header of a container, before any memory is taken for what it promises. */
static int begin(struct reader *reader, uint32_t items, uint32_t values_per_item)
{
    reader->values += items;
    reader->promised += (uint64_t)items * values_per_item;
    if (items > MOON_MAX_ITEMS) {
        return refuse(reader, "a map or an array has more than %d items",
                      MOON_MAX_ITEMS);
    }
    if (reader->values > MOON_MAX_VALUES) {
        return refuse(reader, "more than %d values in all", MOON_MAX_VALUES);
    }
    return reader->promised < reader->length ? 0 : refuse(reader, "it is cut off", 0);
}

static int take_array(struct reader *reader, uint32_t items, struct value *value)
{
    int status = begin(reader, items, 1);
    if (status == 0) {
        lua_createtable(reader->L, (int)items, 0);
    }
    *value = (struct value){.kind = OTHER};
    return status;
}

static int take_array_item(struct reader *reader, struct value *array,
                           struct value element)
{
    (void)element;
    lua_rawseti(reader->L, -2, ++array->elements);
    return 0;
}

static int take_map(struct reader *reader, uint32_t items, struct value *value)
{
    int status = begin(reader, items, 2);
    if (status == 0) {
        lua_createtable(reader->L, 0, (int)items);
    }
    *value = (struct value){.kind = OTHER};
    return status;
}

/* Under the key is the map, above it what belongs to it. */
static int take_map_item(struct reader *reader, const struct value *map,
                         struct value key, struct value item)
{
    lua_State *L = reader->L;
    (void)map;
    (void)item;
    if (key.kind == INTEGER) {
        char digits[MOON_DIGITS_BYTES];
        size_t length = moon_msgpack_digits(digits, lua_tonumber(L, -2));
        lua_pushlstring(L, digits, length);
        lua_replace(L, -3);
    } else if (key.kind != TEXT) {
        return refuse(reader, "a key is neither a string nor an integer", 0);
    }
    lua_rawset(L, -3);
    return 0;
}

/* What the template wants to be told. All of these numbers fit a double. */
/* NOLINTBEGIN(readability-identifier-naming) */
#define take_uint8                      take_integer
#define take_uint16                     take_integer
#define take_uint32                     take_integer
#define take_int8                       take_integer
#define take_int16                      take_integer
#define take_int32                      take_integer
#define take_float                      take_double
#define msgpack_unpack_struct(name)     struct unpack##name
#define msgpack_unpack_func(type, name) static inline type unpack##name
#define msgpack_unpack_callback(name)   take##name
#define msgpack_unpack_object           struct value
#define msgpack_unpack_user             struct reader
/* NOLINTEND(readability-identifier-naming) */
#include <msgpack/unpack_template.h>

static int refuse_status(struct reader *reader, int status)
{
    switch (status) {
    case 0:
        return refuse(reader, "it is cut off", 0);
    case 1:
        return refuse(reader, "there are bytes behind the value", 0);
    case MSGPACK_UNPACK_NOMEM_ERROR:
        return refuse(reader, "nested more than %d deep", MOON_MAX_DEPTH);
    case REFUSED:
        return status;
    default:
        return refuse(reader, "not MessagePack", 0);
    }
}

int moon_msgpack_decode(lua_State *L)
{
    size_t length = 0, at = 0;
    const char *bytes = luaL_checklstring(L, 1, &length);
    struct unpack_context context; /* most of it is for what is nested */
    context.user = (struct reader){.L = L, .length = length, .values = 1};
    luaL_checkstack(L, MOON_STACK_PER_LEVEL * (MOON_MAX_DEPTH + 1), "decode");
    unpack_init(&context);
    int status = unpack_execute(&context, bytes, length, &at);
    if (status == 1 && at == length) {
        return 1;
    }
    (void)refuse_status(&context.user, status);
    lua_settop(L, 1);
    return moon_msgpack_refused(L, &context.user.refusal);
}
