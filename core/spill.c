/* SPDX-License-Identifier: MIT */
#include "spill.h"
#include "mem.h"
#include <string.h>

void moon_spill_init(struct moon_spill *spill, uint64_t max_bytes)
{
    memset(spill, 0, sizeof *spill);
    spill->max_bytes = max_bytes;
}

void moon_spill_fini(struct moon_spill *spill)
{
    moon_free(spill->bytes);
    spill->bytes = NULL;
}

bool moon_spill_is_empty(const struct moon_spill *spill)
{
    return spill->start == spill->end;
}

bool moon_spill_has_room(const struct moon_spill *spill, uint64_t bytes)
{
    return spill->end - spill->start + bytes <= spill->max_bytes;
}

static void make_room(struct moon_spill *spill, uint64_t bytes)
{
    if (spill->end + bytes <= spill->capacity) {
        return;
    }
    uint64_t used = spill->end - spill->start;
    if (spill->start > 0) {
        memmove(spill->bytes, spill->bytes + spill->start, used);
        spill->start = 0;
        spill->end = used;
    }
    if (used + bytes > spill->capacity) {
        spill->capacity = (used + bytes) * 2;
        spill->bytes = moon_realloc(spill->bytes, spill->capacity);
    }
}

static void append(struct moon_spill *spill, const void *bytes, uint64_t length)
{
    if (length > 0) {
        memcpy(spill->bytes + spill->end, bytes, length);
        spill->end += length;
    }
}

bool moon_spill_push(struct moon_spill *spill, struct moon_ring *ring, const void *head,
                     uint64_t head_bytes, const void *body, uint64_t body_bytes,
                     bool must)
{
    if (moon_spill_is_empty(spill) &&
        moon_ring_push(ring, head, head_bytes, body, body_bytes)) {
        return true;
    }
    uint64_t length = head_bytes + body_bytes;
    if (!must && !moon_spill_has_room(spill, length)) {
        return false;
    }
    make_room(spill, sizeof length + length);
    append(spill, &length, sizeof length);
    append(spill, head, head_bytes);
    append(spill, body, body_bytes);
    return true;
}

static void move_what_fits(struct moon_spill *spill, struct moon_ring *ring)
{
    while (spill->start < spill->end) {
        uint64_t length = 0;
        memcpy(&length, spill->bytes + spill->start, sizeof length);
        const char *record = spill->bytes + spill->start + sizeof length;
        if (!moon_ring_push(ring, record, length, NULL, 0)) {
            return;
        }
        spill->start += sizeof length + length;
    }
}

bool moon_spill_drain(struct moon_spill *spill, struct moon_ring *ring)
{
    if (moon_spill_is_empty(spill)) {
        return true;
    }
    move_what_fits(spill, ring);
    if (!moon_spill_is_empty(spill)) {
        moon_ring_want_room(ring);
        move_what_fits(spill, ring); /* the taker may have been quicker than the wish */
    }
    if (!moon_spill_is_empty(spill)) {
        return false;
    }
    moon_spill_fini(spill);
    moon_spill_init(spill, spill->max_bytes);
    return true;
}
