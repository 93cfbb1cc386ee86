/* SPDX-License-Identifier: MIT */
#include "certificate.h"
#include "command.h"
#include "gate_state.h"
#include "listen.h"
#include "log.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    EVENTS_PER_POST = 8, /* of the other threads between two of our own */
    TICK_MS = 250,
    TICKS_PER_LOOK = 4, /* at the certificate's files */
    WIND_UP_MS = 10000, /* for what scripts still store when nobody is connected */
};

/* ---- events of the logic thread itself ---- */

/* The queue may never be empty, when timers outrun the scripts: what has been taken is
 * closed up once it is half of it. */
static void make_room(struct moon_gate *gate)
{
    uint32_t count = gate->last_post - gate->first_post;
    if (gate->first_post >= count) {
        if (count > 0) {
            memmove(gate->posts, gate->posts + gate->first_post,
                    count * sizeof *gate->posts);
        }
        gate->first_post = 0;
        gate->last_post = count;
    }
    if (gate->last_post == gate->posts_capacity) {
        gate->posts_capacity =
            gate->posts_capacity == 0 ? 64 : gate->posts_capacity * 2;
        gate->posts =
            moon_realloc(gate->posts, gate->posts_capacity * sizeof *gate->posts);
    }
}

static void post(struct moon_gate *gate, const struct moon_event *event)
{
    if (gate->last_post == gate->posts_capacity) {
        make_room(gate);
    }
    gate->posts[gate->last_post++] = *event;
}

void moon_gate_post(struct moon_gate *gate, enum moon_event_kind kind, uint64_t subject)
{
    const struct moon_event event = {.kind = (uint16_t)kind, .subject = subject};
    post(gate, &event);
}

void moon_gate_post_bytes(struct moon_gate *gate, enum moon_event_kind kind,
                          uint64_t subject, const char *bytes, uint64_t length)
{
    char *copy = moon_alloc(length + 1);
    memcpy(copy, bytes, length);
    const struct moon_event event = {
        .kind = (uint16_t)kind, .subject = subject, .bytes = copy, .length = length};
    post(gate, &event);
}

/* ---- events ---- */

static bool take(struct moon_gate *gate, struct moon_event *event)
{
    if (!moon_lanes_next(&gate->lanes, event)) {
        return false;
    }
    gate->metrics.store_pending -= event->kind == MOON_STORED;
    gate->metrics.password_pending -= event->kind == MOON_HASHED;
    return true;
}

static void give_back(struct moon_gate *gate)
{
    moon_lanes_give_back(&gate->lanes);
    if (gate->lent != NULL) {
        moon_free((char *)gate->lent);
        gate->lent = NULL;
    }
}

bool moon_gate_next(struct moon_gate *gate, struct moon_event *event)
{
    give_back(gate);
    if (gate->lanes.spilling > 0 && !moon_lanes_drain(&gate->lanes)) {
        return false; /* the scripts produce faster than the others can take */
    }
    /* Neither may starve the other: a timer may keep the rings full all the time. */
    bool has_post = gate->first_post < gate->last_post;
    if (has_post && gate->since_post < EVENTS_PER_POST && take(gate, event)) {
        gate->since_post++;
        return true;
    }
    if (has_post) {
        gate->since_post = 0;
        *event = gate->posts[gate->first_post++];
        gate->lent = event->bytes;
        return true;
    }
    return take(gate, event);
}

/* ---- the turn ---- */

static void work(void *owner)
{
    struct moon_gate *gate = owner;
    gate->enter(gate->owner);
    give_back(gate);
}

/* Nobody is connected: the scripts are told. One who reads, then writes, asks the store
 * twice. But nobody may ask for ever. */
static bool is_settled(struct moon_gate *gate)
{
    uint64_t now_ms = uv_now(&gate->loop.uv);
    if (gate->ended_ms == 0) {
        gate->ended_ms = now_ms;
        moon_gate_post(gate, MOON_ENDED, 0);
    }
    bool is_quiet = gate->metrics.store_pending == 0 &&
                    gate->metrics.password_pending == 0 &&
                    gate->first_post == gate->last_post;
    return is_quiet || now_ms > gate->ended_ms + WIND_UP_MS;
}

