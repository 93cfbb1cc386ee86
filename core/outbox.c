/* SPDX-License-Identifier: MIT */
#include "outbox.h"
#include "queue.h"
#include <assert.h>
#include <string.h>

void moon_post_fini(struct moon_post *post)
{
    moon_pool_give(post->pool, post->scratch, post->scratch_bytes);
    post->scratch = NULL;
    post->scratch_bytes = 0;
    moon_tray_fini(&post->tray);
}

/* The books. */

static void count_sent(struct moon_outbox *outbox, struct moon_post *post,
                       uint32_t class, uint32_t messages, uint32_t bytes)
{
    outbox->sent[class] += messages;
    post->sent[class] += messages;
    post->sent_bytes[class] += bytes;
}

static void count_delivered(struct moon_outbox *outbox, struct moon_post *post,
                            uint32_t class, uint32_t messages, uint32_t bytes)
{
    outbox->delivered[class] += messages;
    post->delivered[class] += messages;
    post->delivered_bytes[class] += bytes;
}

static void count_dropped(struct moon_outbox *outbox, struct moon_post *post,
                          const struct moon_tally *tally, enum moon_drop why)
{
    for (int class = 0; class < MOON_CLASSES; class ++) {
        outbox->dropped[class] += tally->messages[class];
        post->dropped[class] += tally->messages[class];
        post->dropped_bytes[class] += tally->bytes[class];
        post->dropped_by[why] += tally->messages[class];
    }
}

static void count_dropped_one(struct moon_outbox *outbox, struct moon_post *post,
                              uint32_t class, uint32_t bytes, enum moon_drop why)
{
    outbox->dropped[class]++;
    post->dropped[class]++;
    post->dropped_bytes[class] += bytes;
    post->dropped_by[why]++;
}

/* No longer in the outbox, neither waiting nor in flight. */
static void let_go(struct moon_outbox *outbox, const struct moon_tally *tally)
{
    for (int class = 0; class < MOON_CLASSES; class ++) {
        outbox->messages -= tally->messages[class];
        outbox->bytes -= tally->bytes[class];
    }
}

static void drop(struct moon_outbox *outbox, struct moon_post *post,
                 struct moon_queued *message, enum moon_drop why)
{
    count_dropped_one(outbox, post, message->class, message->bytes, why);
    outbox->messages--;
    outbox->bytes -= message->bytes;
    moon_queue_remove(&outbox->queue, post->pool, message);
}

/* Coming in. */

/* What the outbox would hold with a letter, and may hold. */
struct claim {
    uint64_t bytes, max_bytes;
    uint64_t messages, max_messages;
};

/* `old` is what the letter replaces, or NULL. */
static struct claim claim_of(const struct moon_outbox *outbox,
                             const struct moon_limits *limits,
                             const struct moon_letter *letter,
                             const struct moon_queued *old)
{
    struct claim claim = {
        .bytes = (uint64_t)outbox->bytes + letter->bytes,
        .max_bytes = limits->outbox_bytes,
        .messages = (uint64_t)outbox->messages + 1,
        .max_messages = limits->outbox_messages,
    };
    if (letter->class == MOON_CONTROL) {
        claim.max_bytes += MOON_OUTBOX_RESERVE_BYTES;
        claim.max_messages += MOON_OUTBOX_RESERVE_MESSAGES;
    }
    if (old != NULL) {
        claim.bytes -= old->bytes;
        claim.messages--;
    }
    return claim;
}

static bool fits(const struct claim *claim)
{
    return claim->bytes <= claim->max_bytes && claim->messages <= claim->max_messages;
}

/* Drops volatile messages, the oldest first, until the claim fits. False, and nothing
 * is dropped, when it would not fit without any. */
