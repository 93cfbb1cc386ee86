/* fetch.h - the thread of outgoing HTTP requests, which the scripts call fetches. What
 * may take long in them (names, handshakes, slow servers) takes long here.
 *
 * A request waits until fewer than 64 are under way in all and 8 to its host; at most
 * 1024 wait. Connections are kept and used again. Certificates are always checked.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "lane.h"
#include "shared.h"

struct moon_fetcher;

/* `logic` is signalled when events wait. Exits on failure, which has been logged. */
struct moon_fetcher *moon_fetcher_create(const struct moon_shared *shared,
                                         struct moon_wake *logic);
void moon_fetcher_start(struct moon_fetcher *fetcher);

/* Waits for the thread, which ends by itself after MOON_STOP. */
void moon_fetcher_join(struct moon_fetcher *fetcher);
void moon_fetcher_destroy(struct moon_fetcher *fetcher);

/* The lane for the logic thread's side, which takes MOON_FETCH and MOON_ABORT_FETCH. */
void moon_fetcher_attach(struct moon_fetcher *fetcher, struct moon_lanes *lanes);