/* Timers may go on firing for ever: only what the other threads have said counts. The
 * workers end last, or a script could not store what the last connection has said. */
static void end_threads(struct moon_gate *gate)
{
    struct moon_lanes *lanes = &gate->lanes;
    if (!gate->is_winding_up && moon_lanes_have_ended(lanes, gate->count) &&
        is_settled(gate)) {
        if (gate->metrics.store_pending > 0) {
            moon_log(MOON_WARN, "gate",
                     "stops, and the store has %u requests yet to answer",
                     (unsigned)gate->metrics.store_pending);
        }
        gate->is_winding_up = true;
        moon_gate_stop_workers(gate);
    }
    if (gate->is_winding_up && moon_lanes_have_ended(lanes, lanes->count)) {
        moon_loop_stop(&gate->loop);
    }
}

static void flush(void *owner)
{
    struct moon_gate *gate = owner;
    (void)moon_lanes_drain(&gate->lanes);
    moon_governor_report(gate->shared.governor, gate->count,
                         moon_lanes_spilled_bytes(&gate->lanes));
    end_threads(gate);
    moon_lanes_wake(&gate->lanes);
}

static bool has_work(void *owner)
{
    const struct moon_gate *gate = owner;
    /* While commands are spilling no events are taken. */
    bool has_posts = gate->first_post < gate->last_post && gate->lanes.spilling == 0;
    return has_posts || moon_lanes_have_work(&gate->lanes);
}

/* ---- life ---- */

void moon_gate_renew(struct moon_gate *gate)
{
    if (gate->certificate != NULL && moon_certificate_look(gate->certificate)) {
        moon_gate_renew_all(gate);
    }
}

static void on_tick(uv_timer_t *tick)
{
    struct moon_gate *gate = tick->data;
    gate->metrics.held_bytes = moon_lanes_spilled_bytes(&gate->lanes);
    moon_mirror_publish(gate->shared.mirrors[gate->count], &gate->metrics);
    gate->ticks++;
    if (gate->certificate != NULL && gate->ticks % TICKS_PER_LOOK == 0 &&
        moon_certificate_has_changed(gate->certificate)) {
        moon_gate_renew_all(gate);
    }
}

static void create_shared(struct moon_shared *shared, const struct moon_config *config)
{
    shared->config = config;
    shared->governor = moon_governor_create((uint64_t)config->memory_budget_mb << 20,
                                            config->threads + 1);
    for (uint32_t i = 0; i <= config->threads + 1; i++) {
        shared->mirrors[i] = moon_mirror_create();
    }
    shared->fetch_mirror = moon_mirror_create();
    shared->start_s = (double)time(NULL);
}

static void destroy_shared(struct moon_shared *shared)
{
    for (uint32_t i = 0; i <= shared->config->threads + 1; i++) {
        moon_mirror_destroy(shared->mirrors[i]);
    }
    moon_mirror_destroy(shared->fetch_mirror);
    moon_governor_destroy(shared->governor);
}

static struct moon_gate *create_gate(const struct moon_config *config)
{
    static const struct moon_loop_calls calls = {work, flush, has_work};
    struct moon_gate *gate = moon_alloc(sizeof *gate);
    gate->count = config->threads;
    create_shared(&gate->shared, config);
    moon_loop_init(&gate->loop, &calls, gate);
    uv_timer_init(&gate->loop.uv, &gate->tick);
    gate->tick.data = gate;
    if (uv_random(NULL, NULL, &gate->key_seed, sizeof gate->key_seed, 0, NULL) != 0) {
        gate->key_seed = uv_hrtime();
    }
    return gate;
}

