/* SPDX-License-Identifier: MIT */
#include "memory.h"
#include "watchdog.h"

enum {
    LARGE = 1 << 20,          /* bytes; a smaller block may go into the reserve, */
    RESERVES = 8,             /* which is this part of the limit, */
    LEAST_RESERVE = 32 << 20, /* and lasts until compiled code can be interrupted */
};

static struct moon_heap heap;
static lua_Alloc allocate; /* LuaJIT's own */
static void *allocate_state;

static bool fits(double more)
{
    double bytes = heap.bytes + more;
    if (bytes <= heap.limit) {
        return true;
    }
    double reserve = heap.limit / RESERVES;
    reserve = reserve < LEAST_RESERVE ? LEAST_RESERVE : reserve;
    if (more >= LARGE || bytes > heap.limit + reserve) {
        return false;
    }
    moon_watchdog_interrupt();
    return true;
}

static void *count(void *unused, void *block, size_t before, size_t after)
{
    (void)unused;
    double more = (double)after - (double)before;
    if (more > 0 && !fits(more)) {
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
