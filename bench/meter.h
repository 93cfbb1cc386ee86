/* meter.h - the measured part of a run: what was counted between its beginning and its
 * end, and what the server and this process have used meanwhile.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "histogram.h"
#include "options.h"
#include "process.h"
#include <stdbool.h>
#include <stdint.h>

struct moon_meter {
    const struct moon_bench_options *options;
    bool is_on; /* counting */
    struct moon_process servers[MOON_BENCH_PIDS];
    uint64_t begun_ns, ended_ns;
    uint64_t messages, deliveries, upgrades; /* in the measured part */
    uint64_t heard;                          /* deliveries, measured or not */
    uint64_t server_cpu_ns, client_cpu_ns;   /* of the measured part, once it is over */
    uint64_t main_cpu_ns;      /* of the first thread of each server, the same part */
    uint64_t rss_before_bytes; /* before the first connection */
    uint64_t rss_bytes;        /* at the last look */
    uint64_t rss_end_bytes;    /* at the end of the measured part */
    uint64_t rss_max_bytes;
    struct moon_histogram latency;
};

/* Looks at the server as it is before the first connection; false, after saying why,
 * when one of its processes is not there. */
bool moon_meter_init(struct moon_meter *meter,
                     const struct moon_bench_options *options);

void moon_meter_fini(struct moon_meter *meter);

void moon_meter_begin(struct moon_meter *meter, uint64_t now_ns);

/* Fine when it has not begun. */
void moon_meter_end(struct moon_meter *meter, uint64_t now_ns);

/* Looks at the memory of the server, and at its threads, some of which may end. To be
 * called now and then. */
void moon_meter_look(struct moon_meter *meter);

/* CPU time of the server so far; 0 when no processes were named. */
uint64_t moon_meter_server_cpu_ns(struct moon_meter *meter);