/* Behind the lanes of the I/O threads. NULL is fine. */
static void attach_store(struct moon_gate *gate, struct moon_store *store)
{
    gate->store = store;
    if (store != NULL) {
        gate->store_lane = &gate->lanes.all[gate->lanes.count];
        moon_store_attach(store, &gate->lanes, gate->loop.wake,
                          gate->shared.mirrors[gate->count + 1]);
    }
}

struct moon_gate *moon_gate_create(const struct moon_config *config)
{
    int listeners[MOON_MAX_THREADS];
    uint32_t port = config->port;
    struct moon_certificate *certificate = NULL;
    struct moon_store *store = NULL;
    if (config->tls_cert != NULL) {
        certificate = moon_certificate_create(config->tls_cert, config->tls_key);
        if (certificate == NULL) {
            return NULL;
        }
    }
    if (config->store != NULL) {
        store = moon_store_create(config);
        if (store == NULL) {
            moon_certificate_destroy(certificate);
            return NULL;
        }
    }
    int failure = moon_listen(config->host, &port, listeners, config->threads);
    if (failure != 0) {
        (void)fprintf(stderr, "moongate: cannot listen on %s port %u: %s\n",
                      config->host, port, strerror(failure));
        moon_store_destroy(store);
        moon_certificate_destroy(certificate);
        return NULL;
    }
    struct moon_gate *gate = create_gate(config);
    gate->port = port;
    gate->certificate = certificate;
    for (uint32_t i = 0; i < gate->count; i++) {
        gate->ios[i] =
            moon_io_create(i + 1, &gate->shared, listeners[i], gate->loop.wake);
        moon_io_attach(gate->ios[i], &gate->lanes);
    }
    attach_store(gate, store);
    gate->fetcher = moon_fetcher_create(&gate->shared, gate->loop.wake);
    gate->fetch_lane = &gate->lanes.all[gate->lanes.count];
    moon_fetcher_attach(gate->fetcher, &gate->lanes);
    gate->hasher = moon_hasher_create(gate->loop.wake);
    gate->hash_lane = &gate->lanes.all[gate->lanes.count];
    moon_hasher_attach(gate->hasher, &gate->lanes);
    return gate;
}

void moon_gate_run(struct moon_gate *gate, void (*enter)(void *owner), void *owner)
{
    gate->enter = enter;
    gate->owner = owner;
    uv_timer_start(&gate->tick, on_tick, TICK_MS, TICK_MS);
    for (uint32_t i = 0; i < gate->count; i++) {
        moon_io_start(gate->ios[i]);
    }
    if (gate->store != NULL) {
        moon_store_start(gate->store);
    }
    moon_fetcher_start(gate->fetcher);
    moon_hasher_start(gate->hasher);
    moon_loop_run(&gate->loop);
    moon_fetcher_join(gate->fetcher);
    for (uint32_t i = 0; i < gate->count; i++) {
        moon_io_join(gate->ios[i]);
    }
}

void moon_gate_destroy(struct moon_gate *gate)
{
    for (uint32_t i = 0; i < gate->count; i++) {
        moon_io_destroy(gate->ios[i]);
    }
    moon_store_destroy(gate->store);
    moon_fetcher_destroy(gate->fetcher);
    moon_hasher_destroy(gate->hasher);
    moon_lanes_fini(&gate->lanes);
    uv_close((uv_handle_t *)&gate->tick, NULL);
    moon_gate_close_timers(gate);
    moon_loop_close(&gate->loop);
    moon_loop_fini(&gate->loop);
    destroy_shared(&gate->shared);
    moon_certificate_destroy(gate->certificate);
    while (gate->first_post < gate->last_post) {
        moon_free((char *)gate->posts[gate->first_post++].bytes);
    }
    moon_free(gate->posts);
    moon_free(gate);
}

uint32_t moon_gate_port(const struct moon_gate *gate)
{
    return gate->port;
}

uv_loop_t *moon_gate_loop(struct moon_gate *gate)
{
    return &gate->loop.uv;
}
