/* governor.h - the memory of the whole process that clients can make grow, against one
 * budget: outboxes, batches, rings, partial messages and requests.
 *
 * Each thread reports what it holds; each may ask how the sum stands. The numbers are
 * atomic and nothing else is shared; a sum may be a turn old.
 * Thread: any, each reporting under its own number.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_governor;

enum moon_pressure {
    MOON_CALM = 0,
    MOON_SHED,   /* over 80 %: volatile messages are dropped */
    MOON_CULL,   /* over 90 %: those that hold the most are closed */
    MOON_REFUSE, /* over 95 %: newcomers are refused */
};

/* `threads` is how many report, numbered from 0. Neither may be 0. */
struct moon_governor *moon_governor_create(uint64_t budget_bytes, uint32_t threads);
void moon_governor_destroy(struct moon_governor *governor);

/* Thread: the one with this number. */
void moon_governor_report(struct moon_governor *governor, uint32_t thread,
                          uint64_t held_bytes);

/* The sum of what was reported last. */
uint64_t moon_governor_held_bytes(const struct moon_governor *governor);
uint64_t moon_governor_budget_bytes(const struct moon_governor *governor);
enum moon_pressure moon_governor_pressure(const struct moon_governor *governor);

/* How many of its `held_bytes` a thread must let go so that all together come back to
 * 90 % if each lets go in proportion, rounded up; 0 when there is nothing to let go. */
uint64_t moon_governor_excess_bytes(const struct moon_governor *governor,
                                    uint64_t held_bytes);
