/* SPDX-License-Identifier: MIT */
#include "worker.h"
#include "log.h"
#include "thread.h"
#include <stdlib.h>
#include <string.h>

enum {
    RING_BYTES = 1 << 21, /* each way: half of it holds a swap of two long values */
    TURN_BYTES = 1 << 20, /* of commands, */
    TURN_COMMANDS = 1024, /* and so many, before what they have brought goes out */
};

void moon_worker_emit(struct moon_worker *worker, const struct moon_record *record,
                      const char *bytes, uint64_t length)
{
    (void)moon_spill_push(&worker->overflow, worker->events, record, sizeof *record,
                          bytes, length, true);
    worker->has_emitted = true;
}

static void obey(struct moon_worker *worker, const char *bytes, uint64_t length)
{
    struct moon_record record;
    memcpy(&record, bytes, sizeof record);
    if (record.kind == MOON_STOP) {
        worker->is_stopping = true;
    } else {
        worker->calls.obey(worker->owner, &record, bytes + sizeof record,
                           length - sizeof record);
    }
}

static bool may_obey(const struct moon_worker *worker)
{
    return moon_spill_is_empty(&worker->overflow) ||
           moon_ring_has_wish(worker->commands);
}

static void work(void *owner)
{
    struct moon_worker *worker = owner;
    uint64_t length = 0, total = 0;
    const char *bytes = NULL;
    for (int i = 0; i < TURN_COMMANDS && total < TURN_BYTES && may_obey(worker) &&
                    (bytes = moon_ring_peek(worker->commands, &length)) != NULL;
         i++) {
        obey(worker, bytes, length);
        total += length;
        moon_ring_release(worker->commands);
    }
    if (moon_ring_take_wish(worker->commands)) {
        worker->has_emitted = true; /* the logic thread waits for room: there is some */
    }
}

static void flush(void *owner)
{
    struct moon_worker *worker = owner;
    bool was_full = false;
    do {
        was_full = !moon_spill_is_empty(&worker->overflow);
        worker->calls.flush(worker->owner);
        (void)moon_spill_drain(&worker->overflow, worker->events);
    } while (was_full && moon_spill_is_empty(&worker->overflow));
    if (worker->has_emitted) {
        worker->has_emitted = false;
        moon_wake_signal(worker->logic);
    }
    if (worker->is_stopping && moon_ring_is_empty(worker->commands) &&
        moon_spill_is_empty(&worker->overflow) &&
        worker->calls.is_done(worker->owner)) {
        moon_loop_stop(&worker->loop);
    }
}

static bool has_work(void *owner)
{
    struct moon_worker *worker = owner;
    bool can_drain =
        !moon_spill_is_empty(&worker->overflow) && !moon_ring_has_wish(worker->events);
    return can_drain || (may_obey(worker) && !moon_ring_is_empty(worker->commands));
}

void moon_worker_init(struct moon_worker *worker, const struct moon_worker_calls *calls,
                      void *owner, struct moon_wake *logic)
{
    static const struct moon_loop_calls turn = {work, flush, has_work};
    memset(worker, 0, sizeof *worker);
    worker->calls = *calls;
    worker->owner = owner;
    worker->logic = logic;
    worker->events = moon_ring_create(RING_BYTES);
    worker->commands = moon_ring_create(RING_BYTES);
    moon_spill_init(&worker->overflow, 0);
    moon_loop_init(&worker->loop, &turn, worker);
}

static void *run(void *argument)
{
    struct moon_worker *worker = argument;
    moon_loop_run(&worker->loop);
    atomic_store(&worker->has_ended, true);
    moon_wake_signal(worker->logic);
    return NULL;
}

void moon_worker_start(struct moon_worker *worker)
{
    moon_thread_start(&worker->thread, run, worker, "worker");
    worker->is_started = true;
}

void moon_worker_join(struct moon_worker *worker)
{
    if (worker->is_started) {
        pthread_join(worker->thread, NULL);
    }
}

void moon_worker_fini(struct moon_worker *worker)
{
    moon_loop_close(&worker->loop);
    moon_loop_fini(&worker->loop);
    moon_spill_fini(&worker->overflow);
    moon_ring_destroy(worker->commands);
    moon_ring_destroy(worker->events);
}

void moon_worker_attach(struct moon_worker *worker, struct moon_lanes *lanes)
{
    moon_lanes_add(lanes, worker->events, worker->commands, worker->loop.wake,
                   &worker->has_ended);
}
