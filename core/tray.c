/* SPDX-License-Identifier: MIT */
#include "tray.h"
#include "mem.h"
#include <assert.h>
#include <string.h>

enum {
    FIRST_ITEMS = 256,
};

void moon_tray_fini(struct moon_tray *tray)
{
    moon_free(tray->items);
    memset(tray, 0, sizeof *tray);
}

void moon_tray_clear(struct moon_tray *tray)
{
    tray->count = 0;
}

void moon_tray_put(struct moon_tray *tray, struct moon_slip *slip,
                   const struct moon_letter *letter)
{
    if (tray->count == tray->capacity) {
        tray->capacity = tray->capacity == 0 ? FIRST_ITEMS : tray->capacity * 2;
        tray->items = moon_realloc(tray->items, tray->capacity * sizeof *tray->items);
    }
    tray->items[tray->count++] = (struct moon_tray_item){
        .frame = letter->frame,
        .bytes = letter->bytes,
        .class = letter->class,
    };
    if (slip->first == 0) {
        slip->first = tray->count;
    } else {
        tray->items[slip->last - 1].next = tray->count;
    }
    slip->last = tray->count;
}

const struct moon_tray_item *moon_tray_first(const struct moon_tray *tray,
                                             const struct moon_slip *slip)
{
    return slip->first == 0 ? NULL : &tray->items[slip->first - 1];
}

const struct moon_tray_item *moon_tray_next(const struct moon_tray *tray,
                                            const struct moon_tray_item *item)
{
    return item->next == 0 ? NULL : &tray->items[item->next - 1];
}

void moon_tray_take(const struct moon_tray *tray, struct moon_slip *slip)
{
    assert(slip->first != 0);
    slip->first = tray->items[slip->first - 1].next;
}

uint32_t moon_tray_measure(const struct moon_tray *tray, const struct moon_slip *slip,
                           uint32_t max_bytes, uint32_t *frames)
{
    const struct moon_tray_item *item = moon_tray_first(tray, slip);
    uint64_t bytes = item->bytes;
    *frames = 1;
    while ((item = moon_tray_next(tray, item)) != NULL &&
           bytes + item->bytes <= max_bytes) {
        bytes += item->bytes;
        (*frames)++;
    }
    return (uint32_t)bytes;
}

void moon_tray_copy(const struct moon_tray *tray, const struct moon_slip *slip,
                    char *out, uint32_t bytes)
{
    const struct moon_tray_item *item = moon_tray_first(tray, slip);
    for (uint32_t at = 0; at < bytes; item = moon_tray_next(tray, item)) {
        memcpy(out + at, item->frame, item->bytes);
        at += item->bytes;
    }
}
