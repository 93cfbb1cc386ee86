/* shared.h - what all threads of the process have in common. Filled in before they
 * start, constant from then on; what the pointers lead to says itself who may touch it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "config.h"
#include "conn.h"
#include "governor.h"
#include "metrics.h"

struct moon_shared {
    const struct moon_config *config;
    struct moon_governor *governor; /* the logic thread reports last */
    struct moon_mirror
        *mirrors[MOON_MAX_THREADS + 2]; /* of the I/O threads, logic, the store */
    struct moon_mirror *fetch_mirror;   /* of the fetcher */
    double start_s;                     /* seconds since 1970 UTC */
};
