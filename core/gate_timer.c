/* SPDX-License-Identifier: MIT */
#include "gate_state.h"
#include "mem.h"
#include <assert.h>

enum {
    SLOT_BITS = 26,
    GENERATION_BITS = 27, /* of one slot; used up, the slot is retired */
};

/* Its token is that of the timer that is started, or of the next one. The handle stays
 * where it is, and is used again. */
struct moon_timer {
    uv_timer_t uv;
    struct moon_gate *gate;
    uint64_t token;
    uint32_t next_free; /* slot + 1, 0 at the end; of free slots */
};

static uint32_t slot_of(uint64_t token)
{
    return (uint32_t)(token & ((1u << SLOT_BITS) - 1));
}

static struct moon_timer *add(struct moon_gate *gate)
{
    struct moon_timers *timers = &gate->timers;
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
        timers->all =
            moon_realloc(timers->all, timers->capacity * sizeof(struct moon_timer *));
    }
    assert(timers->count < 1u << SLOT_BITS); /* memory has ended before */
    struct moon_timer *timer = moon_alloc(sizeof *timer);
    timer->gate = gate;
    timer->token = (uint64_t)1 << SLOT_BITS | timers->count;
    timers->all[timers->count++] = timer;
    uv_timer_init(&gate->loop.uv, &timer->uv);
    timer->uv.data = timer;
    return timer;
}

static struct moon_timer *take_free(struct moon_gate *gate)
{
    struct moon_timers *timers = &gate->timers;
    if (timers->first_free == 0) {
        return add(gate);
    }
    struct moon_timer *timer = timers->all[timers->first_free - 1];
    timers->first_free = timer->next_free;
    return timer;
}

static void release(struct moon_timer *timer)
{
    uint32_t slot = slot_of(timer->token);
    timer->token += (uint64_t)1 << SLOT_BITS;
    if (timer->token >> (SLOT_BITS + GENERATION_BITS) == 0) {
        timer->next_free = timer->gate->timers.first_free;
        timer->gate->timers.first_free = slot + 1;
    }
}

static void on_fired(uv_timer_t *uv)
{
    struct moon_timer *timer = uv->data;
    moon_gate_post(timer->gate, MOON_FIRED, timer->token);
    release(timer);
}

uint64_t moon_gate_start_timer(struct moon_gate *gate, uint32_t delay_ms)
{
    struct moon_timer *timer = take_free(gate);
    uv_update_time(&gate->loop.uv); /* the script may have worked since the last look */
    uv_timer_start(&timer->uv, on_fired, delay_ms, 0);
    return timer->token;
}

void moon_gate_stop_timer(struct moon_gate *gate, uint64_t token)
{
    struct moon_timers *timers = &gate->timers;
    uint32_t slot = slot_of(token);
    struct moon_timer *timer = slot < timers->count ? timers->all[slot] : NULL;
    if (timer != NULL && timer->token == token &&
        uv_is_active((uv_handle_t *)&timer->uv)) {
        uv_timer_stop(&timer->uv);
        release(timer);
    }
}

static void free_timer(uv_handle_t *handle)
{
    moon_free(handle->data);
}

void moon_gate_close_timers(struct moon_gate *gate)
{
    for (uint32_t i = 0; i < gate->timers.count; i++) {
        uv_close((uv_handle_t *)&gate->timers.all[i]->uv, free_timer);
    }
    moon_free(gate->timers.all);
}
