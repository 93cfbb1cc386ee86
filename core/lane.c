/* SPDX-License-Identifier: MIT */
#include "lane.h"
#include <string.h>

enum {
    SPILL_BYTES = 64 << 20, /* commands that may wait for one thread, else MOON_EFULL */
    FAIR_EVENTS = 64,       /* from one thread before the next has its turn */
};

void moon_lanes_add(struct moon_lanes *lanes, struct moon_ring *events,
                    struct moon_ring *commands, struct moon_wake *wake,
                    const atomic_bool *has_ended)
{
    struct moon_lane *lane = &lanes->all[lanes->count++];
    lane->events = events;
    lane->commands = commands;
    lane->wake = wake;
    lane->has_ended = has_ended;
    moon_spill_init(&lane->spill, SPILL_BYTES);
}

void moon_lanes_fini(struct moon_lanes *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++) {
        moon_spill_fini(&lanes->all[i].spill);
    }
}

int moon_lane_push(struct moon_lanes *lanes, struct moon_lane *lane, const void *head,
                   uint64_t head_bytes, const char *body, uint64_t body_bytes,
                   bool must)
{
    if (atomic_load(lane->has_ended)) {
        /* Nobody is left to tell. A script that says as much as it can must hear so. */
        return must ? MOON_OK : MOON_EFULL;
    }
    bool was_empty = moon_spill_is_empty(&lane->spill);
    if (!moon_spill_push(&lane->spill, lane->commands, head, head_bytes, body,
                         body_bytes, must)) {
        return MOON_EFULL;
    }
    lanes->spilling += was_empty && !moon_spill_is_empty(&lane->spill);
    lane->has_news = true;
    return MOON_OK;
}

bool moon_lane_has_room(const struct moon_lane *lane, uint64_t bytes)
{
    return moon_spill_has_room(&lane->spill, bytes) && !atomic_load(lane->has_ended);
}

static void next_lane(struct moon_lanes *lanes)
{
    struct moon_lane *lane = &lanes->all[lanes->turn];
    if (moon_ring_take_wish(lane->events)) {
        lane->has_news = true; /* it waits for room, and there is some now */
    }
    lanes->turn = (lanes->turn + 1) % lanes->count;
    lanes->taken = 0;
}

static bool read_lane(struct moon_lanes *lanes, struct moon_event *event)
{
    struct moon_lane *lane = &lanes->all[lanes->turn];
    struct moon_record record;
    uint64_t length = 0;
    const char *bytes = moon_ring_peek(lane->events, &length);
    if (bytes == NULL) {
        return false;
    }
    memcpy(&record, bytes, sizeof record);
    event->kind = record.kind;
    event->code = record.code;
    event->reason = record.reason;
    event->subject = record.subject;
    event->bytes = bytes + sizeof record;
    event->length = length - sizeof record;
    lanes->borrowed = lane->events;
    lanes->taken++;
    return true;
}

bool moon_lanes_next(struct moon_lanes *lanes, struct moon_event *event)
{
    if (lanes->taken >= FAIR_EVENTS) {
        next_lane(lanes);
    }
    for (uint32_t i = 0; i < lanes->count; i++) {
        if (read_lane(lanes, event)) {
            return true;
        }
        next_lane(lanes);
    }
    return false;
}

void moon_lanes_give_back(struct moon_lanes *lanes)
{
    if (lanes->borrowed != NULL) {
        moon_ring_release(lanes->borrowed);
        lanes->borrowed = NULL;
    }
}

bool moon_lanes_drain(struct moon_lanes *lanes)
{
    for (uint32_t i = 0; lanes->spilling > 0 && i < lanes->count; i++) {
        struct moon_lane *lane = &lanes->all[i];
        if (!moon_spill_is_empty(&lane->spill) && atomic_load(lane->has_ended)) {
            moon_spill_fini(&lane->spill);
            moon_spill_init(&lane->spill, SPILL_BYTES);
            lanes->spilling--;
        } else if (!moon_spill_is_empty(&lane->spill)) {
            lane->has_news = true;
            lanes->spilling -= moon_spill_drain(&lane->spill, lane->commands);
        }
    }
    return lanes->spilling == 0;
}

void moon_lanes_wake(struct moon_lanes *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++) {
        if (lanes->all[i].has_news) {
            lanes->all[i].has_news = false;
            moon_wake_signal(lanes->all[i].wake);
        }
    }
}

static bool can_drain(const struct moon_lane *lane)
{
    return !moon_spill_is_empty(&lane->spill) &&
           (atomic_load(lane->has_ended) || !moon_ring_has_wish(lane->commands));
}

bool moon_lanes_have_work(const struct moon_lanes *lanes)
{
    bool has_work = false;
    for (uint32_t i = 0; i < lanes->count && !has_work; i++) {
        const struct moon_lane *lane = &lanes->all[i];
        has_work =
            lanes->spilling > 0 ? can_drain(lane) : !moon_ring_is_empty(lane->events);
    }
    return has_work;
}

bool moon_lanes_have_ended(const struct moon_lanes *lanes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct moon_lane *lane = &lanes->all[i];
        if (!atomic_load(lane->has_ended) || !moon_ring_is_empty(lane->events)) {
            return false;
        }
    }
    return true;
}

uint64_t moon_lanes_spilled_bytes(const struct moon_lanes *lanes)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < lanes->count; i++) {
        bytes += lanes->all[i].spill.capacity;
    }
    return bytes;
}
