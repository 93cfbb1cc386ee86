/* SPDX-License-Identifier: MIT */
#include "bench.h"
#include "clock.h"
#include "report.h"
#include "storm.h"
#include "talk.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    HAD_ERRORS = 1,
    BAD_START = 2,
    DESCRIPTORS = 32, /* beside the connections */
    LOOK_NS = 100 * MOON_NS_PER_MS,
    STEP_NS = MOON_NS_PER_MS, /* while connections are opened */
};

/* One run: connections are opened, put under load, measured, heard out and closed. */
struct run {
    const struct moon_bench_options *options;
    struct moon_meter *meter;
    struct moon_crowd *crowd;
    struct moon_talk *talk;   /* NULL for a storm */
    struct moon_storm *storm; /* otherwise NULL */
    uint32_t open;            /* at the end of the measured part */
    uint64_t lost;
    uint64_t look_ns; /* the next look around */
    uint64_t progress_ns;
    uint64_t told;        /* deliveries or upgrades, at the last line of progress */
    uint64_t told_cpu_ns; /* of the server, then */
};

static volatile sig_atomic_t is_interrupted;

/* What has been measured so far is still reported; the second one ends the process. */
static void on_interrupt(int number)
{
    is_interrupted = 1;
    (void)signal(number, SIG_DFL);
}

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "moongate bench: %s: %s\n", what, why);
    return BAD_START;
}

/* A line a second. */
static void tell(struct run *run, uint64_t now_ns)
{
    bool is_storm = run->storm != NULL;
    double seconds = (double)(now_ns - run->progress_ns) / MOON_NS_PER_S;
    uint64_t all = is_storm ? run->crowd->opened : run->meter->heard;
    uint64_t cpu_ns = moon_meter_server_cpu_ns(run->meter);
    uint64_t p99_ns = moon_histogram_quantile(&run->meter->latency, 0.99);
    (void)fprintf(stderr, "moongate bench: %u open, %.0f %s a second", run->crowd->open,
                  (double)(all - run->told) / seconds,
                  is_storm ? "upgrades" : "deliveries");
    if (p99_ns > 0) {
        (void)fprintf(stderr, ", p99 %.1f us", (double)p99_ns / MOON_NS_PER_US);
    }
    if (cpu_ns > run->told_cpu_ns) { /* else it is not known, or has ended */
        (void)fprintf(stderr, ", server %.0f %% of a CPU",
                      (double)(cpu_ns - run->told_cpu_ns) * 100 / MOON_NS_PER_S /
                          seconds);
    }
    (void)fputc('\n', stderr);
    run->told = all;
    run->told_cpu_ns = cpu_ns;
    run->progress_ns = now_ns;
}

static void look_around(struct run *run, uint64_t now_ns)
{
    run->look_ns = now_ns + LOOK_NS;
    moon_crowd_cull(run->crowd, now_ns);
    moon_meter_look(run->meter);
    if (run->options->is_quiet == 0 && now_ns >= run->progress_ns + MOON_NS_PER_S) {
        tell(run, now_ns);
    }
}

static uint64_t earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* One turn, which ends at `until_ns` at the latest; returns the time then. */
static uint64_t turn(struct run *run, uint64_t until_ns)
{
    const struct moon_scenario *scenario = &run->crowd->scenario;
    uint64_t now_ns = moon_clock_ns();
    uint64_t next_ns = scenario->due(scenario->self, now_ns);
    next_ns = earlier(next_ns, earlier(until_ns, run->look_ns));
    moon_crowd_turn(run->crowd, next_ns > now_ns ? next_ns - now_ns : 0);
    now_ns = moon_clock_ns();
    if (now_ns >= run->look_ns) {
        look_around(run, now_ns);
    }
    return now_ns;
}

/* A storm opens its connections while it blows. */
static void gather(struct run *run)
{
    uint64_t now_ns = moon_clock_ns();
    uint64_t since_ns = now_ns;
    while (run->talk != NULL && !is_interrupted &&
           moon_crowd_gather(run->crowd, since_ns, now_ns)) {
        now_ns = turn(run, now_ns + STEP_NS);
    }
}

static bool is_over(const struct run *run)
{
    return run->talk != NULL ? run->crowd->open == 0
                             : moon_crowd_is_hopeless(run->crowd);
}

static void hold(struct run *run, uint32_t for_ms)
{
    uint64_t now_ns = moon_clock_ns();
    uint64_t until_ns = now_ns + (uint64_t)for_ms * MOON_NS_PER_MS;
    while (now_ns < until_ns && !is_over(run) && !is_interrupted) {
        now_ns = turn(run, until_ns);
    }
}

/* Waits for what is on its way, as long as anything arrives. */
static void settle(struct run *run)
{
    const struct moon_scenario *scenario = &run->crowd->scenario;
    uint64_t patience_ns = (uint64_t)run->options->timeout_ms * MOON_NS_PER_MS;
    uint64_t now_ns = moon_clock_ns();
    uint64_t quiet_ns = now_ns, heard = run->meter->heard;
    while (now_ns < quiet_ns + patience_ns && !scenario->is_settled(scenario->self)) {
        now_ns = turn(run, quiet_ns + patience_ns);
        if (run->meter->heard != heard) {
            heard = run->meter->heard;
            quiet_ns = now_ns;
        }
    }
}

