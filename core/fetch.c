/* SPDX-License-Identifier: MIT */
#include "fetch_state.h"
#include "log.h"
#include "mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_RUNNING_PER_HOST = 8,
    MAX_WAITING = 1024,
    MAX_WAITING_BYTES = 64 << 20, /* of what they send */
    PART_BYTES = 256 << 10,       /* of a body in one event: less than half a ring */
};

/* ---- the end of an errand ---- */

static void count_end(struct moon_errand *errand, enum moon_fetch_outcome outcome)
{
    struct moon_metrics *metrics = &errand->fetcher->metrics;
    metrics->fetched[outcome]++;
    moon_metrics_observe(metrics->fetch, MOON_FETCH_BUCKETS, &metrics->fetch_us_sum,
                         MOON_FETCH_FIRST_US, (uv_hrtime() - errand->begun_ns) / 1000);
    errand->fetcher->has_counted = true;
}

static void emit_failure(struct moon_errand *errand, enum moon_fetch_outcome outcome,
                         const char *text)
{
    const struct moon_record record = {
        .kind = MOON_FETCHED, .reason = outcome, .subject = errand->ticket};
    moon_worker_emit(&errand->fetcher->worker, &record, text, strlen(text));
}

static void emit_response(struct moon_errand *errand)
{
    const struct moon_record part = {.kind = MOON_ARRIVED, .subject = errand->ticket};
    struct moon_record record = {.kind = MOON_FETCHED, .subject = errand->ticket};
    struct moon_worker *worker = &errand->fetcher->worker;
    const char *body = errand->body.bytes;
    uint64_t left = errand->body.length;
    for (; left > PART_BYTES; left -= PART_BYTES, body += PART_BYTES) {
        moon_worker_emit(worker, &part, body, PART_BYTES);
    }
    char *url = NULL;
    long status = 0;
    curl_url_get(errand->target.url, CURLUPART_URL, &url, 0);
    curl_easy_getinfo(errand->easy, CURLINFO_RESPONSE_CODE, &status);
    record.code = (uint16_t)status;
    uint64_t url_bytes = strlen(url) + 1;
    uint64_t bytes = url_bytes + errand->head.length + 1 + left;
    char *whole = moon_alloc(bytes); /* zeroed: there is a NUL behind the head */
    memcpy(whole, url, url_bytes);
    if (errand->head.length > 0) {
        memcpy(whole + url_bytes, errand->head.bytes, errand->head.length);
    }
    if (left > 0) {
        memcpy(whole + bytes - left, body, left);
    }
    moon_worker_emit(worker, &record, whole, bytes);
    moon_free(whole);
    curl_free(url);
}

static void free_errand(uv_handle_t *deadline)
{
    struct moon_errand *errand = deadline->data;
    errand->fetcher->closing--;
    moon_errand_empty(errand);
    moon_free(errand);
}

static void stop_running(struct moon_errand *errand)
{
    struct moon_fetcher *fetcher = errand->fetcher;
    uint32_t i = 0;
    if (errand->easy == NULL) {
        fetcher->waiting_bytes -= errand->record_bytes;
        return;
    }
    moon_errand_detach(errand);
    while (fetcher->running[i] != errand) {
        i++;
    }
    fetcher->running[i] = fetcher->running[--fetcher->running_count];
    fetcher->has_room = true;
}

static void unlink_errand(struct moon_errand *errand)
{
    struct moon_fetcher *fetcher = errand->fetcher;
    *(errand->previous == NULL ? &fetcher->first : &errand->previous->next) =
        errand->next;
    *(errand->next == NULL ? &fetcher->last : &errand->next->previous) =
        errand->previous;
    fetcher->count--;
}

void moon_errand_end(struct moon_errand *errand, enum moon_fetch_outcome outcome,
                     const char *text)
{
    count_end(errand, outcome);
    if (outcome == MOON_FETCH_OK) {
        errand->fetcher->metrics.fetch_bytes[1] += errand->body.length;
        emit_response(errand);
    } else if (outcome != MOON_FETCH_ABORTED) {
        emit_failure(errand, outcome, text);
    }
    stop_running(errand);
    unlink_errand(errand);
    errand->fetcher->closing++;
    uv_close((uv_handle_t *)&errand->deadline, free_errand);
}

void moon_errand_wait(struct moon_errand *errand)
{
    stop_running(errand);
    errand->fetcher->waiting_bytes += errand->record_bytes;
}

/* ---- who has a turn ---- */

static bool has_turn(const struct moon_fetcher *fetcher,
                     const struct moon_errand *errand)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < fetcher->running_count; i++) {
        same += strcasecmp(fetcher->running[i]->target.host, errand->target.host) == 0;
    }
    return fetcher->running_count < MOON_MAX_RUNNING && same < MAX_RUNNING_PER_HOST;
}

/* While events wait for a full ring nobody begins: so what waits there is bounded by
 * what those under way bring. */
static void begin_some(struct moon_fetcher *fetcher)
{
    struct moon_errand *next = NULL;
    if (!fetcher->has_room || !moon_spill_is_empty(&fetcher->worker.overflow)) {
        return;
    }
    fetcher->has_room = false;
    for (struct moon_errand *errand = fetcher->first; errand != NULL; errand = next) {
        next = errand->next; /* it may end at once */
        if (errand->easy == NULL && has_turn(fetcher, errand)) {
            fetcher->waiting_bytes -= errand->record_bytes;
            fetcher->metrics.fetch_bytes[0] += errand->inquiry.body_length;
            fetcher->running[fetcher->running_count++] = errand;
            moon_errand_begin(errand);
        }
    }
}

