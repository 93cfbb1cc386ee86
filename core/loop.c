/* SPDX-License-Identifier: MIT */
#include "loop.h"
#include "log.h"
#include <stdlib.h>

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct moon_loop *loop = poll->data;
    (void)status, (void)events;
    moon_wake_clear(loop->wake); /* the work itself is done in on_check() */
}

static void on_check(uv_check_t *check)
{
    struct moon_loop *loop = check->data;
    moon_wake_disarm(loop->wake);
    loop->calls.work(loop->owner);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct moon_loop *loop = prepare->data;
    loop->calls.flush(loop->owner);
    moon_wake_arm(loop->wake);
    if (loop->calls.has_work(loop->owner)) {
        moon_wake_disarm(loop->wake);
        uv_idle_start(&loop->idle, on_idle);
    } else {
        uv_idle_stop(&loop->idle);
    }
}

void moon_loop_init(struct moon_loop *loop, const struct moon_loop_calls *calls,
                    void *owner)
{
    loop->calls = *calls;
    loop->owner = owner;
    loop->wake = moon_wake_create();
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        moon_log(MOON_ERROR, "loop", "cannot start: %s", uv_strerror(status));
        exit(2); /* out of descriptors, before anything has started */
    }
    uv_poll_init(&loop->uv, &loop->poll, moon_wake_fd(loop->wake));
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->poll.data = loop->prepare.data = loop->check.data = loop;
    uv_poll_start(&loop->poll, UV_READABLE, on_wake);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
}

void moon_loop_run(struct moon_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void moon_loop_stop(struct moon_loop *loop)
{
    uv_stop(&loop->uv);
}

static void report(uv_handle_t *handle, void *unused)
{
    (void)unused;
    moon_log(MOON_WARN, "loop", "a %s handle is still open",
             uv_handle_type_name(uv_handle_get_type(handle)));
}

void moon_loop_close(struct moon_loop *loop)
{
    uv_close((uv_handle_t *)&loop->poll, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
}

void moon_loop_fini(struct moon_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    if (uv_loop_close(&loop->uv) != 0) {
        uv_walk(&loop->uv, report, NULL);
    }
    moon_wake_destroy(loop->wake);
}
