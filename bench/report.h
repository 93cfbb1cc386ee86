/* report.h - what a run has come to: a table or one JSON object on stdout.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "meter.h"
#include <stdbool.h>
#include <stdint.h>

struct moon_report {
    const struct moon_meter *meter;
    uint32_t connections;                          /* asked for */
    uint32_t open;                                 /* at the end of the measured part */
    uint64_t lost, duplicated, reordered, corrupt; /* deliveries */
    uint64_t closed, refused; /* connections; refused: messages, too */
    uint64_t pings;           /* answered */
};

bool moon_report_has_errors(const struct moon_report *report);

/* As the options want it. */
void moon_report_print(const struct moon_report *report);
