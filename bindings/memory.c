/* SPDX-License-Identifier: MIT */
#include "memory.h"
#include "c_stack.h"
#include "watchdog.h"

enum {
    OVERDRAFT = 2, /* limits, and */
    MORE_OVERDRAFT =
        32 << 20,     /* bytes: so much is lent until whoever runs is aborted */
    SPEED = 200,      /* of the collector, in percent of what is allocated: LuaJIT's, */
    MAX_SPEED = 2000, /* and with this one a step takes some 20 us */
    MARKS = 16,       /* in what is left: at each the pace is another */
    LEAST_LEFT = 1 << 20, /* bytes */
    LARGE = 1 << 16,      /* bytes of a block */
    LARGEST = 1 << 26,    /* that counts */
};

static struct moon_heap heap;
static lua_State *state;
static double mark;            /* of heap.bytes: from there on the pace is another */
static double speed = SPEED;   /* in small steps */
static double hastens = LARGE; /* what a larger block changes the size of the steps */
static lua_Alloc allocate;     /* LuaJIT's own */
static void *allocate_state;

/* How much garbage there may be, in percent of the heap, before the collector begins.
 * A small heap stays small, so that it stays in the CPU's cache beside what the I/O
 * threads use: an echo of 16 messages in flight costs some 15 % less than with LuaJIT's
 * own 100 %. A large one would be marked too often for that.
 *
 * It has ended before the scripts have come to three quarters of the limit, or, when
 * they are there, to the limit: it begins when a third of what is left has been used,
 * and works so fast that it needs about half as much. */
static void pace(double bytes)
{
    double many = heap.limit * MOON_SOFT_PERCENT / 100;
    double left = (bytes < many * MOON_CALM_PERCENT / 100 ? many : heap.limit) - bytes;
    left = left < LEAST_LEFT ? LEAST_LEFT : left;
    double garbage = bytes / 20480; /* 100 % from 2 MB on */
    double space = left / bytes * 100 / 3;
    speed = bytes / left * SPEED;
    garbage = garbage > 100 ? 100 : garbage;
    garbage = garbage > space ? space : garbage;
    speed = speed < SPEED ? SPEED : speed;
    speed = speed > MAX_SPEED ? MAX_SPEED : speed;
    lua_gc(state, LUA_GCSETPAUSE, 100 + (int)garbage);
    lua_gc(state, LUA_GCSETSTEPMUL, (int)speed);
    mark = bytes < left ? many / 2 : bytes + left / MARKS;
    mark = mark > heap.limit ? heap.limit : mark;
}

void moon_memory_enter(void)
{
    heap.begun = heap.bytes;
    pace(heap.bytes);
}

/* LuaJIT makes a step for a block, whatever its size: for a large one it is a large
 * step. The next block, which comes after that, has small ones again. */
static void hasten(double more)
{
    bool is_large = more > LARGE;
    double blocks = is_large ? (more < LARGEST ? more : LARGEST) / 1024 : 1;
    hastens = is_large ? 0 : LARGE;
    lua_gc(state, LUA_GCSETSTEPMUL, (int)(speed * blocks));
}

/* What is refused comes back as an error: in the runtime, which then has lost what it
 * was about, or in compiled code, where LuaJIT before 2d8300c1 (June 2023) takes a
 * wrong frame for the one that failed, and ends the process. So hardly anything is. */
static bool is_granted(double more)
{
    double bytes = heap.bytes + more;
    if (bytes <= mark) {
        return true;
    }
    if (bytes <= heap.limit) {
        pace(bytes);
        return true;
    }
    moon_watchdog_interrupt();
    return bytes <= heap.limit * OVERDRAFT + MORE_OVERDRAFT ||
           moon_c_stack_is_compiled();
}

static void *count(void *unused, void *block, size_t before, size_t after)
{
    (void)unused;
    double more = (double)after - (double)before;
    if (more > 0 && !is_granted(more)) {
        return NULL;
    }
    void *result = allocate(allocate_state, block, before, after);
    if (result != NULL || after == 0) {
        heap.bytes += more;
        heap.allocated += more > 0 ? more : 0;
        if (more > hastens) {
            hasten(more);
        }
    }
    return result;
}

void moon_memory_watch(lua_State *L, uint64_t limit_bytes)
{
    state = L;
    heap.bytes = lua_gc(L, LUA_GCCOUNT, 0) * 1024.0 + lua_gc(L, LUA_GCCOUNTB, 0);
    heap.limit = mark = (double)limit_bytes;
    allocate = lua_getallocf(L, &allocate_state);
    lua_setallocf(L, count, NULL);
}

void moon_memory_leave(lua_State *L)
{
    lua_setallocf(L, allocate, allocate_state);
}

struct moon_heap *moon_memory_heap(void)
{
    return &heap;
}

bool moon_memory_is_over(void)
{
    return heap.bytes > heap.limit;
}
