/* SPDX-License-Identifier: MIT
 * JSON: json.lua as it is, around lua-cjson; the numbers keep 14 digits. */
#include "../../bindings/json_count.h"
#include "value.h"

enum {
    CAPS = 6,
};

/* The sanitizer asks for it by this name. lua-cjson's buffers hang on LuaJIT's memory,
 * where it does not look: they only seem to have been lost. */
const char *__lsan_default_suppressions(void); /* NOLINT */

const char *__lsan_default_suppressions(void) /* NOLINT */
{
    return "leak:strbuf_init\nleak:strbuf_resize\n";
}

static void set_constants(lua_State *L)
{
    static const struct {
        const char *name;
        int value;
    } caps[CAPS] = {{"MOON_MAX_DEPTH", MOON_MAX_DEPTH},
                    {"MOON_MAX_ITEMS", MOON_MAX_ITEMS},
                    {"MOON_MAX_VALUES", MOON_MAX_VALUES},
                    {"MOON_MAX_FRAME_BYTES", MOON_MAX_FRAME_BYTES},
                    {"MOON_MAX_ANSWER_BYTES", MOON_MAX_ANSWER_BYTES},
                    {"MOON_MAX_FETCH_BYTES", MOON_MAX_FETCH_BYTES}};

    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, CAPS);
    for (int i = 0; i < CAPS; i++) {
        lua_pushinteger(L, caps[i].value);
        lua_setfield(L, -2, caps[i].name);
    }
    lua_setfield(L, -2, "C");
}

/* With the module at index 1. */
static lua_State *open_json(void)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "loaded");
    set_constants(L);
    lua_setfield(L, -2, "moongate.ffi");
    luaopen_moongate_json_count(L);
    lua_setfield(L, -2, "moongate.json_count");
    lua_settop(L, 0);
    if (luaL_dofile(L, "bindings/moongate/json.lua")) {
        (void)fprintf(stderr, "json.lua: %s\n", lua_tostring(L, -1));
        abort();
    }
    return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static lua_State *L;
    if (L == NULL) {
        L = open_json();
    }
    value_round(L, data, bytes, 1e-13);
    return 0;
}
