/* SPDX-License-Identifier: MIT */
#include "census.h"
#include "hash.h"
#include "mem.h"
#include <assert.h>
#include <string.h>

enum {
    FEWEST_PLACES = 64,
};

/* Empty when the count is 0. An address lies at its home or right behind, without a gap
 * in between. */
struct place {
    struct moon_address address;
    uint32_t count;
};

struct moon_census {
    struct place *places;
    uint32_t capacity, size; /* capacity: a power of two, at least twice the size */
    uint64_t seed;
};

static uint32_t home_of(const struct moon_census *census,
                        const struct moon_address *address)
{
    return (uint32_t)moon_hash(census->seed, address->bytes, sizeof *address) &
           (census->capacity - 1);
}

/* Where it is, or the empty place where it would be. */
static uint32_t find(const struct moon_census *census,
                     const struct moon_address *address)
{
    uint32_t at = home_of(census, address);
    while (census->places[at].count > 0 &&
           memcmp(&census->places[at].address, address, sizeof *address) != 0) {
        at = (at + 1) & (census->capacity - 1);
    }
    return at;
}

static void resize(struct moon_census *census, uint32_t capacity)
{
    struct place *old = census->places;
    uint32_t old_capacity = census->capacity;
    census->places = moon_alloc(capacity * sizeof *old);
    census->capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].count > 0) {
            census->places[find(census, &old[i].address)] = old[i];
        }
    }
    moon_free(old);
}

struct moon_census *moon_census_create(uint64_t seed)
{
    struct moon_census *census = moon_alloc(sizeof *census);
    census->seed = seed;
    resize(census, FEWEST_PLACES);
    return census;
}

void moon_census_destroy(struct moon_census *census)
{
    if (census != NULL) {
        moon_free(census->places);
    }
    moon_free(census);
}

uint32_t moon_census_add(struct moon_census *census, const struct moon_address *address)
{
    struct place *place = &census->places[find(census, address)];
    if (place->count > 0) {
        return ++place->count;
    }
    *place = (struct place){*address, 1};
    if (++census->size * 2 > census->capacity) {
        resize(census, census->capacity * 2);
    }
    return 1;
}

/* Moves those behind the gap into it that would not be found beyond it. */
static void close_gap(struct moon_census *census, uint32_t gap)
{
    uint32_t mask = census->capacity - 1;
    for (uint32_t at = (gap + 1) & mask; census->places[at].count > 0;
         at = (at + 1) & mask) {
        uint32_t home = home_of(census, &census->places[at].address);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            census->places[gap] = census->places[at];
            gap = at;
        }
    }
    census->places[gap].count = 0;
}

void moon_census_remove(struct moon_census *census, const struct moon_address *address)
{
    uint32_t at = find(census, address);
    assert(census->places[at].count > 0);
    if (--census->places[at].count > 0) {
        return;
    }
    close_gap(census, at);
    census->size--;
    if (census->capacity > FEWEST_PLACES && census->size * 8 < census->capacity) {
        resize(census, census->capacity / 2);
    }
}

uint32_t moon_census_count(const struct moon_census *census,
                           const struct moon_address *address)
{
    return census->places[find(census, address)].count;
}

uint32_t moon_census_size(const struct moon_census *census)
{
    return census->size;
}
