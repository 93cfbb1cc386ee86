/* SPDX-License-Identifier: MIT */
#include "luajit_profiler.h"
#include "../core/log.h"
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* LuaJIT allocates the main state and all that is global as one, some 6 KB. */
enum { NEAR_BYTES = 1024 };

static struct {
    lua_State *L;
    void (*asks)(int);       /* LuaJIT's handler of SIGPROF */
    volatile uint8_t *flags; /* of LuaJIT: the hooks that are set; NULL: unknown */
    uint8_t asked;           /* the flag of a request */
} profiler;

static void no_hook(lua_State *L, lua_Debug *unused)
{
    (void)L;
    (void)unused;
}

/* LuaJIT tells nobody where it is: it is the byte that follows lua_sethook(). */
static volatile uint8_t *find_flags(lua_State *L)
{
    static const uint8_t masks[] = {LUA_MASKLINE, LUA_MASKCALL | LUA_MASKRET,
                                    LUA_MASKCOUNT};
    volatile uint8_t *found = NULL;
    bool follows[NEAR_BYTES];
    memset(follows, true, sizeof follows);
    for (size_t n = 0; n < sizeof masks; n++) {
        lua_sethook(L, no_hook, masks[n], INT_MAX);
        for (size_t at = 0; at < NEAR_BYTES; at++) {
            follows[at] = follows[at] && ((volatile uint8_t *)L)[at] == masks[n];
        }
    }
    lua_sethook(L, NULL, 0, 0);
    for (size_t at = 0; at < NEAR_BYTES; at++) {
        if (follows[at]) {
            if (found != NULL) {
                return NULL;
            }
            found = (volatile uint8_t *)L + at;
        }
    }
    return found;
}

/* Now, that is: no request is under way. */
static uint8_t find_asked(void)
{
    uint8_t before = *profiler.flags;
    profiler.asks(SIGPROF);
    return (uint8_t)(*profiler.flags & ~before);
}

bool moon_luajit_profiler_ask(void)
{
    lua_State *L = profiler.L;
    if (L == NULL) {
        return false;
    }
    if (profiler.flags != NULL && (*profiler.flags & profiler.asked) != 0) {
        *profiler.flags = (uint8_t)(*profiler.flags & ~profiler.asked);
        lua_sethook(L, lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L));
    }
    profiler.asks(SIGPROF);
    return true;
}

static void on_signal(int number)
{
    (void)number;
    (void)moon_luajit_profiler_ask();
}

void moon_luajit_profiler_start(lua_State *L, const char *mode,
                                luaJIT_profile_callback told)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction its = {0};
    sigfillset(&action.sa_mask);
    profiler.flags = find_flags(L);
    luaJIT_profile_start(L, mode, told, NULL);
    sigaction(SIGPROF, &action, &its);
    profiler.asks = its.sa_handler;
    profiler.asked = profiler.flags == NULL ? 0 : find_asked();
    if (profiler.asked == 0) {
        moon_log(MOON_WARN, "watchdog", "does not know this LuaJIT from the inside");
    }
    profiler.L = L;
}

void moon_luajit_profiler_stop(void)
{
    lua_State *L = profiler.L;
    profiler.L = NULL;
    luaJIT_profile_stop(L);
}