static void leave(struct run *run)
{
    run->crowd->is_leaving = true;
    for (uint32_t i = 0; i < run->crowd->count; i++) {
        moon_crowd_close(run->crowd, &run->crowd->clients[i]);
    }
    while (run->crowd->closing > 0) { /* moon_crowd_cull() ends those that do not */
        (void)turn(run, UINT64_MAX);
    }
}

static void go(struct run *run)
{
    const struct moon_scenario *scenario = &run->crowd->scenario;
    run->progress_ns = moon_clock_ns();
    run->look_ns = run->progress_ns + LOOK_NS;
    run->told_cpu_ns = moon_meter_server_cpu_ns(run->meter);
    gather(run);
    scenario->start(scenario->self, moon_clock_ns());
    hold(run, run->options->warmup_ms);
    moon_meter_begin(run->meter, moon_clock_ns());
    hold(run, run->options->duration_ms);
    moon_meter_end(run->meter, moon_clock_ns());
    run->open = run->crowd->open;
    scenario->stop(scenario->self, moon_clock_ns());
    settle(run);
    run->lost = run->talk != NULL ? moon_talk_lost(run->talk) : 0;
    leave(run);
}

/* What went wrong, in words. */
static void explain(const struct run *run)
{
    const struct moon_crowd *crowd = run->crowd;
    if (crowd->note[0] != '\0') {
        (void)fprintf(stderr, "moongate bench: at first: %s\n", crowd->note);
    }
    for (uint32_t i = 0; i < MOON_CROWD_CODES && crowd->codes[i].count > 0; i++) {
        (void)fprintf(stderr, "moongate bench: closed with %u: %u\n",
                      crowd->codes[i].code, crowd->codes[i].count);
    }
    if (run->talk != NULL && run->talk->unsent > 0) {
        (void)fprintf(stderr, "moongate bench: due and never sent: %llu\n",
                      (unsigned long long)run->talk->unsent);
    }
}

static int report(const struct run *run)
{
    const struct moon_talk *talk = run->talk;
    struct moon_report report = {
        .meter = run->meter,
        .connections = run->crowd->count,
        .open = run->open,
        .lost = run->lost,
        .closed = run->crowd->closed,
        .refused = run->crowd->refused,
        .pings = run->crowd->pings,
    };
    if (talk != NULL) {
        report.duplicated = talk->ledger.duplicated;
        report.reordered = talk->ledger.reordered;
        report.corrupt = talk->corrupt;
        report.refused += talk->refused;
    }
    explain(run);
    moon_report_print(&report);
    return moon_report_has_errors(&report) ? HAD_ERRORS : 0;
}

static int run_against(const struct moon_bench_options *options,
                       const struct moon_target *target, struct moon_meter *meter)
{
    struct run run = {.options = options, .meter = meter};
    if (options->scenario == MOON_BENCH_STORM) {
        run.storm = moon_storm_create(options, target, meter);
        run.crowd = run.storm->crowd;
    } else {
        run.talk = moon_talk_create(options, target, meter);
        run.crowd = run.talk->crowd;
    }
    go(&run);
    int status = report(&run);
    if (run.storm != NULL) {
        moon_storm_destroy(run.storm);
    } else {
        moon_talk_destroy(run.talk);
    }
    return status;
}

static bool has_descriptors(const struct moon_bench_options *options)
{
    struct rlimit limit;
    uint64_t needed = DESCRIPTORS + options->concurrency + options->connections;
    if (options->members > 0 && options->rooms > 0) {
        needed = DESCRIPTORS + (uint64_t)options->rooms * options->members;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return true;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= needed;
}

static bool bind_to_cpu(uint32_t cpu)
{
    cpu_set_t set;
    if (cpu == MOON_BENCH_ANY_CPU) {
        return true;
    }
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

int moon_bench_main(int argc, char **argv)
{
    static struct moon_meter meter; /* large */
    struct moon_bench_options options;
    struct moon_target target;
    const char *problem = NULL;
    enum moon_bench_choice choice = moon_bench_options_read(&options, argc, argv);
    if (choice != MOON_BENCH_RUN) {
        return choice == MOON_BENCH_DONE ? 0 : BAD_START;
    }
    if (!moon_target_find(&target, options.url, &problem)) {
        return complain(options.url, problem);
    }
    if (options.source_addresses > 1 && !target.is_loopback) {
        return complain("--source-addresses", "only for a server at 127.0.0.1");
    }
    if (!has_descriptors(&options)) {
        return complain("connections", "more than descriptors allowed (ulimit -n)");
    }
    if (!bind_to_cpu(options.cpu)) {
        return complain("--cpu", strerror(errno));
    }
    if (!moon_meter_init(&meter, &options)) {
        return BAD_START;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* of what OpenSSL writes */
    (void)signal(SIGINT, on_interrupt);
    int status = run_against(&options, &target, &meter);
    moon_meter_fini(&meter);
    return status;
}
