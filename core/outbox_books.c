/* SPDX-License-Identifier: MIT */
#include "outbox.h"
#include "queue.h"

enum {
    HIGH_MARK = 2, /* one in so many parts of the limit */
    LOW_MARK = 8,
};

uint64_t moon_outbox_oldest_ms(const struct moon_outbox *outbox)
{
    static const uint32_t lasting[] = {MOON_RELIABLE, MOON_LATEST, MOON_CONTROL};
    const uint32_t *in_flight = outbox->in_flight.messages;
    bool has_lasting =
        in_flight[MOON_RELIABLE] + in_flight[MOON_LATEST] + in_flight[MOON_CONTROL] > 0;
    uint64_t oldest_ms = has_lasting ? outbox->in_flight_since_ms : UINT64_MAX;
    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        const struct moon_queued *oldest = moon_queue_oldest(outbox->queue, lasting[i]);
        if (oldest != NULL && oldest->came_ms < oldest_ms) {
            oldest_ms = oldest->came_ms;
        }
    }
    return oldest_ms;
}

uint32_t moon_outbox_bytes(const struct moon_outbox *outbox)
{
    return outbox->bytes;
}

bool moon_outbox_is_high(const struct moon_outbox *outbox,
                         const struct moon_limits *limits)
{
    return (uint64_t)outbox->bytes * HIGH_MARK >= limits->outbox_bytes ||
           (uint64_t)outbox->messages * HIGH_MARK >= limits->outbox_messages;
}

bool moon_outbox_is_low(const struct moon_outbox *outbox,
                        const struct moon_limits *limits)
{
    return (uint64_t)outbox->bytes * LOW_MARK <= limits->outbox_bytes &&
           (uint64_t)outbox->messages * LOW_MARK <= limits->outbox_messages;
}

bool moon_outbox_has_room(const struct moon_outbox *outbox,
                          const struct moon_limits *limits, uint32_t bytes)
{
    return (uint64_t)outbox->bytes + bytes <= limits->outbox_bytes &&
           outbox->messages < limits->outbox_messages;
}

bool moon_outbox_is_empty(const struct moon_outbox *outbox)
{
    return outbox->slip.first == 0 && outbox->queue == NULL;
}

static struct moon_tally waiting(const struct moon_outbox *outbox,
                                 const struct moon_post *post)
{
    struct moon_tally tally = {0};
    if (outbox->queue != NULL) {
        tally = *moon_queue_tally(outbox->queue);
    }
    for (const struct moon_tray_item *item =
             moon_tray_first(&post->tray, &outbox->slip);
         item != NULL; item = moon_tray_next(&post->tray, item)) {
        tally.messages[item->class]++;
        tally.bytes[item->class] += item->bytes;
    }
    return tally;
}

void moon_outbox_books(const struct moon_outbox *outbox, const struct moon_post *post,
                       struct moon_books *books)
{
    const struct moon_tally tally = waiting(outbox, post);
    books->queued_bytes = 0;
    for (int class = 0; class < MOON_CLASSES; class ++) {
        books->sent[class] = outbox->sent[class];
        books->delivered[class] = outbox->delivered[class];
        books->dropped[class] = outbox->dropped[class];
        books->queued[class] =
            (uint64_t)tally.messages[class] + outbox->in_flight.messages[class];
        books->queued_bytes +=
            (uint64_t)tally.bytes[class] + outbox->in_flight.bytes[class];
    }
}
