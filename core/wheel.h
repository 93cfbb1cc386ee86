/* wheel.h - deadlines of one thread, at O(1) each: a hashed timer wheel.
 *
 * A deadline lies in the slot of its tick and waits there, whole turns of the
 * wheel if it must. It is noticed at the first look after its time, up to one
 * tick (MOON_WHEEL_TICK_MS) late. Time is an argument; it must not go back.
 * Thread: the one that owns the wheel.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

enum {
    MOON_WHEEL_TICK_MS = 64,
};

/* Lives in the caller's memory, zeroed at first; must be cleared before it goes. */
struct moon_deadline {
    struct moon_deadline *next, *previous; /* NULL when not set */
    uint64_t due_ms;
    uint64_t owner; /* the caller's, for example a moon_conn_id */
};

struct moon_wheel;

struct moon_wheel *moon_wheel_create(uint64_t now_ms);

/* The deadlines still set are forgotten. */
void moon_wheel_destroy(struct moon_wheel *wheel);

/* Sets the deadline, or moves it. */
void moon_wheel_set(struct moon_wheel *wheel, struct moon_deadline *deadline,
                    uint64_t due_ms);

/* Fine when it is not set. */
void moon_wheel_clear(struct moon_deadline *deadline);

/* Takes one deadline that has passed out of the wheel, NULL when there is none
 * (left). */
struct moon_deadline *moon_wheel_next(struct moon_wheel *wheel, uint64_t now_ms);
