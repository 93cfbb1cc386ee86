/* storm.h - the scenario storm: connections that come, are upgraded, and go.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "crowd.h"
#include "meter.h"

struct moon_storm {
    const struct moon_bench_options *options;
    struct moon_crowd *crowd;
    struct moon_meter *meter;
    uint32_t *free; /* clients that may be begun */
    uint32_t free_count;
    bool is_blowing;
    uint64_t begun_ns; /* of the schedule */
    uint64_t begun;    /* connections */
};

/* Borrows all; the crowd is created here, and destroyed by moon_storm_destroy(). */
struct moon_storm *moon_storm_create(const struct moon_bench_options *options,
                                     const struct moon_target *target,
                                     struct moon_meter *meter);
void moon_storm_destroy(struct moon_storm *storm);