/* ---- commands ---- */

static void on_deadline(uv_timer_t *deadline)
{
    struct moon_errand *errand = deadline->data;
    char text[64];
    (void)snprintf(text, sizeof text, "not done within %u ms%s",
                   errand->inquiry.limits.timeout_ms,
                   errand->easy == NULL ? ": it had to wait for others" : "");
    moon_errand_end(errand, MOON_FETCH_TIMEOUT, text);
}

/* The record is copied: the inquiry borrows from it. */
static struct moon_errand *add_errand(struct moon_fetcher *fetcher, uint64_t ticket,
                                      const char *bytes, uint64_t length)
{
    struct moon_errand *errand = moon_alloc(sizeof *errand);
    struct moon_fetch_limits limits;
    memcpy(&limits, bytes, sizeof limits);
    errand->record = moon_alloc(length);
    errand->record_bytes = length;
    memcpy(errand->record, bytes, length);
    (void)moon_inquiry_read(&errand->inquiry, &limits, errand->record + sizeof limits,
                            length - sizeof limits); /* gate_command.c has looked */
    errand->fetcher = fetcher;
    errand->ticket = ticket;
    errand->begun_ns = uv_hrtime();
    errand->previous = fetcher->last;
    *(fetcher->last == NULL ? &fetcher->first : &fetcher->last->next) = errand;
    fetcher->last = errand;
    fetcher->count++;
    fetcher->waiting_bytes += length;
    uv_timer_init(&fetcher->worker.loop.uv, &errand->deadline);
    errand->deadline.data = errand;
    uv_timer_start(&errand->deadline, on_deadline, limits.timeout_ms, 0);
    return errand;
}

static bool is_full(struct moon_fetcher *fetcher)
{
    begin_some(fetcher);
    return fetcher->count - fetcher->running_count > MAX_WAITING ||
           fetcher->waiting_bytes > MAX_WAITING_BYTES;
}

static void take_fetch(struct moon_fetcher *fetcher, uint64_t ticket, const char *bytes,
                       uint64_t length)
{
    struct moon_errand *errand = add_errand(fetcher, ticket, bytes, length);
    const char *problem = moon_target_init(&errand->target, errand->inquiry.url);
    fetcher->has_room = true;
    fetcher->has_counted = true;
    if (problem != NULL) {
        moon_errand_end(errand, MOON_FETCH_BAD_URL, problem);
    } else if (is_full(fetcher)) {
        moon_errand_end(errand, MOON_FETCH_FULL, "too many fetches wait");
    }
}

static void abort_fetch(struct moon_fetcher *fetcher, uint64_t ticket)
{
    struct moon_errand *errand = fetcher->first;
    while (errand != NULL && errand->ticket != ticket) {
        errand = errand->next;
    }
    if (errand != NULL) {
        moon_errand_end(errand, MOON_FETCH_ABORTED, "");
    }
}

static void obey(void *owner, const struct moon_record *record, const char *bytes,
                 uint64_t length)
{
    struct moon_fetcher *fetcher = owner;
    if (record->kind == MOON_FETCH) {
        uv_update_time(&fetcher->worker.loop.uv); /* its time begins now */
        take_fetch(fetcher, record->subject, bytes, length);
    } else if (record->kind == MOON_ABORT_FETCH) {
        abort_fetch(fetcher, record->subject);
    }
}

/* ---- the turn ---- */

static void flush(void *owner)
{
    struct moon_fetcher *fetcher = owner;
    while (fetcher->worker.is_stopping && fetcher->first != NULL) {
        moon_errand_end(fetcher->first, MOON_FETCH_ABORTED, "");
    }
    begin_some(fetcher);
    if (fetcher->has_counted) {
        fetcher->has_counted = false;
        fetcher->metrics.fetches_waiting = fetcher->count - fetcher->running_count;
        fetcher->metrics.fetches_running = fetcher->running_count;
        moon_mirror_publish(fetcher->mirror, &fetcher->metrics);
    }
}

static bool is_done(void *owner)
{
    const struct moon_fetcher *fetcher = owner;
    return fetcher->count == 0 && fetcher->closing == 0;
}

/* ---- life ---- */

struct moon_fetcher *moon_fetcher_create(const struct moon_shared *shared,
                                         struct moon_wake *logic)
{
    static const struct moon_worker_calls calls = {obey, flush, is_done};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        moon_log(MOON_ERROR, "fetch", "libcurl does not start");
        exit(2);
    }
    struct moon_fetcher *fetcher = moon_alloc(sizeof *fetcher);
    fetcher->config = shared->config;
    fetcher->mirror = shared->fetch_mirror;
    moon_worker_init(&fetcher->worker, &calls, fetcher, logic);
    moon_fetcher_open(fetcher);
    return fetcher;
}

void moon_fetcher_start(struct moon_fetcher *fetcher)
{
    moon_worker_start(&fetcher->worker);
}

void moon_fetcher_join(struct moon_fetcher *fetcher)
{
    moon_worker_join(&fetcher->worker);
}

void moon_fetcher_destroy(struct moon_fetcher *fetcher)
{
    moon_fetcher_close(fetcher);
    moon_worker_fini(&fetcher->worker);
    moon_free(fetcher);
    curl_global_cleanup();
}

void moon_fetcher_attach(struct moon_fetcher *fetcher, struct moon_lanes *lanes)
{
    moon_worker_attach(&fetcher->worker, lanes);
}
