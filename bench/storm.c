/* SPDX-License-Identifier: MIT */
#include "storm.h"
#include "../core/mem.h"
#include "schedule.h"

/* It closes at once: so there is nothing to hear, or to say. */
static void opened(void *self, struct moon_client *client, uint64_t now_ns)
{
    struct moon_storm *storm = self;
    if (storm->meter->is_on) {
        storm->meter->upgrades++;
        moon_histogram_add(&storm->meter->latency, now_ns - client->begun_ns);
    }
    moon_crowd_close(storm->crowd, client);
}

static void ended(void *self, struct moon_client *client, bool was_open,
                  uint64_t now_ns)
{
    struct moon_storm *storm = self;
    (void)was_open;
    (void)now_ns;
    storm->free[storm->free_count++] = client->number;
}

static void start(void *self, uint64_t now_ns)
{
    struct moon_storm *storm = self;
    storm->is_blowing = true;
    storm->begun_ns = now_ns;
}

static void stop(void *self, uint64_t now_ns)
{
    struct moon_storm *storm = self;
    (void)now_ns;
    storm->is_blowing = false;
}

/* Each place is used once at most: one that is refused at once comes back here. */
static uint64_t due(void *self, uint64_t now_ns)
{
    struct moon_storm *storm = self;
    uint32_t rate = storm->options->connections_per_second;
    uint32_t places = storm->free_count;
    uint64_t next_ns = UINT64_MAX;
    for (; places > 0 && storm->is_blowing && !moon_crowd_is_hopeless(storm->crowd);
         places--) {
        next_ns =
            rate == 0 ? now_ns : moon_schedule_ns(storm->begun_ns, rate, storm->begun);
        if (next_ns > now_ns) {
            break;
        }
        storm->begun++;
        moon_crowd_begin(storm->crowd,
                         &storm->crowd->clients[storm->free[--storm->free_count]],
                         next_ns);
    }
    return next_ns;
}

static bool is_settled(void *self)
{
    const struct moon_storm *storm = self;
    return storm->free_count == storm->crowd->count;
}

struct moon_storm *moon_storm_create(const struct moon_bench_options *options,
                                     const struct moon_target *target,
                                     struct moon_meter *meter)
{
    struct moon_storm *storm = moon_alloc(sizeof *storm);
    const struct moon_scenario scenario = {
        .self = storm,
        .opened = opened,
        .ended = ended,
        .start = start,
        .stop = stop,
        .due = due,
        .is_settled = is_settled,
    };
    storm->options = options;
    storm->meter = meter;
    storm->crowd = moon_crowd_create(options, target, options->concurrency, &scenario);
    storm->free = moon_alloc(options->concurrency * sizeof *storm->free);
    while (storm->free_count < options->concurrency) {
        storm->free[storm->free_count] = storm->free_count;
        storm->free_count++;
    }
    return storm;
}

void moon_storm_destroy(struct moon_storm *storm)
{
    moon_crowd_destroy(storm->crowd);
    moon_free(storm->free);
    moon_free(storm);
}
