/* census.h - how many connections come from each address (or network prefix).
 *
 * Addresses are masked by the caller. Memory goes with the number of different
 * addresses at once; the hash is seeded, so that nobody can choose addresses that
 * collide.
 * Thread: the I/O thread that owns it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "address.h"

struct moon_census;

struct moon_census *moon_census_create(uint64_t seed);
void moon_census_destroy(struct moon_census *census);

/* One more; returns how many there are now. */
uint32_t moon_census_add(struct moon_census *census,
                         const struct moon_address *address);

/* One less. The address must have been added. */
void moon_census_remove(struct moon_census *census, const struct moon_address *address);

uint32_t moon_census_count(const struct moon_census *census,
                           const struct moon_address *address);

/* Different addresses counted now. */
uint32_t moon_census_size(const struct moon_census *census);
