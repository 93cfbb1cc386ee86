/* SPDX-License-Identifier: MIT */
#include "histogram.h"

enum {
    STEP_BITS = 7, /* of MOON_HISTOGRAM_STEPS */
};

/* So that value >> shift is below 2 * MOON_HISTOGRAM_STEPS. */
static uint32_t shift_of(uint64_t value)
{
    uint32_t highest = 63 - (uint32_t)__builtin_clzll(value | MOON_HISTOGRAM_STEPS);
    return highest - STEP_BITS;
}

void moon_histogram_add(struct moon_histogram *histogram, uint64_t value_ns)
{
    uint32_t shift = shift_of(value_ns);
    histogram->counts[(uint64_t)shift * MOON_HISTOGRAM_STEPS + (value_ns >> shift)]++;
    histogram->total++;
    if (value_ns > histogram->max_ns) {
        histogram->max_ns = value_ns;
    }
}

/* The highest value that falls into the cell. */
static uint64_t top_of(uint32_t cell)
{
    uint32_t shift =
        cell < 2 * MOON_HISTOGRAM_STEPS ? 0 : cell / MOON_HISTOGRAM_STEPS - 1;
    uint64_t step = cell - (uint64_t)shift * MOON_HISTOGRAM_STEPS;
    return ((step + 1) << shift) - 1;
}

uint64_t moon_histogram_quantile(const struct moon_histogram *histogram, double share)
{
    double wanted = share * (double)histogram->total;
    uint64_t seen = 0;
    for (uint32_t cell = 0; cell < MOON_HISTOGRAM_CELLS; cell++) {
        seen += histogram->counts[cell];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t top = top_of(cell);
            return top < histogram->max_ns ? top : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
