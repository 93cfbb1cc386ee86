/* reach.h - where the fetches of scripts may go: to the public Internet, and to what
 * the operator names beside it.
 *
 * It judges addresses, not names: so a name that leads to this machine, now or at the
 * next look, opens no door. Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "address.h"

struct moon_reach {
    struct moon_networks refused; /* what is not public */
    struct moon_networks allowed; /* for all that */
    bool allows_all;
};

/* Reads the operator's list of networks, or "*" for all. False, with *bad pointing at
 * the element, when one is no network. */
bool moon_reach_parse(const char *text, struct moon_reach *reach, const char **bad);

bool moon_reach_has(const struct moon_reach *reach, const struct moon_address *address);
