/* SPDX-License-Identifier: MIT */
#include "governor.h"
#include "mem.h"
#include <assert.h>
#include <stdatomic.h>

enum {
    CACHE_LINE = 64,
    SHED_PERCENT = 80,
    CULL_PERCENT = 90,
    REFUSE_PERCENT = 95,
};

/* A product of two numbers of bytes does not fit into 64 bits. */
__extension__ typedef unsigned __int128 wide;

/* What one thread holds, a cache line apart from the others'. A number stands for
 * nothing but itself, so no order of memory is asked for. */
struct report {
    _Atomic uint64_t bytes;
    char apart[CACHE_LINE - sizeof(uint64_t)];
};

struct moon_governor {
    uint64_t budget_bytes;
    uint32_t threads;
    struct report *reports;
};

struct moon_governor *moon_governor_create(uint64_t budget_bytes, uint32_t threads)
{
    assert(budget_bytes > 0 && threads > 0);
    struct moon_governor *governor = moon_alloc(sizeof *governor);
    governor->budget_bytes = budget_bytes;
    governor->threads = threads;
    governor->reports = moon_alloc(threads * sizeof *governor->reports);
    return governor;
}

void moon_governor_destroy(struct moon_governor *governor)
{
    if (governor != NULL) {
        moon_free(governor->reports);
    }
    moon_free(governor);
}

void moon_governor_report(struct moon_governor *governor, uint32_t thread,
                          uint64_t held_bytes)
{
    assert(thread < governor->threads);
    atomic_store_explicit(&governor->reports[thread].bytes, held_bytes,
                          memory_order_relaxed);
}

uint64_t moon_governor_held_bytes(const struct moon_governor *governor)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < governor->threads; i++) {
        sum += atomic_load_explicit(&governor->reports[i].bytes, memory_order_relaxed);
    }
    return sum;
}

uint64_t moon_governor_budget_bytes(const struct moon_governor *governor)
{
    return governor->budget_bytes;
}

/* Rounded down, which a whole number of bytes over it does not notice. */
static uint64_t percent_of_budget(const struct moon_governor *governor,
                                  uint32_t percent)
{
    return (uint64_t)((wide)governor->budget_bytes * percent / 100);
}

enum moon_pressure moon_governor_pressure(const struct moon_governor *governor)
{
    uint64_t held = moon_governor_held_bytes(governor);
    if (held > percent_of_budget(governor, REFUSE_PERCENT)) {
        return MOON_REFUSE;
    }
    if (held > percent_of_budget(governor, CULL_PERCENT)) {
        return MOON_CULL;
    }
    return held > percent_of_budget(governor, SHED_PERCENT) ? MOON_SHED : MOON_CALM;
}

uint64_t moon_governor_excess_bytes(const struct moon_governor *governor,
                                    uint64_t held_bytes)
{
    uint64_t sum = moon_governor_held_bytes(governor);
    uint64_t limit = percent_of_budget(governor, CULL_PERCENT);
    if (sum <= limit) {
        return 0;
    }
    return (uint64_t)(((wide)(sum - limit) * held_bytes + sum - 1) / sum);
}
