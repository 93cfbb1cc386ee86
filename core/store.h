/* store.h - the store: what scripts keep beyond the life of the process, on a thread of
 * its own.
 *
 * Writes that have arrived meanwhile are committed together, and answered after that;
 * so is a read that has seen one of them. When a commit fails all of its group have
 * failed, and nothing of it is there. Entries whose time is over are removed in the
 * background, a few at a time.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "config.h"
#include "lane.h"
#include "metrics.h"

struct moon_store;

/* Opens config->store. NULL on failure, with one line on stderr. */
struct moon_store *moon_store_create(const struct moon_config *config);

/* The lane takes MOON_STORE and gives MOON_STORED. Borrows all three. */
void moon_store_attach(struct moon_store *store, struct moon_lanes *lanes,
                       struct moon_wake *logic, struct moon_mirror *mirror);

/* After moon_store_attach(). The thread ends as a worker does. */
void moon_store_start(struct moon_store *store);

/* Waits for the thread, and closes the file. NULL is fine. */
void moon_store_destroy(struct moon_store *store);
