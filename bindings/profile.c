/* SPDX-License-Identifier: MIT */
#include "profile.h"
#include "../core/mem.h"
#include "c_stack.h"
#include "luajit_profiler.h"
#include "stacks.h"
#include "symbols.h"
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_US = 4700, /* not in step with what runs each 10, 16.7, 20 or 50 ms */
    TICKS = 64,     /* between two that are dealt with */
    C_DEPTH = 32,   /* of the innermost frames */
    LUA_DEPTH = 64, /* the same */
    KNOWN = 1024,   /* addresses whose frames are remembered: a power of two */
    NAME_BYTES = 512,
};

struct tick { /* what the signal handler has seen */
    uint32_t who, depth;
    bool is_inside; /* Lua */
    uintptr_t pcs[C_DEPTH];
};

struct known {
    uintptr_t pc;
    uint32_t frame;
    bool is_hidden, is_idle;
};

struct profile {
    struct moon_stacks *stacks;
    struct moon_symbols *symbols;
    struct known known[KNOWN];
    struct tick ring[TICKS];
    atomic_uint head, tail; /* of the ring: one thread, but its signal handler */
    uint32_t lost, ticks, who;
    timer_t timer;
};

/* One: signal handlers have no context. */
static struct profile *on; /* NULL: none */
static const struct moon_turn *turn;
static uintptr_t stack_top, entry;  /* entry: where Lua's part of the stack begins */
static volatile sig_atomic_t asked; /* how often LuaJIT was, and has not called back */
static char *text;                  /* the last one's */

/* ---- in the signal handler ---- */

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    struct profile *profile = on;
    if (profile == NULL || info->si_code != SI_TIMER ||
        (profile->who != 0 && profile->who != turn->who)) {
        return;
    }
    uint32_t head = atomic_load(&profile->head);
    if (head - atomic_load(&profile->tail) == TICKS) {
        profile->lost++;
        return;
    }
    struct tick *tick = &profile->ring[head % TICKS];
    tick->who = turn->who;
    tick->is_inside = entry != 0;
    tick->depth =
        moon_c_stack_walk(context, entry != 0 ? entry : stack_top, tick->pcs, C_DEPTH);
    atomic_store(&profile->head, head + 1);
    if (entry != 0 && moon_luajit_profiler_ask()) {
        asked++;
    }
}

/* ---- names ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool begins_with(const char *whole, const char *prefix)
{
    return strncmp(whole, prefix, strlen(prefix)) == 0;
}

/* False in a file that is stripped, and for words of the stack that were no address. */
static bool name_ours(char *name, uintptr_t pc)
{
    const char *found = moon_symbols_find(on->symbols, pc - moon_c_stack_base());
    int length = found == NULL ? 0 : (int)strcspn(found, "."); /* what gcc adds */
    (void)snprintf(name, NAME_BYTES, "moongate:%.*s", length,
                   found == NULL ? "" : found);
    return found != NULL;
}

/* False for what is no code of a file: what LuaJIT has compiled. */
static bool name_library(char *name, uintptr_t pc)
{
    Dl_info info;
    ElfW(Sym) *symbol = NULL;
    if (dladdr1((void *)pc, &info, (void **)&symbol, RTLD_DL_SYMENT) == 0) {
        return false;
    }
    bool is_inside = info.dli_sname != NULL && symbol != NULL &&
                     pc - (uintptr_t)info.dli_saddr < symbol->st_size;
    (void)snprintf(name, NAME_BYTES, "%s%s%s", last_part(info.dli_fname),
                   is_inside ? ":" : "", is_inside ? info.dli_sname : "");
    return true;
}

static bool ends_with(const char *whole, const char *end)
{
    uint64_t length = strlen(whole), its = strlen(end);
    return length >= its && strcmp(whole + length - its, end) == 0;
}

/* Of C; `is_hidden` is LuaJIT itself, and what it has compiled. */
static const struct known *frame_of(uintptr_t pc)
{
    struct known *known = &on->known[(pc >> 1) % KNOWN];
    char name[NAME_BYTES] = "";
    if (known->pc == pc) {
        return known;
    }
    bool is_its = moon_c_stack_is_ours(pc);
    bool is_named = is_its ? name_ours(name, pc) : name_library(name, pc);
    *known = (struct known){.pc = pc,
                            .is_hidden = !is_its &&
                                         (!is_named || begins_with(name, "libluajit"))};
    known->is_idle = ends_with(name, ":epoll_wait") || ends_with(name, ":epoll_pwait");
    known->frame = is_named ? moon_stacks_frame(on->stacks, name, strlen(name)) : 0;
    return known;
}

static uint32_t word(const char *what)
{
    return moon_stacks_frame(on->stacks, what, strlen(what));
}

static uint32_t frame_of_lua(const lua_Debug *info)
{
    char name[NAME_BYTES];
    const char *file = info->source;
    const char *function = info->name;
    if (function == NULL) {
        function = strcmp(info->what, "main") == 0 ? "main" : "function";
    }
    file += *file == '@' || *file == '=';
    if (*info->what == 'C') {
        (void)snprintf(name, sizeof name, "[C]:%s", function);
    } else {
        (void)snprintf(name, sizeof name, "%.*s:%s:%d", NAME_BYTES / 2, file, function,
                       info->linedefined);
    }
    return word(name);
}

/* ---- counting ---- */

