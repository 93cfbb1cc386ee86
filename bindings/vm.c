/* SPDX-License-Identifier: MIT */
#include "vm.h"
#include "../core/log.h"
#include "../core/mem.h"
#include "embedded.h"
#include "json_count.h"
#include "luajit_next.h"
#include "memory.h"
#include "msgpack.h"
#include "watchdog.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

struct moon_vm {
    lua_State *L;
    int drain; /* registry reference to loop.drain */
    bool is_watched;
    bool is_warned; /* that they have much memory */
};

static int load_module(lua_State *L)
{
    const struct moon_module *module = lua_touserdata(L, lua_upvalueindex(1));
    if (luaL_loadbuffer(L, module->text, module->length, module->chunk) != 0) {
        return lua_error(L);
    }
    lua_call(L, 0, 1);
    return 1;
}

/* A table: name of a file that the binary carries -> its text. */
static int load_texts(lua_State *L)
{
    lua_newtable(L);
    for (const struct moon_text *text = moon_texts; text->name != NULL; text++) {
        lua_pushlstring(L, text->bytes, text->length);
        lua_setfield(L, -2, text->name);
    }
    return 1;
}

static bool is_for_tests(const char *name)
{
    static const char prefix[] = "moongate.test";
    size_t length = sizeof prefix - 1;
    return strncmp(name, prefix, length) == 0 &&
           (name[length] == '\0' || name[length] == '.');
}

/* require "moongate.x" finds what the binary carries, whatever package.path says. A
 * server has nothing that is for tests. */
static void preload_modules(lua_State *L, bool has_tests)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    for (const struct moon_module *module = moon_modules; module->name != NULL;
         module++) {
        if (is_for_tests(module->name) && !has_tests) {
            continue;
        }
        lua_pushlightuserdata(L, (void *)(uintptr_t)module);
        lua_pushcclosure(L, load_module, 1);
        lua_setfield(L, -2, module->name);
    }
    lua_pushcfunction(L, luaopen_moongate_msgpack);
    lua_setfield(L, -2, "moongate.msgpack");
    lua_pushcfunction(L, luaopen_moongate_json_count);
    lua_setfield(L, -2, "moongate.json_count");
    lua_pushcfunction(L, load_texts);
    lua_setfield(L, -2, "moongate.texts");
    lua_getfield(L, -2, "loaded");
    lua_pushstring(L, moon_cdef);
    lua_setfield(L, -2, "moongate.cdef");
    lua_settop(L, 0);
}

void moon_vm_preload(lua_State *L)
{
    preload_modules(L, false);
}

/* loop.start(app) returns loop.drain, or nil and what is wrong with the app. */
static bool start(struct moon_vm *vm, const char *app)
{
    lua_State *L = vm->L;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moongate.loop");
    int status = lua_pcall(L, 1, 1, 0);
    if (status == 0) {
        lua_getfield(L, -1, "late");
        moon_watchdog_start(L);
        vm->is_watched = true;
        lua_getfield(L, -1, "start");
        lua_pushstring(L, app);
        moon_watchdog_enter();
        status = lua_pcall(L, 1, 2, 0);
        moon_watchdog_leave();
    }
    if (status != 0 || lua_isnil(L, -2)) {
        (void)fprintf(stderr, "moongate: %s\n", lua_tostring(L, -1));
        return false;
    }
    lua_pop(L, 1);
    vm->drain = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, 0);
    return true;
}

/* NULL, said on stderr, without memory. */
static struct moon_vm *open_state(uint32_t memory_mb, bool has_tests)
{
    struct moon_vm *vm = moon_alloc(sizeof *vm);
    vm->L = luaL_newstate();
    if (vm->L == NULL) {
        (void)fputs("moongate: no memory for a Lua state\n", stderr);
        moon_free(vm);
        return NULL;
    }
    moon_memory_watch(vm->L, (uint64_t)memory_mb << 20);
    luaL_openlibs(vm->L);
    moon_luajit_next_mend(vm->L);
    preload_modules(vm->L, has_tests);
    return vm;
}

struct moon_vm *moon_vm_create(const struct moon_config *config)
{
    struct moon_vm *vm = open_state(config->script_memory_mb, false);
    if (vm != NULL && !start(vm, config->app)) {
        moon_vm_destroy(vm);
        return NULL;
    }
    return vm;
}

/* Its `late`, when it has one, is for the watchdog. */
static int call_main(struct moon_vm *vm, int argc, const char *const *argv)
{
    lua_State *L = vm->L;
    lua_getfield(L, -1, "late");
    vm->is_watched = lua_isfunction(L, -1);
    if (vm->is_watched) {
        moon_watchdog_start(L);
    } else {
        lua_pop(L, 1);
    }
    lua_getfield(L, -1, "main");
    if (!lua_checkstack(L, argc)) {
        lua_pushliteral(L, "too many arguments");
        return LUA_ERRRUN;
    }
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
    }
    moon_watchdog_enter();
    int status = lua_pcall(L, argc, 1, 0);
    moon_watchdog_leave();
    return status;
}

int moon_vm_run(uint32_t memory_mb, const char *module, int argc,
                const char *const *argv)
{
    struct moon_vm *vm = open_state(memory_mb, is_for_tests(module));
    if (vm == NULL) {
        return MOON_VM_FAILED;
    }
    lua_State *L = vm->L;
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    int result = MOON_VM_FAILED;
    if (lua_pcall(L, 1, 1, 0) != 0 || call_main(vm, argc, argv) != 0) {
        const char *problem = lua_tostring(L, -1);
        (void)fprintf(stderr, "moongate: %s\n", problem == NULL ? "?" : problem);
    } else {
        result = (int)lua_tointeger(L, -1);
    }
    moon_vm_destroy(vm);
    return result;
}

void moon_vm_destroy(struct moon_vm *vm)
{
    if (vm != NULL && vm->is_watched) {
        moon_watchdog_stop();
    }
    if (vm != NULL) {
        moon_memory_leave(vm->L);
        lua_close(vm->L);
    }
    moon_free(vm);
}

/* Said once. */
static void warn_of_memory(struct moon_vm *vm)
{
    const struct moon_heap *heap = moon_memory_heap();
    double many = heap->limit * MOON_SOFT_PERCENT / 100;
    if (heap->bytes > many && !vm->is_warned) {
        vm->is_warned = true;
        moon_log(MOON_WARN, "vm",
                 "the scripts have %.0f MB of memory, at most %.0f, garbage included",
                 heap->bytes / (1 << 20), heap->limit / (1 << 20));
    }
    vm->is_warned = vm->is_warned && heap->bytes > many * MOON_CALM_PERCENT / 100;
}

void moon_vm_enter(void *argument)
{
    struct moon_vm *vm = argument;
    moon_memory_enter();
    warn_of_memory(vm);
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->drain);
    moon_watchdog_enter();
    if (lua_pcall(vm->L, 0, 0, 0) != 0) {
        /* Scripts run protected inside: this is a fault of the bindings or no
         * memory. */
        moon_log(MOON_ERROR, "vm", "%s", lua_tostring(vm->L, -1));
        lua_settop(vm->L, 0);
    }
    moon_watchdog_leave();
}
