/* hasher.h - hashes passwords on a thread of its own, one after the other, as each
 * takes long.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "lane.h"

struct moon_hasher;

struct moon_hasher *moon_hasher_create(struct moon_wake *logic);

/* The lane takes MOON_HASH and gives MOON_HASHED. */
void moon_hasher_attach(struct moon_hasher *hasher, struct moon_lanes *lanes);
void moon_hasher_start(struct moon_hasher *hasher);

/* Waits for the thread, which ends as a worker does. */
void moon_hasher_destroy(struct moon_hasher *hasher);