struct lua { /* its part of a stack */
    uint32_t who, depth;
    int vmstate; /* 0: it is not known where it was */
    uint32_t frames[LUA_DEPTH];
};

static void look_at_lua(struct lua *lua, lua_State *L)
{
    lua_Debug info;
    while (lua->depth < LUA_DEPTH && lua_getstack(L, (int)lua->depth, &info) != 0 &&
           lua_getinfo(L, "nS", &info) != 0) {
        lua->frames[lua->depth++] = frame_of_lua(&info);
    }
}

/* What is within Lua is C that it has called, or else it is Lua that runs. */
static uint32_t add_c(const struct tick *tick, int vmstate, uint32_t *frames)
{
    uint32_t count = 0, depth = tick->depth;
    if (tick->is_inside && frame_of(tick->pcs[0])->is_hidden) {
        depth = vmstate == 'C' ? 1 : 0; /* what may be above it is stale */
    }
    for (uint32_t i = 0; i < depth; i++) {
        frames[count++] = frame_of(tick->pcs[i] - (i > 0))->frame;
    }
    return count;
}

static void count_tick(const struct tick *tick, const struct lua *lua)
{
    uint32_t frames[1 + C_DEPTH + LUA_DEPTH], count = 0;
    if (!tick->is_inside && frame_of(tick->pcs[0])->is_idle) {
        return;
    }
    bool is_known = tick->is_inside && lua->vmstate != 0 && lua->who == tick->who;
    if (is_known && (lua->vmstate == 'G' || lua->vmstate == 'J')) {
        frames[count++] = word(lua->vmstate == 'G' ? "[gc]" : "[jit]");
    } else {
        count = add_c(tick, lua->vmstate, frames);
    }
    if (is_known) {
        memcpy(frames + count, lua->frames, lua->depth * sizeof *frames);
        count += lua->depth;
    }
    on->ticks++;
    moon_stacks_add(on->stacks, tick->who, frames, count, 1);
}

static void settle(const struct lua *lua)
{
    uint32_t tail = atomic_load(&on->tail);
    for (; tail != atomic_load(&on->head); tail++) {
        struct tick tick = on->ring[tail % TICKS];
        atomic_store(&on->tail, tail + 1);
        count_tick(&tick, lua);
    }
}

static bool is_due(void)
{
    return on != NULL && atomic_load(&on->head) != atomic_load(&on->tail);
}

int moon_profiler_sample(lua_State *L, int vmstate)
{
    int own = asked;
    asked = 0;
    if (is_due()) {
        struct lua lua = {.who = turn->who, .vmstate = vmstate};
        look_at_lua(&lua, L);
        settle(&lua);
    }
    return own;
}

/* A function of its own, also with link-time optimization: its frame is the end of what
 * Lua's C functions are looked for in. */
__attribute__((noinline)) void moon_profiler_enter(void)
{
    static const struct lua none;
    if (is_due()) {
        settle(&none);
    }
    entry = (uintptr_t)__builtin_frame_address(0);
}

void moon_profiler_leave(void)
{
    static const struct lua none;
    entry = 0;
    if (is_due()) {
        settle(&none);
    }
}

/* ---- life ---- */

/* The handler stays: a signal may be on its way when the timer is gone. */
static bool start_timer(timer_t *timer)
{
    struct sigaction action = {.sa_sigaction = on_tick,
                               .sa_flags = SA_RESTART | SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
    struct itimerspec every = {{0, TICK_US * 1000L}, {0, TICK_US * 1000L}};
    event._sigev_un._tid = gettid(); /* sigev_notify_thread_id is not in this libc */
    sigfillset(&action.sa_mask);
    if (sigaction(SIGUSR2, &action, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, timer) != 0) {
        return false;
    }
    if (timer_settime(*timer, 0, &every, NULL) != 0) {
        timer_delete(*timer);
        return false;
    }
    return true;
}

static void forget(struct profile *profile)
{
    on = NULL;
    moon_stacks_destroy(profile->stacks);
    moon_symbols_destroy(profile->symbols);
    moon_free(profile);
}

int moon_profiler_start(const struct moon_turn *the_turn, uint32_t who)
{
    if (on != NULL) {
        return MOON_EFULL;
    }
    struct profile *profile = moon_alloc(sizeof *profile);
    profile->stacks = moon_stacks_create();
    profile->symbols = moon_symbols_read("/proc/self/exe");
    profile->who = who;
    moon_free(text);
    text = NULL;
    turn = the_turn;
    stack_top = moon_c_stack_top();
    on = profile;
    if (!start_timer(&profile->timer)) {
        forget(profile);
        return MOON_EINVAL;
    }
    return MOON_OK;
}

int moon_profiler_stop(struct moon_profile *profile)
{
    static const struct lua none;
    struct profile *ended = on;
    if (ended == NULL) {
        return MOON_EGONE;
    }
    timer_delete(ended->timer);
    settle(&none);
    text = moon_alloc(MOON_MAX_FOLDED_BYTES);
    uint64_t length = moon_stacks_write(ended->stacks, text, MOON_MAX_FOLDED_BYTES);
    text = moon_realloc(text, length + 1);
    *profile = (struct moon_profile){
        .folded = text,
        .length = length,
        .ticks = ended->ticks + ended->lost,
        .dropped = ended->lost + (uint32_t)moon_stacks_dropped(ended->stacks),
        .tick_us = TICK_US,
    };
    forget(ended);
    return MOON_OK;
}