static bool make_room(struct moon_outbox *outbox, struct moon_post *post,
                      struct claim claim)
{
    struct moon_queued *oldest = moon_queue_oldest(outbox->queue, MOON_VOLATILE);
    if (oldest == NULL) {
        return false;
    }
    const struct moon_tally *waiting = moon_queue_tally(outbox->queue);
    struct claim least = claim;
    least.bytes -= waiting->bytes[MOON_VOLATILE];
    least.messages -= waiting->messages[MOON_VOLATILE];
    if (!fits(&least)) {
        return false;
    }
    while (!fits(&claim)) {
        claim.bytes -= oldest->bytes;
        claim.messages--;
        drop(outbox, post, oldest, MOON_DROP_FULL);
        oldest = moon_queue_oldest(outbox->queue, MOON_VOLATILE);
    }
    return true;
}

static bool has_room(struct moon_outbox *outbox, struct moon_post *post,
                     const struct moon_limits *limits, const struct moon_letter *letter,
                     const struct moon_queued *old)
{
    const struct claim claim = claim_of(outbox, limits, letter, old);
    if (fits(&claim) || (old != NULL && letter->bytes <= old->bytes)) {
        return true;
    }
    bool may_displace = letter->class == MOON_RELIABLE || letter->class == MOON_LATEST;
    return may_displace && make_room(outbox, post, claim);
}

void moon_outbox_keep(struct moon_outbox *outbox, struct moon_post *post)
{
    const struct moon_tray_item *item = NULL;
    while ((item = moon_tray_first(&post->tray, &outbox->slip)) != NULL) {
        const struct moon_letter letter = {
            .frame = item->frame, .bytes = item->bytes, .class = item->class};
        moon_queue_push(&outbox->queue, post->pool, &letter, post->turn_ms);
        moon_tray_take(&post->tray, &outbox->slip);
    }
}

/* In the tray nothing is looked up, and nothing taken out of the middle. */
static bool may_stay(const struct moon_outbox *outbox, const struct moon_letter *letter)
{
    return letter->stays && outbox->queue == NULL &&
           (letter->class == MOON_RELIABLE || letter->class == MOON_CONTROL);
}

static void append(struct moon_outbox *outbox, struct moon_post *post,
                   const struct moon_letter *letter, uint64_t now_ms)
{
    count_sent(outbox, post, letter->class, 1, letter->bytes);
    outbox->messages++;
    outbox->bytes += letter->bytes;
    if (may_stay(outbox, letter)) {
        moon_tray_put(&post->tray, &outbox->slip, letter);
        post->turn_ms = now_ms;
    } else {
        moon_outbox_keep(outbox, post);
        moon_queue_push(&outbox->queue, post->pool, letter, now_ms);
    }
}

static void replace(struct moon_outbox *outbox, struct moon_post *post,
                    struct moon_queued *old, const struct moon_letter *letter,
                    uint64_t now_ms)
{
    count_sent(outbox, post, letter->class, 1, letter->bytes);
    count_dropped_one(outbox, post, old->class, old->bytes, MOON_DROP_REPLACED);
    outbox->bytes = outbox->bytes - old->bytes + letter->bytes;
    moon_queue_replace(outbox->queue, post->pool, old, letter, now_ms);
}

int moon_outbox_push(struct moon_outbox *outbox, struct moon_post *post,
                     const struct moon_limits *limits, const struct moon_letter *letter,
                     uint64_t now_ms)
{
    assert(letter->class < MOON_CLASSES && letter->bytes > 0);
    struct moon_queued *old = letter->class == MOON_LATEST
                                  ? moon_queue_find(outbox->queue, letter->key)
                                  : NULL;
    if (!has_room(outbox, post, limits, letter, old)) {
        if (letter->class != MOON_VOLATILE) {
            return MOON_EFULL;
        }
        count_sent(outbox, post, letter->class, 1, letter->bytes);
        count_dropped_one(outbox, post, letter->class, letter->bytes, MOON_DROP_FULL);
    } else if (old != NULL) {
        replace(outbox, post, old, letter, now_ms);
    } else {
        append(outbox, post, letter, now_ms);
    }
    return MOON_OK;
}

