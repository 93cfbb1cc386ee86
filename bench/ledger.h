/* ledger.h - what each receiver has heard of each sender: nothing lost, nothing twice,
 * nothing out of order, or how much.
 *
 * A pair is one receiver with one sender; its messages carry sequence numbers from 0.
 * What is skipped counts as lost until it arrives after all: then it was reordered.
 * The ledger remembers 49,152 skipped messages; a later one that arrives late is taken
 * for a duplicate, and stays lost.
 * Thread: the one that owns the ledger.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_ledger {
    uint32_t *expected; /* pair -> the sequence number that comes next */
    uint64_t *skipped;  /* a hash set, NULL until the first is put in */
    uint32_t skipped_items;
    uint64_t lost, duplicated, reordered;
};

void moon_ledger_init(struct moon_ledger *ledger, uint64_t pairs);
void moon_ledger_fini(struct moon_ledger *ledger);

/* Writes one delivery down; returns by how much the pair has advanced, 0 for a
 * duplicate and for what comes late. */
uint32_t moon_ledger_write(struct moon_ledger *ledger, uint64_t pair,
                           uint32_t sequence);
