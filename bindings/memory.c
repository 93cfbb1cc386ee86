/* SPDX-License-Identifier: MIT */
#include "memory.h"
#include "c_stack.h"
#include "watchdog.h"

enum {
    OVERDRAFT = 2, /* limits, and */
    MORE_OVERDRAFT =
        32 << 20, /* bytes: so much is lent until whoever runs is aborted */
};

static struct moon_heap heap;
static lua_Alloc allocate; /* LuaJIT's own */
static void *allocate_state;

/* What is refused comes back as an error: in the runtime, which then has lost what it
 * was about, or in compiled code, where LuaJIT before 2d8300c1 (June 2023) takes a
 * wrong frame for the one that failed, and ends the process. So hardly anything is. */
static bool is_granted(double more)
{
    double bytes = heap.bytes + more;
    if (bytes <= heap.limit) {
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
    }
    return result;
}

void moon_memory_watch(lua_State *L, uint64_t limit_bytes)
{
    heap.bytes = lua_gc(L, LUA_GCCOUNT, 0) * 1024.0 + lua_gc(L, LUA_GCCOUNTB, 0);
    heap.limit = (double)limit_bytes;
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
