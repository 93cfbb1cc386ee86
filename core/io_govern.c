/* SPDX-License-Identifier: MIT */
#include "io_state.h"
#include "log.h"
#include <string.h>
#include <time.h>

enum {
    GOVERN_MS = 16,   /* between two looks for something to let go */
    REPORT_MS = 1000, /* between two lines in the log */
    LOOKS = 64, /* a turn that takes such a part of the budget is looked at midway */
    CULLS = 32, /* connections closed in one go */
    HEADERS_BYTES = 16384, /* that libwebsockets holds for each handshake */
};

static uint64_t held_bytes(const struct moon_io *io)
{
    return moon_pool_taken_bytes(io->post.pool) + io->post.in_flight_bytes +
           moon_ring_capacity_bytes(io->events) +
           moon_ring_capacity_bytes(io->commands) + io->overflow.capacity +
           (uint64_t)io->states[MOON_CONN_GREETING] * HEADERS_BYTES;
}

void moon_io_shed(struct moon_io *io, struct moon_conn *conn)
{
    uint64_t before = io->post.dropped_by[MOON_DROP_SHED];
    (void)moon_outbox_shed(&conn->outbox, &io->post);
    io->shed += io->post.dropped_by[MOON_DROP_SHED] - before;
}

static void shed_all(struct moon_io *io)
{
    uint32_t cursor = 0;
    struct moon_conn *conn = NULL;
    while ((conn = moon_conns_next(io->conns, &cursor)) != NULL) {
        moon_io_shed(io, conn);
    }
}

/* Those that hold the most, sorted, the most first. */
struct offenders {
    struct moon_conn *conns[CULLS];
    uint32_t count;
};

/* What a connection holds of what the budget counts. */
static uint64_t weight_of(const struct moon_conn *conn)
{
    return (uint64_t)moon_outbox_bytes(&conn->outbox) + conn->message.capacity;
}

static void consider(struct offenders *worst, struct moon_conn *conn)
{
    uint64_t bytes = weight_of(conn);
    uint32_t place = worst->count;
    while (place > 0 && weight_of(worst->conns[place - 1]) < bytes) {
        place--;
    }
    if (place == CULLS || bytes == 0) {
        return;
    }
    worst->count += worst->count < CULLS;
    for (uint32_t i = worst->count - 1; i > place; i--) {
        worst->conns[i] = worst->conns[i - 1];
    }
    worst->conns[place] = conn;
}

static void cull(struct moon_io *io, uint64_t excess_bytes)
{
    struct offenders worst = {.count = 0};
    uint64_t freed = 0;
    uint32_t cursor = 0;
    struct moon_conn *conn = NULL;
    while ((conn = moon_conns_next(io->conns, &cursor)) != NULL) {
        if (conn->state != MOON_CONN_CLOSING && !conn->is_doomed) {
            consider(&worst, conn);
        }
    }
    for (uint32_t i = 0; i < worst.count && freed < excess_bytes; i++) {
        conn = worst.conns[i];
        freed += weight_of(conn);
        moon_io_close_for(io, conn, MOON_OVERLOAD);
        if (conn->is_blocked || conn->state == MOON_CONN_GREETING) {
            moon_io_doom(io, conn); /* it would not read the Close in time */
        }
        io->culled++;
        io->metrics.culled++;
    }
}

static void report(struct moon_io *io, uint64_t now_ms)
{
    if (io->shed + io->culled == 0 || now_ms < io->reported_ms + REPORT_MS) {
        return;
    }
    const struct moon_governor *governor = io->shared->governor;
    moon_log(
        MOON_WARN, "governor",
        "memory is short (%llu of %llu MiB): dropped %llu volatile messages, closed "
        "%llu connections that held the most",
        (unsigned long long)moon_governor_held_bytes(governor) >> 20,
        (unsigned long long)moon_governor_budget_bytes(governor) >> 20,
        (unsigned long long)io->shed, (unsigned long long)io->culled);
    io->reported_ms = now_ms;
    io->shed = io->culled = 0;
}

static enum moon_pressure report_held(struct moon_io *io)
{
    struct moon_governor *governor = io->shared->governor;
    moon_governor_report(governor, io->number - 1, held_bytes(io));
    return moon_governor_pressure(governor);
}

void moon_io_look_at_memory(struct moon_io *io)
{
    io->is_shedding = report_held(io) >= MOON_SHED;
    io->look_at_bytes = moon_pool_taken_bytes(io->post.pool) +
                        moon_governor_budget_bytes(io->shared->governor) / LOOKS;
}