void moon_outbox_push_control(struct moon_outbox *outbox, struct moon_post *post,
                              const char *frame, uint32_t bytes, uint64_t now_ms)
{
    const struct moon_letter letter = {
        .frame = frame, .bytes = bytes, .class = MOON_CONTROL};
    append(outbox, post, &letter, now_ms);
}

/* Going out. */

static char *make_scratch(struct moon_post *post, uint32_t bytes)
{
    post->scratch =
        moon_pool_grow(post->pool, post->scratch, 0, bytes, &post->scratch_bytes);
    return post->scratch;
}

static const char *peek_tray(const struct moon_outbox *outbox, struct moon_post *post,
                             uint32_t max_bytes, uint32_t *bytes)
{
    uint32_t frames = 0;
    *bytes = moon_tray_measure(&post->tray, &outbox->slip, max_bytes, &frames);
    if (frames == 1) {
        return moon_tray_first(&post->tray, &outbox->slip)->frame;
    }
    moon_tray_copy(&post->tray, &outbox->slip, make_scratch(post, *bytes), *bytes);
    return post->scratch;
}

const char *moon_outbox_peek(struct moon_outbox *outbox, struct moon_post *post,
                             uint32_t max_bytes, uint32_t *bytes)
{
    *bytes = 0;
    if (outbox->slip.first != 0) {
        return peek_tray(outbox, post, max_bytes, bytes);
    }
    if (outbox->queue == NULL) {
        return NULL;
    }
    const char *frames = moon_queue_run(outbox->queue, max_bytes, bytes);
    if (frames != NULL) {
        return frames;
    }
    moon_queue_copy(outbox->queue, make_scratch(post, *bytes), *bytes);
    return post->scratch;
}

static bool has_lasting(const struct moon_tally *tally)
{
    return tally->messages[MOON_RELIABLE] + tally->messages[MOON_LATEST] +
               tally->messages[MOON_CONTROL] >
           0;
}

/* In flight they are no longer in order of age, so the least is kept. */
static void launch(struct moon_outbox *outbox, struct moon_post *post,
                   const struct moon_tally *tally, uint64_t came_ms)
{
    if (has_lasting(tally) &&
        (!has_lasting(&outbox->in_flight) || came_ms < outbox->in_flight_since_ms)) {
        outbox->in_flight_since_ms = came_ms;
    }
    for (int class = 0; class < MOON_CLASSES; class ++) {
        outbox->in_flight.messages[class] += tally->messages[class];
        outbox->in_flight.bytes[class] += tally->bytes[class];
        post->in_flight_bytes += tally->bytes[class];
    }
}

/* Those of the tray that are among the first bytes; returns their length. */
static uint32_t take_tray(struct moon_outbox *outbox, const struct moon_post *post,
                          uint32_t bytes, struct moon_tally *taken)
{
    const struct moon_tray_item *item = NULL;
    uint32_t left = bytes;
    while (left > 0 && (item = moon_tray_first(&post->tray, &outbox->slip)) != NULL) {
        taken->messages[item->class]++;
        taken->bytes[item->class] += item->bytes;
        left -= item->bytes;
        moon_tray_take(&post->tray, &outbox->slip);
    }
    return bytes - left;
}

void moon_outbox_take(struct moon_outbox *outbox, struct moon_post *post,
                      uint32_t bytes)
{
    struct moon_tally taken = {0};
    uint32_t from_tray = take_tray(outbox, post, bytes, &taken);
    uint64_t oldest_ms = from_tray > 0 ? post->turn_ms : UINT64_MAX;
    bytes -= from_tray;
    while (bytes > 0) {
        struct moon_queued *first = moon_queue_first(outbox->queue);
        assert(first != NULL && first->bytes <= bytes);
        bytes -= first->bytes;
        taken.messages[first->class]++;
        taken.bytes[first->class] += first->bytes;
        if (first->class != MOON_VOLATILE && first->came_ms < oldest_ms) {
            oldest_ms = first->came_ms;
        }
        moon_queue_remove(&outbox->queue, post->pool, first);
    }
    launch(outbox, post, &taken, oldest_ms);
}

