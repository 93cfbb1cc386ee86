/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "clock.h"
#include "dialect.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    ENTRIES = 40,
    WHOLE = 0, /* decimals */
    TENTHS = 1,
    MILLIONTHS = 6,
};

/* One number of the report. */
struct entry {
    const char *group; /* the JSON object it stands in; NULL: the outer one */
    const char *key;
    double value; /* NAN: not known */
    int decimals;
};

struct list {
    const char *group; /* of what is added */
    uint32_t count;
    struct entry entries[ENTRIES];
};

static void add(struct list *list, const char *key, double value, int decimals)
{
    list->entries[list->count++] = (struct entry){list->group, key, value, decimals};
}

static double share(double value, double of)
{
    return of > 0 ? value / of : NAN;
}

static void add_load(struct list *list, const struct moon_report *report)
{
    const struct moon_bench_options *options = report->meter->options;
    bool is_storm = options->scenario == MOON_BENCH_STORM;
    add(list, "connections", report->connections, WHOLE);
    add(list, "rooms", options->rooms, WHOLE);
    add(list, "members", options->members, WHOLE);
    add(list, "in_flight", options->in_flight, WHOLE);
    add(list, "bytes", options->bytes, WHOLE);
    add(list, "rate", is_storm ? options->connections_per_second : options->rate,
        WHOLE);
}

static void add_counts(struct list *list, const struct moon_report *report)
{
    const struct moon_meter *meter = report->meter;
    double seconds = (double)(meter->ended_ns - meter->begun_ns) / MOON_NS_PER_S;
    double server_s = (double)meter->server_cpu_ns / MOON_NS_PER_S;
    double deliveries = (double)meter->deliveries, upgrades = (double)meter->upgrades;
    bool is_known = meter->options->pid_count > 0;
    double rss = is_known ? (double)meter->rss_end_bytes : NAN;
    double most = is_known ? (double)meter->rss_max_bytes : NAN;
    double before = is_known ? (double)meter->rss_before_bytes : NAN;
    add(list, "seconds", seconds, MILLIONTHS);
    add(list, "messages", (double)meter->messages, WHOLE);
    add(list, "deliveries", deliveries, WHOLE);
    add(list, "deliveries_per_second", share(deliveries, seconds), TENTHS);
    add(list, "server_cpu_seconds", is_known ? server_s : NAN, MILLIONTHS);
    add(list, "deliveries_per_cpu_second", share(deliveries, server_s), TENTHS);
    double main_s = (double)meter->main_cpu_ns / MOON_NS_PER_S;
    add(list, "main_thread_cpu_seconds", main_s > 0 ? main_s : NAN, MILLIONTHS);
    add(list, "messages_per_main_thread_cpu_second",
        share((double)meter->messages, main_s), TENTHS);
    add(list, "server_rss_bytes", rss, WHOLE);
    add(list, "server_rss_before_bytes", before, WHOLE);
    add(list, "server_rss_max_bytes", most, WHOLE);
    add(list, "rss_per_connection_bytes", share(rss - before, report->open), TENTHS);
    add(list, "client_cpu_seconds", (double)meter->client_cpu_ns / MOON_NS_PER_S,
        MILLIONTHS);
    add(list, "upgrades", upgrades, WHOLE);
    add(list, "upgrades_per_second", share(upgrades, seconds), TENTHS);
    add(list, "upgrades_per_cpu_second", share(upgrades, server_s), TENTHS);
    add(list, "pings_answered", (double)report->pings, WHOLE);
}

static void add_latency(struct list *list, const struct moon_histogram *histogram)
{
    static const char *const keys[] = {"p50", "p90", "p99", "p999", "max"};
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
    list->group = "latency_us";
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint64_t ns = moon_histogram_quantile(histogram, shares[i]);
        add(list, keys[i], histogram->total > 0 ? (double)ns / MOON_NS_PER_US : NAN,
            TENTHS);
    }
}

static void add_errors(struct list *list, const struct moon_report *report)
{
    list->group = "errors";
    add(list, "lost", (double)report->lost, WHOLE);
    add(list, "duplicated", (double)report->duplicated, WHOLE);
    add(list, "reordered", (double)report->reordered, WHOLE);
    add(list, "corrupt", (double)report->corrupt, WHOLE);
    add(list, "closed", (double)report->closed, WHOLE);
    add(list, "refused", (double)report->refused, WHOLE);
}

static void print_json(const struct list *list, const char *scenario,
                       const char *protocol)
{
    const char *group = NULL;
    printf("{\"scenario\":\"%s\",\"protocol\":\"%s\"", scenario, protocol);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        bool is_first = entry->group != group;
        if (is_first) {
            printf("%s,\"%s\":{", group == NULL ? "" : "}", entry->group);
            group = entry->group;
        }
        printf("%s\"%s\":", is_first ? "" : ",", entry->key);
        if (isnan(entry->value)) {
            printf("null");
        } else {
            printf("%.*f", entry->decimals, entry->value);
        }
    }
    printf("%s}\n", group == NULL ? "" : "}");
}

/* "deliveries_per_second" as "deliveries per second"; what is zero is left out. */
static void print_table(const struct list *list, const char *scenario,
                        const char *protocol)
{
    printf("%-28s %s\n%-28s %s\n", "scenario", scenario, "protocol", protocol);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        char name[64];
        (void)snprintf(name, sizeof name, "%s%s%s",
                       entry->group == NULL ? "" : entry->group,
                       entry->group == NULL ? "" : " ", entry->key);
        for (char *at = name; (at = strchr(at, '_')) != NULL;) {
            *at = ' ';
        }
        if (!isnan(entry->value) && entry->value != 0) {
            printf("%-28s %.*f\n", name, entry->decimals, entry->value);
        }
    }
}

bool moon_report_has_errors(const struct moon_report *report)
{
    return (report->lost | report->duplicated | report->reordered | report->corrupt |
            report->closed | report->refused) != 0;
}

void moon_report_print(const struct moon_report *report)
{
    const struct moon_bench_options *options = report->meter->options;
    struct list list = {.count = 0};
    add_load(&list, report);
    add_counts(&list, report);
    add_latency(&list, &report->meter->latency);
    add_errors(&list, report);
    const char *scenario = moon_bench_scenario_name(options->scenario);
    const char *protocol = moon_dialect_name(options->dialect);
    if (options->is_json != 0) {
        print_json(&list, scenario, protocol);
        return;
    }
    print_table(&list, scenario, protocol);
    if (!moon_report_has_errors(report)) {
        printf("%-28s none\n", "errors");
    }
}
