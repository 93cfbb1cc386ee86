/* SPDX-License-Identifier: MIT */
#include "signals.h"
#include "../core/log.h"
#include "../core/mem.h"
#include "../core/thread.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    ENDED_WITHOUT_SCRIPT = 1, /* exit status */
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
};

struct moon_signals {
    pthread_t thread;
    sigset_t taken; /* blocked in all threads; this one waits for them */
    uint32_t grace_ms;
    uint64_t late_at_ns; /* of uv_hrtime(); UINT64_MAX: nobody has asked for the stop */
    uv_async_t call;     /* of the logic thread's loop, and so are these: */
    struct moon_signals_calls calls;
    void *owner;
    bool is_stopping;
    atomic_bool wants_renewal, wants_stop, wants_end;
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

static void give_grace(struct moon_signals *signals)
{
    if (is_late(signals)) {
        moon_log(MOON_ERROR, "signals",
                 "a script has not returned for %u ms: ended without it",
                 signals->grace_ms);
        end_process();
    }
    ask(signals);
    signals->late_at_ns = uv_hrtime() + (uint64_t)signals->grace_ms * NS_PER_MS;
}

static void stop(struct moon_signals *signals, int number)
{
    if (!atomic_exchange(&signals->wants_stop, true)) {
        moon_log(MOON_INFO, "moongate", "stopping on %s", strsignal(number));
        give_grace(signals);
        return;
    }
    moon_log(MOON_ERROR, "signals", "%s",
             is_late(signals)
                 ? "a script has not returned: ended without it, on a second signal"
                 : "ended on a second signal, before all was brought to its end");
    end_process();
}

/* The number of a signal, or -1: the grace is over, or something has interrupted. */
static int next_signal(const struct moon_signals *signals)
{
    if (signals->late_at_ns == UINT64_MAX) {
        return sigwaitinfo(&signals->taken, NULL);
    }
    uint64_t now_ns = uv_hrtime();
    uint64_t left_ms = signals->late_at_ns > now_ns
                           ? (signals->late_at_ns - now_ns) / NS_PER_MS + 1
                           : 0;
    struct timespec left = {(time_t)(left_ms / MS_PER_S),
                            (long)(left_ms % MS_PER_S * NS_PER_MS)};
    return sigtimedwait(&signals->taken, NULL, &left);
}

static void *run(void *argument)
{
    struct moon_signals *signals = argument;
    while (!atomic_load(&signals->wants_end)) {
        int number = next_signal(signals);
        if (number == SIGHUP) {
            atomic_store(&signals->wants_renewal, true);
            uv_async_send(&signals->call);
        } else if (number > 0) {
            stop(signals, number);
        } else if (uv_hrtime() >= signals->late_at_ns) {
            give_grace(signals);
        }
    }
    return NULL;
}

/* ---- life ---- */

struct moon_signals *moon_signals_create(uv_loop_t *logic, uint32_t grace_ms,
                                         const struct moon_signals_calls *calls,
                                         void *owner)
{
    struct moon_signals *signals = moon_alloc(sizeof *signals);
    signals->grace_ms = grace_ms;
    signals->late_at_ns = UINT64_MAX;
    signals->calls = *calls;
    signals->owner = owner;
    if (uv_async_init(logic, &signals->call, on_call) != 0) {
        moon_log(MOON_ERROR, "signals", "cannot start: out of descriptors");
        exit(2); /* before anything has started */
    }
    signals->call.data = signals;
    sigemptyset(&signals->taken);
    sigaddset(&signals->taken, SIGTERM);
    sigaddset(&signals->taken, SIGINT);
    sigaddset(&signals->taken, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals->taken, NULL);
    moon_thread_start(&signals->thread, run, signals, "signals");
    return signals;
}

static void free_signals(uv_handle_t *call)
{
    moon_free(call->data);
}

void moon_signals_destroy(struct moon_signals *signals)
{
    atomic_store(&signals->wants_end, true);
    pthread_kill(signals->thread, SIGHUP);
    pthread_join(signals->thread, NULL); /* one more signal waits for the end now */
    uv_close((uv_handle_t *)&signals->call, free_signals);
}