void moon_io_govern(struct moon_io *io)
{
    uint64_t now_ms = moon_io_now_ms(io);
    moon_io_look_at_memory(io);
    if (io->is_shedding && now_ms >= io->governed_ms + GOVERN_MS) {
        io->governed_ms = now_ms;
        shed_all(io);
        if (report_held(io) >= MOON_CULL) { /* although that is gone */
            cull(io, moon_governor_excess_bytes(io->shared->governor, held_bytes(io)));
        }
    }
    report(io, now_ms);
}

static void copy_flows(struct moon_metrics *metrics, const struct moon_post *post)
{
    memcpy(metrics->sent, post->sent, sizeof metrics->sent);
    memcpy(metrics->sent_bytes, post->sent_bytes, sizeof metrics->sent_bytes);
    memcpy(metrics->delivered, post->delivered, sizeof metrics->delivered);
    memcpy(metrics->delivered_bytes, post->delivered_bytes,
           sizeof metrics->delivered_bytes);
    memcpy(metrics->dropped, post->dropped, sizeof metrics->dropped);
    memcpy(metrics->dropped_bytes, post->dropped_bytes, sizeof metrics->dropped_bytes);
    memcpy(metrics->dropped_by, post->dropped_by, sizeof metrics->dropped_by);
    metrics->queued_bytes = 0;
    for (int i = 0; i < MOON_CLASSES; i++) {
        metrics->queued[i] = post->sent[i] - post->delivered[i] - post->dropped[i];
        metrics->queued_bytes +=
            post->sent_bytes[i] - post->delivered_bytes[i] - post->dropped_bytes[i];
    }
}

void moon_io_publish_metrics(struct moon_io *io)
{
    struct moon_metrics *metrics = &io->metrics;
    copy_flows(metrics, &io->post);
    metrics->greeting = io->states[MOON_CONN_GREETING];
    metrics->open = io->states[MOON_CONN_OPEN];
    metrics->closing = io->states[MOON_CONN_CLOSING];
    metrics->held_bytes = held_bytes(io);
    metrics->rooms = moon_roster_room_count(io->roster);
    metrics->accept_failures = io->acceptor.failures;
    metrics->events_ring_bytes = moon_ring_used_bytes(io->events);
    metrics->events_ring_capacity = moon_ring_capacity_bytes(io->events);
    metrics->commands_ring_bytes = moon_ring_used_bytes(io->commands);
    metrics->commands_ring_capacity = moon_ring_capacity_bytes(io->commands);
    moon_mirror_publish(io->shared->mirrors[io->number - 1], metrics);
}

void moon_io_note_turn(struct moon_io *io)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t idle_ns = uv_metrics_idle_time(&io->loop.uv);
    uint64_t busy_ns = now_ns - io->turn_ns - (idle_ns - io->idle_ns);
    moon_metrics_observe(io->metrics.turn, MOON_TURN_BUCKETS, &io->metrics.turn_us_sum,
                         MOON_TURN_FIRST_US, busy_ns / 1000);
    io->turn_ns = now_ns;
    io->idle_ns = idle_ns;
}

char *moon_io_metrics(struct moon_io *io, uint64_t *bytes)
{
    enum {
        TEXT_BYTES = 65536,
    };
    struct moon_metrics total, part;
    const struct moon_config *config = io->config;
    moon_io_publish_metrics(io);
    memset(&total, 0, sizeof total);
    for (uint32_t i = 0; i <= config->threads + 1; i++) {
        moon_mirror_read(io->shared->mirrors[i], &part);
        moon_metrics_add(&total, &part);
    }
    moon_mirror_read(io->shared->fetch_mirror, &part);
    moon_metrics_add(&total, &part);
    const struct moon_metrics_facts facts = {
        .version = MOONGATE_VERSION,
        .budget_bytes = moon_governor_budget_bytes(io->shared->governor),
        .start_s = io->shared->start_s,
        .tls_not_after_s = moon_ws_not_after_s(io->ws),
        .now_s = (int64_t)time(NULL),
        .max_connections = io->policy.max_connections,
        .threads = config->threads,
    };
    char *text = moon_alloc(TEXT_BYTES + io->report_bytes);
    *bytes = moon_metrics_render(&total, &facts, text, TEXT_BYTES);
    if (io->report_bytes > 0) {
        memcpy(text + *bytes, io->report, io->report_bytes);
        *bytes += io->report_bytes;
    }
    return text;
}
