/* SPDX-License-Identifier: MIT */
#include "keys.h"
#include <assert.h>
#include <string.h>

enum {
    FEWEST_PLACES = 32, /* the smallest buffer of a pool, just filled */
    SPARSE = 8,         /* places a key, where two would do */
};

static const uint32_t none = UINT32_MAX;

static uint32_t after(const struct moon_keys *keys, uint32_t place)
{
    return (place + 1) & (keys->capacity - 1);
}

static uint32_t home_of(const struct moon_keys *keys, uint64_t key)
{
    return (uint32_t)key & (keys->capacity - 1);
}

/* Where the key is, or the free place where it belongs. */
static uint32_t place_of(const struct moon_keys *keys, uint64_t key)
{
    uint32_t place = home_of(keys, key);
    while (keys->places[place].slot != none && keys->places[place].key != key) {
        place = after(keys, place);
    }
    return place;
}

static uint32_t buffer_bytes(uint32_t places)
{
    return places * (uint32_t)sizeof(struct moon_keyed);
}

static void grow(struct moon_keys *keys, struct moon_pool *pool)
{
    const struct moon_keys old = *keys;
    uint32_t bytes = 0;
    keys->capacity = old.capacity == 0 ? FEWEST_PLACES : old.capacity * 2;
    keys->places = (void *)moon_pool_take(pool, buffer_bytes(keys->capacity), &bytes);
    assert(bytes == buffer_bytes(keys->capacity)); /* and is given back as that */
    memset(keys->places, 0xff, bytes);             /* none everywhere */
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.places[i].slot != none) {
            keys->places[place_of(keys, old.places[i].key)] = old.places[i];
        }
    }
    moon_pool_give(pool, (char *)old.places, buffer_bytes(old.capacity));
}

void moon_keys_add(struct moon_keys *keys, struct moon_pool *pool, uint64_t key,
                   uint32_t slot)
{
    assert(slot != none && moon_keys_find(keys, key) == none);
    if (keys->count * 2 == keys->capacity) {
        grow(keys, pool);
    }
    keys->places[place_of(keys, key)] = (struct moon_keyed){key, slot};
    keys->count++;
}

uint32_t moon_keys_find(const struct moon_keys *keys, uint64_t key)
{
    return keys->count == 0 ? none : keys->places[place_of(keys, key)].slot;
}

/* Whether what is at `place` would still be found at `gap`, which lies before it: its
 * home is not between the two. */
static bool may_move(const struct moon_keys *keys, uint32_t place, uint32_t gap)
{
    uint32_t mask = keys->capacity - 1;
    uint32_t home = home_of(keys, keys->places[place].key);
    return ((place - home) & mask) >= ((place - gap) & mask);
}

void moon_keys_remove(struct moon_keys *keys, struct moon_pool *pool, uint64_t key)
{
    assert(moon_keys_find(keys, key) != none);
    uint32_t gap = place_of(keys, key);
    for (uint32_t place = after(keys, gap); keys->places[place].slot != none;
         place = after(keys, place)) {
        if (may_move(keys, place, gap)) {
            keys->places[gap] = keys->places[place];
            gap = place;
        }
    }
    keys->places[gap].slot = none;
    keys->count--;
    if (keys->count == 0) {
        moon_keys_clear(keys, pool);
    }
}

bool moon_keys_is_sparse(const struct moon_keys *keys)
{
    return keys->capacity > FEWEST_PLACES && keys->capacity / SPARSE >= keys->count;
}

void moon_keys_clear(struct moon_keys *keys, struct moon_pool *pool)
{
    moon_pool_give(pool, (char *)keys->places, buffer_bytes(keys->capacity));
    memset(keys, 0, sizeof *keys);
}
