/* options.h - the command line of `moongate bench`, read and checked.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum moon_bench_scenario {
    MOON_BENCH_ECHO = 0,
    MOON_BENCH_ROOM,
    MOON_BENCH_CHAT,
    MOON_BENCH_IDLE,
    MOON_BENCH_STORM,
    MOON_BENCH_SCENARIOS, /* how many there are */
};

enum {
    MOON_BENCH_PIDS = 16,
};

struct moon_bench_options {
    const char *url;
    const char *pids_text;
    uint32_t scenario; /* enum moon_bench_scenario */
    uint32_t dialect;  /* enum moon_dialect */
    uint32_t connections;
    uint32_t rooms;
    uint32_t members; /* of a room */
    uint32_t first_room;
    uint32_t in_flight; /* messages; 0 with a rate */
    uint32_t rate;      /* messages a second in all; 0: closed loop */
    uint32_t bytes;     /* of a payload */
    uint32_t duration_ms;
    uint32_t warmup_ms;
    uint32_t timeout_ms;
    uint32_t connect_rate;           /* connections a second, before the start */
    uint32_t connections_per_second; /* of a storm; 0: as fast as it goes */
    uint32_t concurrency;            /* of a storm */
    uint32_t source_addresses;
    uint32_t cpu; /* MOON_BENCH_ANY_CPU or the one to run on */
    uint32_t pids[MOON_BENCH_PIDS];
    uint32_t pid_count;
    uint32_t is_binary, is_json, is_quiet; /* 0 or 1 */
};

enum {
    MOON_BENCH_ANY_CPU = 1024,
};

enum moon_bench_choice {
    MOON_BENCH_RUN,
    MOON_BENCH_DONE, /* help was asked for, and printed */
    MOON_BENCH_BAD,  /* what is wrong has been said */
};

/* argv[0] is "bench". The texts in *options are borrowed from argv. */
enum moon_bench_choice moon_bench_options_read(struct moon_bench_options *options,
                                               int argc, char **argv);

/* "echo" */
const char *moon_bench_scenario_name(uint32_t scenario);
