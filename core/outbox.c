/* SPDX-License-Identifier: MIT */
#include "outbox.h"
#include "frame.h"
#include <string.h>

static void append(struct moon_outbox *outbox, struct moon_pool *pool,
                   const char *frames, uint32_t bytes)
{
    uint32_t used = outbox->end - outbox->start;
    if (outbox->end + bytes > outbox->capacity && outbox->start > 0) {
        memmove(outbox->bytes, outbox->bytes + outbox->start, used);
        outbox->start = 0;
        outbox->end = used;
    }
    outbox->bytes = moon_pool_grow(pool, outbox->bytes, outbox->end,
                                   outbox->end + bytes, &outbox->capacity);
    memcpy(outbox->bytes + outbox->end, frames, bytes);
    outbox->end += bytes;
}

bool moon_outbox_push(struct moon_outbox *outbox, struct moon_pool *pool,
                      const struct moon_outbox_limits *limits, const char *frames,
                      uint32_t bytes, uint32_t messages)
{
    uint64_t total_bytes =
        (uint64_t)outbox->end - outbox->start + outbox->inflight_bytes + bytes;
    uint64_t total_messages =
        (uint64_t)outbox->messages + outbox->inflight_messages + messages;
    if (total_bytes > limits->max_bytes || total_messages > limits->max_messages) {
        return false;
    }
    append(outbox, pool, frames, bytes);
    outbox->messages += messages;
    return true;
}

void moon_outbox_push_control(struct moon_outbox *outbox, struct moon_pool *pool,
                              const char *frame, uint32_t bytes)
{
    append(outbox, pool, frame, bytes);
    outbox->messages++;
}

const char *moon_outbox_peek(const struct moon_outbox *outbox, uint32_t max_bytes,
                             uint32_t *bytes)
{
    uint32_t queued = outbox->end - outbox->start;
    if (queued == 0) {
        return NULL;
    }
    const char *first = outbox->bytes + outbox->start;
    *bytes = queued;
    if (queued > max_bytes) {
        *bytes = (uint32_t)moon_frame_bytes(first);
        while (*bytes < queued) {
            uint64_t more = moon_frame_bytes(first + *bytes);
            if (*bytes + more > max_bytes) {
                break;
            }
            *bytes += (uint32_t)more;
        }
    }
    return first;
}

static uint32_t count_frames(const char *frames, uint32_t bytes)
{
    uint32_t count = 0;
    for (uint64_t at = 0; at < bytes; at += moon_frame_bytes(frames + at)) {
        count++;
    }
    return count;
}

void moon_outbox_take(struct moon_outbox *outbox, struct moon_pool *pool,
                      uint32_t bytes)
{
    uint32_t queued = outbox->end - outbox->start;
    uint32_t messages = bytes == queued
                            ? outbox->messages
                            : count_frames(outbox->bytes + outbox->start, bytes);
    moon_outbox_fly(outbox, bytes, messages);
    outbox->messages -= messages;
    outbox->start += bytes;
    if (bytes == queued) {
        moon_outbox_clear(outbox, pool);
    }
}

void moon_outbox_fly(struct moon_outbox *outbox, uint32_t bytes, uint32_t messages)
{
    outbox->inflight_bytes += bytes;
    outbox->inflight_messages += messages;
}

void moon_outbox_land(struct moon_outbox *outbox)
{
    outbox->inflight_bytes = 0;
    outbox->inflight_messages = 0;
}

void moon_outbox_clear(struct moon_outbox *outbox, struct moon_pool *pool)
{
    moon_pool_give(pool, outbox->bytes, outbox->capacity);
    outbox->bytes = NULL;
    outbox->start = outbox->end = outbox->capacity = 0;
    outbox->messages = 0;
}

bool moon_outbox_is_empty(const struct moon_outbox *outbox)
{
    return outbox->start == outbox->end;
}
