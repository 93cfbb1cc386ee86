/* keys.h - an index: at which slot the message with a key is.
 *
 * Finding, adding and removing cost the same however many keys there are, on average.
 * Keys are hashes already (moon_key() in bindings/api.h) and are not hashed again. At
 * least half of the places are free. It does not know what lies at a slot. An index of
 * nothing is zeroed and holds no memory.
 * Thread: the owner's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "mem.h"
#include <stdbool.h>

struct moon_keyed {
    uint64_t key;
    uint32_t slot; /* UINT32_MAX: nothing is here */
};

/* The fields are keys.c's own, but for the count, which may be read. */
struct moon_keys {
    struct moon_keyed *places; /* from the pool */
    uint32_t capacity;         /* of places, a power of two, or 0 */
    uint32_t count;
};

/* Not for a key that is there. */
void moon_keys_add(struct moon_keys *keys, struct moon_pool *pool, uint64_t key,
                   uint32_t slot);

/* The slot, or UINT32_MAX. */
uint32_t moon_keys_find(const struct moon_keys *keys, uint64_t key);

/* Only for a key that is there. */
void moon_keys_remove(struct moon_keys *keys, struct moon_pool *pool, uint64_t key);

/* Whether a quarter of its memory would do. */
bool moon_keys_is_sparse(const struct moon_keys *keys);

/* Removes everything. */
void moon_keys_clear(struct moon_keys *keys, struct moon_pool *pool);
