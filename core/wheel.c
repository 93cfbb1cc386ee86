/* SPDX-License-Identifier: MIT */
#include "wheel.h"
#include "mem.h"
#include <stddef.h>

enum {
    SLOTS = 512, /* a turn takes 32 s, longer than the usual heartbeat */
};

struct moon_wheel {
    struct moon_deadline slots[SLOTS]; /* rings with a head */
    struct moon_deadline passing;      /* the slot being looked through */
    uint64_t tick; /* all slots up to this one have been looked through */
};

static void make_ring(struct moon_deadline *head)
{
    head->next = head;
    head->previous = head;
}

static void insert(struct moon_deadline *head, struct moon_deadline *deadline)
{
    deadline->next = head;
    deadline->previous = head->previous;
    head->previous->next = deadline;
    head->previous = deadline;
}

struct moon_wheel *moon_wheel_create(uint64_t now_ms)
{
    struct moon_wheel *wheel = moon_alloc(sizeof *wheel);
    wheel->tick = now_ms / MOON_WHEEL_TICK_MS;
    for (int i = 0; i < SLOTS; i++) {
        make_ring(&wheel->slots[i]);
    }
    make_ring(&wheel->passing);
    return wheel;
}

void moon_wheel_destroy(struct moon_wheel *wheel)
{
    moon_free(wheel);
}

void moon_wheel_clear(struct moon_deadline *deadline)
{
    if (deadline->next != NULL) {
        deadline->next->previous = deadline->previous;
        deadline->previous->next = deadline->next;
        deadline->next = NULL;
        deadline->previous = NULL;
    }
}

void moon_wheel_set(struct moon_wheel *wheel, struct moon_deadline *deadline,
                    uint64_t due_ms)
{
    moon_wheel_clear(deadline);
    deadline->due_ms = due_ms;
    uint64_t tick =
        due_ms / MOON_WHEEL_TICK_MS + 1; /* the first tick that is not early */
    if (tick <= wheel->tick) {
        tick = wheel->tick + 1;
    }
    insert(&wheel->slots[tick % SLOTS], deadline);
}

/* Moves the next slot that time has reached into `passing`. */
static int turn(struct moon_wheel *wheel, uint64_t now_ms)
{
    if (wheel->tick >= now_ms / MOON_WHEEL_TICK_MS) {
        return 0;
    }
    wheel->tick++;
    struct moon_deadline *slot = &wheel->slots[wheel->tick % SLOTS];
    if (slot->next != slot) {
        wheel->passing = *slot;
        wheel->passing.next->previous = &wheel->passing;
        wheel->passing.previous->next = &wheel->passing;
        make_ring(slot);
    }
    return 1;
}

struct moon_deadline *moon_wheel_next(struct moon_wheel *wheel, uint64_t now_ms)
{
    do {
        while (wheel->passing.next != &wheel->passing) {
            struct moon_deadline *first = wheel->passing.next;
            moon_wheel_clear(first);
            if (first->due_ms <= now_ms) {
                return first;
            }
            moon_wheel_set(wheel, first, first->due_ms); /* for a later turn */
        }
    } while (turn(wheel, now_ms));
    return NULL;
}
