/* worker.h - a thread that does what may take long for the scripts, and answers: the
 * store, outgoing HTTP, hashes of passwords.
 *
 * It takes the logic thread's commands in order and emits events. While events wait for
 * a full ring it takes no commands, so what waits is bounded by what one turn emits;
 * unless the logic thread waits for room, too: then it takes no events, and each would
 * wait for the other.
 *
 * Thread: create, start, join and destroy from the logic thread; the rest is for the
 * worker's own.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "command.h"
#include "lane.h"
#include "loop.h"
#include <pthread.h>

/* `bytes` is borrowed for the call. After a MOON_STOP the thread ends as soon as
 * is_done says so; `flush` comes once a turn, after its commands, and again when the
 * events that waited have found room. */
struct moon_worker_calls {
    void (*obey)(void *owner, const struct moon_record *record, const char *bytes,
                 uint64_t length);
    void (*flush)(void *owner);
    bool (*is_done)(void *owner);
};

struct moon_worker {
    struct moon_loop loop; /* for further handles; closed when the thread has ended */
    struct moon_ring *events, *commands;
    struct moon_spill overflow; /* events that found the ring full */
    struct moon_wake *logic;    /* borrowed */
    struct moon_worker_calls calls;
    void *owner;
    pthread_t thread;
    atomic_bool has_ended;
    bool has_emitted, is_stopping, is_started;
};

/* `logic` wakes the logic thread. */
void moon_worker_init(struct moon_worker *worker, const struct moon_worker_calls *calls,
                      void *owner, struct moon_wake *logic);
void moon_worker_start(struct moon_worker *worker);
void moon_worker_join(struct moon_worker *worker);

/* The owner has closed its own handles. */
void moon_worker_fini(struct moon_worker *worker);

/* The lane for the logic thread's side. */
void moon_worker_attach(struct moon_worker *worker, struct moon_lanes *lanes);

/* Tells the logic thread. Never refused. */
void moon_worker_emit(struct moon_worker *worker, const struct moon_record *record,
                      const char *bytes, uint64_t length);
