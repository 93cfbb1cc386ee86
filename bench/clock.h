/* clock.h - nanoseconds since some moment in the past; never goes back.
 *
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

enum {
    MOON_NS_PER_US = 1000,
    MOON_NS_PER_MS = 1000000,
    MOON_NS_PER_S = 1000000000,
};

uint64_t moon_clock_ns(void);
