/* SPDX-License-Identifier: MIT */
#include "store.h"
#include "log.h"
#include "mem.h"
#include "store_sqlite.h"
#include "worker.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    GROUP_BYTES = 1 << 20, /* of answers that wait for the commit, until it comes */
    SWEEP_ENTRIES = 256,   /* in one step */
    SWEEP_MS = 1000,       /* between two steps, */
    SWEEP_AGAIN_MS = 10,   /* or when the last one may have left some */
    BURST_MS = 10000,      /* without a failure, and the next is news again */
};

struct moon_store {
    struct moon_worker worker;
    struct moon_sqlite *sqlite;
    uv_timer_t sweeper;
    struct moon_mirror *mirror; /* borrowed */
    struct moon_metrics metrics;
    const char *path; /* borrowed */
    char *held;       /* answers: struct moon_record, uint64_t length, bytes */
    uint64_t held_bytes, held_capacity;
    uint64_t failures, failed_ms; /* of the burst under way, uv_now() */
    bool is_attached;
};

/* ---- failures: a line for each burst ---- */

static void note_failure(struct moon_store *store)
{
    if (store->failures++ == 0) {
        moon_log(MOON_ERROR, "store", "%s: %s; scripts are told store_failed",
                 store->path, moon_sqlite_problem(store->sqlite));
    }
    store->failed_ms = uv_now(&store->worker.loop.uv);
}

static void note_success(struct moon_store *store)
{
    if (store->failures > 0 &&
        uv_now(&store->worker.loop.uv) >= store->failed_ms + BURST_MS) {
        moon_log(MOON_WARN, "store", "%s: works again, after %llu failures",
                 store->path, (unsigned long long)store->failures);
        store->failures = 0;
    }
}

/* ---- groups ---- */

static void hold(struct moon_store *store, const struct moon_record *record,
                 const char *bytes, uint64_t length)
{
    uint64_t need = store->held_bytes + sizeof *record + sizeof length + length;
    if (need > store->held_capacity) {
        store->held_capacity = need * 2;
        store->held = moon_realloc(store->held, store->held_capacity);
    }
    char *end = store->held + store->held_bytes;
    memcpy(end, record, sizeof *record);
    memcpy(end + sizeof *record, &length, sizeof length);
    if (length > 0) {
        memcpy(end + sizeof *record + sizeof length, bytes, length);
    }
    store->held_bytes = need;
}

/* Answers all that is held: as it is, or as failed. */
static void answer_group(struct moon_store *store, bool has_failed)
{
    struct moon_record record;
    uint64_t length = 0;
    for (uint64_t at = 0; at < store->held_bytes; at += length) {
        memcpy(&record, store->held + at, sizeof record);
        memcpy(&length, store->held + at + sizeof record, sizeof length);
        at += sizeof record + sizeof length;
        if (has_failed) {
            record.code = MOON_STORE_FAILED;
            record.reason = 0;
            store->metrics.store_failures++;
        }
        moon_worker_emit(&store->worker, &record, store->held + at,
                         has_failed ? 0 : length);
    }
    store->held_bytes = 0;
}

static void fail_group(struct moon_store *store)
{
    note_failure(store);
    moon_sqlite_rollback(store->sqlite);
    answer_group(store, true);
}

static void end_group(struct moon_store *store)
{
    if (!moon_sqlite_is_writing(store->sqlite)) {
        answer_group(store, false);
        return;
    }
    uint64_t start_ns = uv_hrtime();
    bool is_done = moon_sqlite_commit(store->sqlite);
    moon_metrics_observe(store->metrics.commit, MOON_COMMIT_BUCKETS,
                         &store->metrics.commit_us_sum, MOON_COMMIT_FIRST_US,
                         (uv_hrtime() - start_ns) / 1000);
    if (is_done) {
        note_success(store);
        answer_group(store, false);
    } else {
        fail_group(store);
    }
}

/* ---- the worker's calls ---- */

static uint64_t time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void obey(void *owner, const struct moon_record *record, const char *bytes,
                 uint64_t length)
{
    struct moon_store *store = owner;
    struct moon_sqlite_order order = {.operation = record->code, .now_ms = time_ms()};
    struct moon_sqlite_answer answer;
    (void)length; /* moon_gate_store() has added it up */
    memcpy(&order.query, bytes, sizeof order.query);
    order.bytes = bytes + sizeof order.query;
    moon_sqlite_obey(store->sqlite, &order, &answer);
    store->metrics.store_operations[record->code]++;
    const struct moon_record stored = {.kind = MOON_STORED,
                                       .code = (uint16_t)answer.outcome,
                                       .reason = answer.has_more,
                                       .subject = record->subject};
    hold(store, &stored, answer.bytes, answer.length);
    if (answer.outcome == MOON_STORE_FAILED) {
        fail_group(store);
    } else if (!moon_sqlite_is_writing(store->sqlite) ||
               store->held_bytes > GROUP_BYTES) {
        end_group(store);
    }
}

static void flush(void *owner)
{
    struct moon_store *store = owner;
    end_group(store);
    moon_mirror_publish(store->mirror, &store->metrics);
}

static bool is_done(void *owner)
{
    (void)owner;
    return true; /* the last turn has ended its group */
}

/* The transaction is ended by the flush that follows. */
static void sweep(uv_timer_t *sweeper)
{
    struct moon_store *store = sweeper->data;
    int swept = moon_sqlite_sweep(store->sqlite, time_ms(), SWEEP_ENTRIES);
    if (swept < 0) {
        fail_group(store);
    } else {
        store->metrics.store_expired += (uint64_t)swept;
    }
    uv_timer_start(sweeper, sweep, swept == SWEEP_ENTRIES ? SWEEP_AGAIN_MS : SWEEP_MS,
                   0);
}

/* ---- life ---- */

struct moon_store *moon_store_create(const struct moon_config *config)
{
    char problem[MOON_SQLITE_PROBLEM_BYTES];
    struct moon_sqlite *sqlite =
        moon_sqlite_open(config->store, config->store_sync, problem);
    if (sqlite == NULL) {
        (void)fprintf(stderr, "moongate: --store %s: %s\n", config->store, problem);
        return NULL;
    }
    struct moon_store *store = moon_alloc(sizeof *store);
    store->sqlite = sqlite;
    store->path = config->store;
    return store;
}

void moon_store_attach(struct moon_store *store, struct moon_lanes *lanes,
                       struct moon_wake *logic, struct moon_mirror *mirror)
{
    static const struct moon_worker_calls calls = {obey, flush, is_done};
    moon_worker_init(&store->worker, &calls, store, logic);
    moon_worker_attach(&store->worker, lanes);
    uv_timer_init(&store->worker.loop.uv, &store->sweeper);
    store->sweeper.data = store;
    store->mirror = mirror;
    store->is_attached = true;
}

void moon_store_start(struct moon_store *store)
{
    uv_timer_start(&store->sweeper, sweep, 0, 0);
    moon_worker_start(&store->worker);
}

void moon_store_destroy(struct moon_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->is_attached) {
        moon_worker_join(&store->worker);
        uv_close((uv_handle_t *)&store->sweeper, NULL);
        moon_worker_fini(&store->worker);
    }
    moon_sqlite_close(store->sqlite);
    moon_free(store->held);
    moon_free(store);
}
