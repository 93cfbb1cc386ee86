/* SPDX-License-Identifier: MIT */
#include "meter.h"
#include "process.h"
#include <stdio.h>
#include <string.h>

/* The memory of the server now. */
static void weigh(struct moon_meter *meter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < meter->options->pid_count; i++) {
        uint64_t rss_bytes = 0;
        if (moon_process_rss_bytes(&meter->servers[i], &rss_bytes)) {
            sum += rss_bytes;
        }
    }
    meter->rss_bytes = sum;
    meter->rss_max_bytes = sum > meter->rss_max_bytes ? sum : meter->rss_max_bytes;
}

bool moon_meter_init(struct moon_meter *meter, const struct moon_bench_options *options)
{
    memset(meter, 0, sizeof *meter);
    meter->options = options;
    for (uint32_t i = 0; i < options->pid_count; i++) {
        uint64_t cpu_ns = 0;
        meter->servers[i].pid = options->pids[i];
        if (!moon_process_cpu_ns(&meter->servers[i], &cpu_ns)) {
            (void)fprintf(stderr, "moongate bench: --pid %u: no such process\n",
                          options->pids[i]);
            return false;
        }
    }
    weigh(meter);
    meter->rss_before_bytes = meter->rss_bytes;
    return true;
}

void moon_meter_fini(struct moon_meter *meter)
{
    for (uint32_t i = 0; i < meter->options->pid_count; i++) {
        moon_process_fini(&meter->servers[i]);
    }
}

uint64_t moon_meter_server_cpu_ns(struct moon_meter *meter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < meter->options->pid_count; i++) {
        uint64_t cpu_ns = 0;
        if (moon_process_cpu_ns(&meter->servers[i], &cpu_ns)) {
            sum += cpu_ns;
        }
    }
    return sum;
}

/* As of the last look. */
static uint64_t main_cpu_ns(const struct moon_meter *meter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < meter->options->pid_count; i++) {
        sum += moon_process_main_cpu_ns(&meter->servers[i]);
    }
    return sum;
}

void moon_meter_look(struct moon_meter *meter)
{
    (void)moon_meter_server_cpu_ns(meter);
    weigh(meter);
}

void moon_meter_begin(struct moon_meter *meter, uint64_t now_ns)
{
    meter->is_on = true;
    meter->begun_ns = now_ns;
    meter->server_cpu_ns = moon_meter_server_cpu_ns(meter);
    meter->main_cpu_ns = main_cpu_ns(meter);
    meter->client_cpu_ns = moon_process_own_cpu_ns();
}

void moon_meter_end(struct moon_meter *meter, uint64_t now_ns)
{
    if (!meter->is_on) {
        return;
    }
    uint64_t server_cpu_ns = moon_meter_server_cpu_ns(meter);
    bool has_grown = server_cpu_ns > meter->server_cpu_ns; /* it may have gone */
    meter->is_on = false;
    meter->ended_ns = now_ns;
    meter->server_cpu_ns = has_grown ? server_cpu_ns - meter->server_cpu_ns : 0;
    meter->main_cpu_ns = has_grown ? main_cpu_ns(meter) - meter->main_cpu_ns : 0;
    meter->client_cpu_ns = moon_process_own_cpu_ns() - meter->client_cpu_ns;
    weigh(meter);
    meter->rss_end_bytes = meter->rss_bytes;
}
