/* SPDX-License-Identifier: MIT */
#include "watchdog.h"
#include "../core/log.h"
#include "../core/thread.h"
#include "luajit_profiler.h"
#include "memory.h"
#include "profile.h"
#include <lauxlib.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    TICK_MS = 10, /* of the profiler, and of the watching thread while scripts run */
    NAP_MS = 25,  /* while they do not */
    STAGE_BITS = 2,
    STAGE_MASK = (1 << STAGE_BITS) - 1,
    AWAY_COUNTS = 4, /* this part of the time without a CPU counts */
    WHOLE_BUDGETS = 4,
    MAX_MISSES = 2000, /* instructions: about a millisecond */
    DEAF_MS = 200,     /* so long after its budget a run is still not aborted, */
    AGAIN_MS = 10000,  /* and that is said again */
};

static struct moon_turn turn; /* written by the logic thread */
static double samples[MOON_MAX_SAMPLED];
static double in_whole[MOON_MAX_SAMPLED]; /* the same of one whole, see on_sample() */
static char names[MOON_MAX_SAMPLED][MOON_MAX_PLUGIN_NAME_BYTES + 1] = {
    "moongate"}; /* by turn.who */
static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

/* One: signal handlers have no context. */
static struct {
    lua_State *L; /* the main state */
    int told;     /* registry reference */
    pthread_t logic, thread;
    clockid_t cpu; /* the logic thread's */
    atomic_bool is_running, is_inside;
    _Atomic uint64_t late; /* the run that is late, by `whole` for MOON_WHOLE, and its
                              stage */
    double soft_number;    /* the last run that was told of; logic thread, as these: */
    double sampled, sampled_whole; /* the run of the last sample */
    double told_whole;             /* the last that was told of as aborted */
    double collected;              /* the last run in which garbage was collected */
    uint64_t next_ms;              /* when that may be said again */
    sig_atomic_t misses; /* instructions of others that were looked at in this tick */
} dog;

struct moon_turn *moon_watchdog_turn(void)
{
    return &turn;
}

const double *moon_watchdog_samples(void)
{
    return samples;
}

void moon_watchdog_name(uint32_t who, const char *name, size_t length)
{
    size_t most = MOON_MAX_PLUGIN_NAME_BYTES;
    char *kept = names[who % MOON_MAX_SAMPLED];
    pthread_mutex_lock(&naming);
    snprintf(kept, most + 1, "%.*s", (int)(length < most ? length : most), name);
    pthread_mutex_unlock(&naming);
}

/* ---- the thread that watches ---- */

