/* process.h - what a process has used so far: CPU time and memory, as /proc says.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct moon_process_thread {
    uint32_t id;
    uint64_t cpu_ns; /* when it was last looked at */
};

/* With `pid` set and the rest zeroed it is ready. */
struct moon_process {
    uint32_t pid;
    uint32_t count, capacity;            /* of threads */
    struct moon_process_thread *threads; /* seen so far, also those that have ended */
};

void moon_process_fini(struct moon_process *process);

/* CPU time of all its threads, in nanoseconds; false when there is no such process.
 * What a thread used between the last look and its end is missed: look now and then. */
bool moon_process_cpu_ns(struct moon_process *process, uint64_t *cpu_ns);

/* Of the thread that began it, at the last look; 0: not known. In moongate it is the
 * logic thread. */
uint64_t moon_process_main_cpu_ns(const struct moon_process *process);

bool moon_process_rss_bytes(const struct moon_process *process, uint64_t *rss_bytes);

/* CPU time of this process. */
uint64_t moon_process_own_cpu_ns(void);
