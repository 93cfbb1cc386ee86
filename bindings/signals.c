/* SPDX-License-Identifier: MIT */
#include "signals.h"
#include "../core/log.h"
#include "../core/mem.h"
#include "../core/thread.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COUNT = 3,
    ENDED_WITHOUT_SCRIPT = 1, /* exit status */
};

static const int numbers[COUNT] = {SIGTERM, SIGINT, SIGHUP};

struct moon_signals {
    pthread_t thread;
    uv_loop_t loop; /* its own, and of these: */
    uv_signal_t handles[COUNT];
    uv_timer_t grace;
    uv_async_t end;
    uint32_t grace_ms;
    uv_async_t call; /* of the logic thread's loop, and so are these: */
    struct moon_signals_calls calls;
    void *owner;
    bool is_stopping;
    atomic_bool wants_renewal, wants_stop;
    atomic_uint asked, answered; /* whether the logic thread still turns */
};

/* ---- the logic thread ---- */

static void on_call(uv_async_t *call)
{
    struct moon_signals *signals = call->data;
    atomic_store(&signals->answered, atomic_load(&signals->asked));
    if (atomic_exchange(&signals->wants_renewal, false) && !signals->is_stopping) {
        signals->calls.renew(signals->owner);
    }
    if (atomic_load(&signals->wants_stop) && !signals->is_stopping) {
        signals->is_stopping = true;
        signals->calls.stop(signals->owner);
    }
}

/* ---- the thread of the signals ---- */

static bool is_late(struct moon_signals *signals)
{
    return atomic_load(&signals->answered) != atomic_load(&signals->asked);
}

/* Not exit(): what it would run is not safe beside a script that goes on. */
static void end_process(void)
{
    _exit(ENDED_WITHOUT_SCRIPT);
}

static void ask(struct moon_signals *signals)
{
    atomic_fetch_add(&signals->asked, 1);
    uv_async_send(&signals->call);
}

static void on_grace(uv_timer_t *grace)
{
    struct moon_signals *signals = grace->data;
    if (is_late(signals)) {
        moon_log(MOON_ERROR, "signals",
                 "a script has not returned for %u ms: ended without it",
                 signals->grace_ms);
        end_process();
    }
    ask(signals);
}

static void stop(struct moon_signals *signals, int number)
{
    if (!atomic_exchange(&signals->wants_stop, true)) {
        moon_log(MOON_INFO, "moongate", "stopping on %s", strsignal(number));
        uv_timer_start(&signals->grace, on_grace, signals->grace_ms, signals->grace_ms);
        ask(signals);
        return;
    }
    moon_log(MOON_ERROR, "signals", "%s",
             is_late(signals)
                 ? "a script has not returned: ended without it, on a second signal"
                 : "ended on a second signal, before all was brought to its end");
    end_process();
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct moon_signals *signals = handle->data;
    if (number == SIGHUP) {
        atomic_store(&signals->wants_renewal, true);
        uv_async_send(&signals->call);
    } else {
        stop(signals, number);
    }
}

static void on_end(uv_async_t *end)
{
    struct moon_signals *signals = end->data;
    uv_stop(&signals->loop);
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < COUNT; i++) {
        sigaddset(&set, numbers[i]);
    }
    pthread_sigmask(how, &set, NULL);
}

static void *run(void *argument)
{
    struct moon_signals *signals = argument;
    mask(SIG_UNBLOCK); /* here, and nowhere else */
    uv_run(&signals->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ---- life ---- */

static void check(int status)
{
    if (status != 0) {
        moon_log(MOON_ERROR, "signals", "cannot start: %s", uv_strerror(status));
        exit(2); /* out of descriptors or threads, before anything has started */
    }
}

static void init_loop(struct moon_signals *signals)
{
    check(uv_loop_init(&signals->loop));
    check(uv_async_init(&signals->loop, &signals->end, on_end));
    signals->end.data = signals;
    uv_timer_init(&signals->loop, &signals->grace);
    signals->grace.data = signals;
    for (int i = 0; i < COUNT; i++) {
        check(uv_signal_init(&signals->loop, &signals->handles[i]));
        signals->handles[i].data = signals;
        check(uv_signal_start(&signals->handles[i], on_signal, numbers[i]));
    }
}

struct moon_signals *moon_signals_create(uv_loop_t *logic, uint32_t grace_ms,
                                         const struct moon_signals_calls *calls,
                                         void *owner)
{
    struct moon_signals *signals = moon_alloc(sizeof *signals);
    signals->grace_ms = grace_ms;
    signals->calls = *calls;
    signals->owner = owner;
    check(uv_async_init(logic, &signals->call, on_call));
    signals->call.data = signals;
    init_loop(signals);
    mask(SIG_BLOCK);
    moon_thread_start(&signals->thread, run, signals, "signals");
    return signals;
}

static void free_signals(uv_handle_t *call)
{
    moon_free(call->data);
}

void moon_signals_destroy(struct moon_signals *signals)
{
    uv_async_send(&signals->end);
    pthread_join(signals->thread, NULL); /* one more signal waits for the end now */
    for (int i = 0; i < COUNT; i++) {
        uv_close((uv_handle_t *)&signals->handles[i], NULL);
    }
    uv_close((uv_handle_t *)&signals->grace, NULL);
    uv_close((uv_handle_t *)&signals->end, NULL);
    uv_run(&signals->loop, UV_RUN_DEFAULT);
    uv_loop_close(&signals->loop);
    uv_close((uv_handle_t *)&signals->call, free_signals);
}