static uint64_t ms_of(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct sight { /* a run, and when it was first seen */
    double number;
    uint64_t wall_ms, cpu_ms;
};

struct sights {
    struct sight run, whole;
    uint64_t next_ms; /* of the run: when it is said that it cannot be aborted */
};

static uint64_t passed_ms(const struct sight *sight)
{
    uint64_t away_ms = (ms_of(CLOCK_MONOTONIC) - sight->wall_ms) / AWAY_COUNTS;
    uint64_t cpu_ms = ms_of(dog.cpu) - sight->cpu_ms;
    return cpu_ms > away_ms ? cpu_ms : away_ms;
}

/* What Lua writes is no atomic for ThreadSanitizer, though it is one store wherever
 * LuaJIT runs: it shall not look at who reads that. */
#define UNCHECKED __attribute__((no_sanitize("thread")))

/* How long it has been seen. */
UNCHECKED static uint64_t see(struct sight *sight, const double *number)
{
    double now = 0;
    __atomic_load(number, &now, __ATOMIC_RELAXED);
    if (now != sight->number || !atomic_load(&dog.is_inside)) {
        *sight = (struct sight){now, ms_of(CLOCK_MONOTONIC), ms_of(dog.cpu)};
        return 0;
    }
    return passed_ms(sight);
}

UNCHECKED static uint64_t stage_of(uint64_t run_ms, uint64_t whole_ms)
{
    uint64_t hard_ms = __atomic_load_n(&turn.hard_ms, __ATOMIC_RELAXED);
    uint64_t soft_ms = __atomic_load_n(&turn.soft_ms, __ATOMIC_RELAXED);
    if (hard_ms != 0 && whole_ms >= hard_ms * WHOLE_BUDGETS) {
        return MOON_WHOLE;
    }
    if (hard_ms != 0 && run_ms >= hard_ms) {
        return MOON_HARD;
    }
    return soft_ms != 0 && run_ms >= soft_ms ? MOON_SOFT : 0;
}

/* Nothing can stop a function of C, nor report its stack: only that it runs. */
UNCHECKED static void report_deaf(struct sights *sights, uint64_t run_ms)
{
    uint64_t hard_ms = __atomic_load_n(&turn.hard_ms, __ATOMIC_RELAXED);
    if (run_ms < hard_ms + DEAF_MS) {
        sights->next_ms = 0;
    }
    if (hard_ms == 0 || run_ms < hard_ms + DEAF_MS || run_ms < sights->next_ms ||
        __atomic_load_n(&turn.aborted, __ATOMIC_RELAXED) != 0) {
        return;
    }
    sights->next_ms = run_ms + AGAIN_MS;
    pthread_mutex_lock(&naming);
    moon_log(
        MOON_ERROR,
        names[__atomic_load_n(&turn.who, __ATOMIC_RELAXED) % MOON_MAX_SAMPLED],
        "has run for %llu ms, and cannot be aborted before a function of C or of the "
        "gateway returns",
        (unsigned long long)run_ms);
    pthread_mutex_unlock(&naming);
}

static void look_at_turn(struct sights *sights)
{
    uint64_t run_ms = see(&sights->run, &turn.number);
    uint64_t whole_ms = see(&sights->whole, &turn.whole);
    uint64_t stage = stage_of(run_ms, whole_ms);
    const struct sight *sight = stage == MOON_WHOLE ? &sights->whole : &sights->run;
    if (stage != 0) {
        atomic_store(&dog.late, (uint64_t)sight->number << STAGE_BITS | stage);
        pthread_kill(dog.logic, SIGUSR1); /* at each tick until it has worked */
    }
    report_deaf(sights, run_ms);
}

static void *watch(void *unused)
{
    (void)unused;
    struct sights sights = {0};
    while (atomic_load(&dog.is_running)) {
        int ms = atomic_load(&dog.is_inside) ? TICK_MS : NAP_MS;
        const struct timespec nap = {0, (long)ms * 1000000};
        nanosleep(&nap, NULL);
        look_at_turn(&sights);
    }
    return NULL;
}

/* ---- the logic thread ---- */

/* 0 when the run that was late has ended. */
static uint64_t stage_now(void)
{
    uint64_t late = atomic_load(&dog.late);
    uint64_t stage = late & STAGE_MASK;
    double number = stage == MOON_WHOLE ? turn.whole : turn.number;
    return late >> STAGE_BITS == (uint64_t)number ? stage : 0;
}

/* Who has had most of the time since the whole began; 0: nobody for long. */
static lua_Integer find_most(void)
{
    lua_Integer most = 0;
    for (lua_Integer who = 1; who < MOON_MAX_SAMPLED; who++) {
        most = in_whole[who] > in_whole[most] ? who : most;
    }
    return dog.sampled_whole == turn.whole ? most : 0;
}

/* Whether what runs is spared. */
static bool tell(lua_State *L, uint64_t stage)
{
    if (!lua_checkstack(L, LUA_MINSTACK)) {
        return false; /* it is about to fail for that */
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, dog.told);
    lua_pushinteger(L, (lua_Integer)stage);
    luaL_traceback(L, L, NULL, 0);
    lua_pushinteger(L, find_most());
    bool has_failed = lua_pcall(L, 3, 1, 0) != 0;
    if (has_failed) {
        moon_log(MOON_ERROR, "watchdog", "%s", lua_tostring(L, -1));
    }
    bool is_spared = !has_failed && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_spared;
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The function that runs, if it is one of the app: the runtime ends what it has begun,
 * and what is LuaJIT's own, in C or in Lua, by itself. */
static bool find_culprit(lua_State *L, lua_Debug *culprit)
{
    memset(culprit, 0, sizeof *culprit);
    return lua_getstack(L, 0, culprit) && lua_getinfo(L, "Sl", culprit) &&
           *culprit->what != 'C' && !begins_with(culprit->source, "@moongate/") &&
           !begins_with(culprit->short_src, "[builtin:");
}

static int fail(lua_State *L)
{
    return lua_error(L);
}

/* An error that leaves a hook does not always end it for LuaJIT: in a pcall of compiled
 * code the hook may stay active, and no other comes. Nor does one come in what handles
 * the error. One that ends a coroutine does end it, whoever is active. */
static void end_hook(lua_State *L)
{
    lua_State *thread = lua_newthread(L);
    lua_pushcfunction(thread, fail);
    (void)lua_resume(thread, 0);
    lua_pop(L, 1);
}

/* Raises, unless somebody else is at work: then at one of the next instructions, or
 * after the next tick. To look at each costs a thousand times what it does. */
static void stop(lua_State *L, uint64_t stage)
{
    lua_Debug culprit;
    if (!find_culprit(L, &culprit)) {
        dog.misses++;
        if (dog.misses > MAX_MISSES) {
            lua_sethook(L, NULL, 0, 0);
        }
        return;
    }
    if (turn.aborted < stage) {
        bool is_known = stage == MOON_WHOLE && dog.told_whole == turn.whole;
        if (!is_known && tell(L, stage)) {
            dog.collected = turn.number;
            return;
        }
        dog.told_whole = stage == MOON_WHOLE ? turn.whole : dog.told_whole;
        turn.aborted = (uint32_t)stage;
    }
    if (stage == MOON_MEMORY) {
        lua_pushfstring(L, "%s:%d: memory limit exceeded: %d MB of all scripts",
                        culprit.short_src, culprit.currentline,
                        (int)(moon_memory_heap()->limit / (1 << 20)));
    } else {
        lua_pushfstring(L, "%s:%d: time budget exceeded: %d ms without a pause",
                        culprit.short_src, culprit.currentline, (int)turn.hard_ms);
    }
    end_hook(L);
    lua_error(L);
}

/* LuaJIT does not collect its garbage for want of memory, and its compiled code holds
 * what it was compiled for. The next collection is not to begin before this run is
 * aborted, or it would take for alive what the run has. */
static void collect(lua_State *L)
{
    uint64_t begun_ms = ms_of(CLOCK_MONOTONIC);
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
    lua_gc(L, LUA_GCSETPAUSE, 200);
    lua_gc(L, LUA_GCCOLLECT, 0);
    uint64_t now_ms = ms_of(CLOCK_MONOTONIC);
    if (now_ms >= dog.next_ms) {
        dog.next_ms = now_ms + AGAIN_MS;
        moon_log(MOON_WARN, names[turn.who % MOON_MAX_SAMPLED],
                 "has filled the memory: all has waited for %llu ms until its garbage "
                 "was collected",
                 (unsigned long long)(now_ms - begun_ms));
    }
}

/* When that is under way whoever is told will finish it. */
static bool is_over(lua_State *L)
{
    if (moon_memory_is_over() && dog.collected != turn.number &&
        moon_memory_heap()->is_collecting == 0) {
        collect(L);
        turn.number += 1; /* the time that has taken is not the run's */
        dog.collected = turn.number;
    }
    return moon_memory_is_over();
}

static void on_hook(lua_State *L, lua_Debug *unused)
{
    (void)unused;
    if (turn.aborted == MOON_MEMORY || is_over(L)) {
        stop(L, MOON_MEMORY);
        return;
    }
    uint64_t stage = stage_now();
    if (stage >= MOON_HARD) {
        stop(L, stage); /* the hook stays until the run has ended */
        return;
    }
    lua_sethook(L, NULL, 0, 0);
    if (stage == MOON_SOFT && dog.soft_number != turn.number) {
        dog.soft_number = turn.number;
        (void)tell(L, MOON_SOFT);
    }
}

/* lua_sethook() is the one function of Lua that may be called in a signal handler, or
 * while Lua asks for memory. */
void moon_watchdog_interrupt(void)
{
    dog.misses = 0;
    lua_sethook(dog.L, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static void on_signal(int number)
{
    (void)number;
    if (dog.L != NULL && stage_now() != 0) {
        moon_watchdog_interrupt();
    }
}

/* For a sample, compiled code leaves to the interpreter: that is most of its use. Of a
 * whole those count that were not the first in their run: nobody is blamed for what is
 * short, however often others have called it. */
static void on_sample(void *data, lua_State *L, int count, int vmstate)
{
    (void)data;
    uint32_t who = turn.who % MOON_MAX_SAMPLED;
    count -= moon_profiler_sample(L, vmstate);
    samples[who] += count;
    if (dog.sampled_whole != turn.whole) {
        memset(in_whole, 0, sizeof in_whole);
        dog.sampled_whole = turn.whole;
    }
    in_whole[who] += dog.sampled == turn.number ? count : 0;
    dog.sampled = turn.number;
}

/* ---- life ---- */

void moon_watchdog_start(lua_State *L)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);

    dog.told = luaL_ref(L, LUA_REGISTRYINDEX);
    dog.L = L;
    dog.logic = pthread_self();
    pthread_getcpuclockid(dog.logic, &dog.cpu);
    atomic_store(&dog.is_running, true);
    moon_thread_start(&dog.thread, watch, NULL, "watchdog");
    moon_luajit_profiler_start(L, "li10", on_sample); /* l: a loop that is one trace
                                                         would never leave */
}

void moon_watchdog_stop(void)
{
    moon_luajit_profiler_stop();
    atomic_store(&dog.is_running, false);
    pthread_join(dog.thread, NULL);
    dog.L = NULL;
}

void moon_watchdog_enter(void)
{
    turn.number += 1;
    turn.whole += 1;
    atomic_store(&dog.is_inside, true);
    moon_profiler_enter();
}

void moon_watchdog_leave(void)
{
    moon_profiler_leave();
    atomic_store(&dog.is_inside, false);
}
