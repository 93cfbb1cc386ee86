/* histogram.h - latencies in cells that grow with the value: from a nanosecond to
 * centuries within 0.8 %, at the cost of one increment.
 *
 * Each power of two is cut into 128 steps; up to 255 every value has its own cell.
 * Thread: the one that owns the histogram.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

enum {
    MOON_HISTOGRAM_STEPS = 128,  /* of a power of two */
    MOON_HISTOGRAM_CELLS = 7424, /* 58 * MOON_HISTOGRAM_STEPS: all of 64 bits */
};

/* Zeroed is empty. */
struct moon_histogram {
    uint64_t counts[MOON_HISTOGRAM_CELLS];
    uint64_t total; /* values in all */
    uint64_t max_ns;
};

void moon_histogram_add(struct moon_histogram *histogram, uint64_t value_ns);

/* The value that `share` (0 to 1) of all values do not exceed; the upper end of its
 * cell, but never more than the highest value. 0 when there is none. */
uint64_t moon_histogram_quantile(const struct moon_histogram *histogram, double share);
