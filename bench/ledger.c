/* SPDX-License-Identifier: MIT */
#include "ledger.h"
#include "../core/mem.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    SLOTS = 65536,
    MOST = SLOTS / 4 * 3, /* that are taken, with those that were */
};

/* What a slot holds that is no key: no pair has such numbers. */
static const uint64_t was_taken = UINT64_MAX;

void moon_ledger_init(struct moon_ledger *ledger, uint64_t pairs)
{
    *ledger =
        (struct moon_ledger){.expected = moon_alloc(pairs * sizeof *ledger->expected)};
}

void moon_ledger_fini(struct moon_ledger *ledger)
{
    moon_free(ledger->expected);
    moon_free(ledger->skipped);
}

static uint64_t key_of(uint64_t pair, uint32_t sequence)
{
    return (pair + 1) << 32 | sequence;
}

/* The slot with the key, or the free one where it would be. */
static uint64_t *slot_of(const struct moon_ledger *ledger, uint64_t key)
{
    uint64_t place = key * 0x9e3779b97f4a7c15u >> 48;
    while (ledger->skipped[place] != 0 && ledger->skipped[place] != key) {
        place = (place + 1) % SLOTS;
    }
    return &ledger->skipped[place];
}

static void skip(struct moon_ledger *ledger, uint64_t pair, uint32_t sequence)
{
    ledger->lost++;
    if (ledger->skipped == NULL) {
        ledger->skipped = moon_alloc(SLOTS * sizeof *ledger->skipped);
    }
    if (ledger->skipped_items < MOST) {
        ledger->skipped_items++;
        uint64_t key = key_of(pair, sequence);
        *slot_of(ledger, key) = key;
    }
}

static bool was_skipped(struct moon_ledger *ledger, uint64_t pair, uint32_t sequence)
{
    if (ledger->skipped == NULL) {
        return false;
    }
    uint64_t *slot = slot_of(ledger, key_of(pair, sequence));
    bool is_there = *slot != 0;
    if (is_there) {
        *slot = was_taken;
    }
    return is_there;
}

uint32_t moon_ledger_write(struct moon_ledger *ledger, uint64_t pair, uint32_t sequence)
{
    uint32_t expected = ledger->expected[pair];
    if (sequence == expected) {
        ledger->expected[pair] = expected + 1;
        return 1;
    }
    if (sequence > expected) {
        for (uint32_t skipped = expected; skipped < sequence; skipped++) {
            skip(ledger, pair, skipped);
        }
        ledger->expected[pair] = sequence + 1;
        return sequence + 1 - expected;
    }
    if (was_skipped(ledger, pair, sequence)) {
        ledger->reordered++;
        ledger->lost--;
    } else {
        ledger->duplicated++;
    }
    return 0;
}