void moon_outbox_fly(struct moon_outbox *outbox, struct moon_post *post,
                     const struct moon_tally *tally, uint64_t now_ms)
{
    for (uint32_t class = 0; class < MOON_CLASSES; class ++) {
        count_sent(outbox, post, class, tally->messages[class], tally->bytes[class]);
        outbox->messages += tally->messages[class];
        outbox->bytes += tally->bytes[class];
    }
    launch(outbox, post, tally, now_ms);
}

void moon_outbox_pass(struct moon_outbox *outbox, struct moon_post *post,
                      const struct moon_tally *tally)
{
    for (uint32_t class = 0; class < MOON_CLASSES; class ++) {
        if (tally->messages[class] > 0) {
            count_sent(outbox, post, class, tally->messages[class],
                       tally->bytes[class]);
            count_delivered(outbox, post, class, tally->messages[class],
                            tally->bytes[class]);
        }
    }
}

static void end_flight(struct moon_outbox *outbox, struct moon_post *post)
{
    for (int class = 0; class < MOON_CLASSES; class ++) {
        post->in_flight_bytes -= outbox->in_flight.bytes[class];
    }
    let_go(outbox, &outbox->in_flight);
    memset(&outbox->in_flight, 0, sizeof outbox->in_flight);
}

void moon_outbox_land(struct moon_outbox *outbox, struct moon_post *post)
{
    const struct moon_tally *tally = &outbox->in_flight;
    for (uint32_t class = 0; class < MOON_CLASSES; class ++) {
        count_delivered(outbox, post, class, tally->messages[class],
                        tally->bytes[class]);
    }
    end_flight(outbox, post);
}

/* Dropping. */

uint32_t moon_outbox_shed(struct moon_outbox *outbox, struct moon_post *post)
{
    uint32_t before = outbox->bytes;
    struct moon_queued *oldest = NULL;
    while ((oldest = moon_queue_oldest(outbox->queue, MOON_VOLATILE)) != NULL) {
        drop(outbox, post, oldest, MOON_DROP_SHED);
    }
    moon_queue_trim(&outbox->queue, post->pool);
    return before - outbox->bytes;
}

void moon_outbox_expire(struct moon_outbox *outbox, struct moon_post *post,
                        const struct moon_limits *limits, uint64_t now_ms)
{
    struct moon_queued *oldest = moon_queue_oldest(outbox->queue, MOON_VOLATILE);
    while (oldest != NULL && now_ms - oldest->came_ms > limits->outbox_age_ms) {
        drop(outbox, post, oldest, MOON_DROP_SHED);
        oldest = moon_queue_oldest(outbox->queue, MOON_VOLATILE);
    }
}

void moon_outbox_clear(struct moon_outbox *outbox, struct moon_post *post)
{
    struct moon_tally waited = {0};
    (void)take_tray(outbox, post, UINT32_MAX, &waited);
    count_dropped(outbox, post, &waited, MOON_DROP_GONE);
    let_go(outbox, &waited);
    if (outbox->queue != NULL) {
        const struct moon_tally *waiting = moon_queue_tally(outbox->queue);
        count_dropped(outbox, post, waiting, MOON_DROP_GONE);
        let_go(outbox, waiting);
        moon_queue_clear(&outbox->queue, post->pool);
    }
}

void moon_outbox_abandon(struct moon_outbox *outbox, struct moon_post *post)
{
    moon_outbox_clear(outbox, post);
    count_dropped(outbox, post, &outbox->in_flight, MOON_DROP_GONE);
    end_flight(outbox, post);
}
