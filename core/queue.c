/* SPDX-License-Identifier: MIT */
#include "queue.h"
#include "keys.h"
#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
    IN_ORDER,
    IN_CLASS,
};

enum {
    WORTH_TRIMMING = 4, /* times too large */
    SMALLEST_BYTES = 512,
    WALKED = 16, /* latest messages among which a walk finds a key as fast */
};

static const uint32_t none = UINT32_MAX;

struct list {
    uint32_t first, last; /* slots */
};

struct moon_queue {
    char *frames; /* from the pool, as is this block itself */
    uint32_t end, capacity;
    uint32_t block_bytes;              /* of this struct with its slots */
    uint32_t fresh;                    /* slots from here on have never been used */
    uint32_t spare;                    /* first of those that were, linked IN_ORDER */
    struct list order;                 /* as they will be written */
    struct list classes[MOON_CLASSES]; /* as they came */
    struct moon_keys keys; /* of MOON_LATEST: all, once more than WALKED have waited */
    struct moon_tally tally;
    struct moon_queued slots[];
};

static void link_last(struct moon_queue *queue, struct list *list, int which,
                      uint32_t slot)
{
    queue->slots[slot].links[which] = (struct moon_link){list->last, none};
    if (list->last == none) {
        list->first = slot;
    } else {
        queue->slots[list->last].links[which].after = slot;
    }
    list->last = slot;
}

static void unlink_slot(struct moon_queue *queue, struct list *list, int which,
                        uint32_t slot)
{
    struct moon_link link = queue->slots[slot].links[which];
    if (link.before == none) {
        list->first = link.after;
    } else {
        queue->slots[link.before].links[which].after = link.after;
    }
    if (link.after == none) {
        list->last = link.before;
    } else {
        queue->slots[link.after].links[which].before = link.before;
    }
}

static uint32_t block_bytes(uint32_t slots)
{
    return (uint32_t)(sizeof(struct moon_queue) + slots * sizeof(struct moon_queued));
}

static struct moon_queue *create(struct moon_pool *pool, uint32_t slots)
{
    uint32_t bytes = 0;
    struct moon_queue *queue = (void *)moon_pool_take(pool, block_bytes(slots), &bytes);
    memset(queue, 0, sizeof *queue);
    queue->block_bytes = bytes;
    queue->spare = none;
    queue->order = (struct list){none, none};
    for (int class = 0; class < MOON_CLASSES; class ++) {
        queue->classes[class] = (struct list){none, none};
    }
    return queue;
}

static uint32_t take_slot(struct moon_queue **queue, struct moon_pool *pool)
{
    uint32_t slot = (*queue)->spare;
    if (slot != none) {
        (*queue)->spare = (*queue)->slots[slot].links[IN_ORDER].after;
        return slot;
    }
    slot = (*queue)->fresh;
    uint32_t bytes = (*queue)->block_bytes;
    *queue = (void *)moon_pool_grow(pool, (char *)*queue, block_bytes(slot),
                                    block_bytes(slot + 1), &bytes);
    (*queue)->block_bytes = bytes;
    (*queue)->fresh = slot + 1;
    return slot;
}

static uint64_t waiting_bytes(const struct moon_queue *queue)
{
    uint64_t bytes = 0;
    for (int class = 0; class < MOON_CLASSES; class ++) {
        bytes += queue->tally.bytes[class];
    }
    return bytes;
}

/* Copies all frames, in order and without gaps, into a new buffer of at least so many
 * bytes. */
static void squeeze(struct moon_queue *queue, struct moon_pool *pool, uint64_t bytes)
{
    uint32_t capacity = 0;
    uint32_t end = 0;
    assert(bytes <= UINT32_MAX);
    char *frames = moon_pool_take(pool, (uint32_t)bytes, &capacity);
    for (uint32_t slot = queue->order.first; slot != none;) {
        struct moon_queued *message = &queue->slots[slot];
        memcpy(frames + end, queue->frames + message->at, message->bytes);
        message->at = end;
        end += message->bytes;
        slot = message->links[IN_ORDER].after;
    }
    moon_pool_give(pool, queue->frames, queue->capacity);
    queue->frames = frames;
    queue->capacity = capacity;
    queue->end = end;
}

static void write_frame(struct moon_queue *queue, struct moon_pool *pool,
                        struct moon_queued *message, const struct moon_letter *letter)
{
    if ((uint64_t)queue->end + letter->bytes > queue->capacity) {
        /* Half of what is copied now will have come before it is copied again. */
        uint64_t waiting = waiting_bytes(queue);
        squeeze(queue, pool, waiting + waiting / 2 + letter->bytes);
    }
    memcpy(queue->frames + queue->end, letter->frame, letter->bytes);
    message->at = queue->end;
    message->bytes = letter->bytes;
    queue->end += letter->bytes;
}

/* Indexes all messages of MOON_LATEST anew, or none when they are few. */
static void index_all(struct moon_queue *queue, struct moon_pool *pool)
{
    moon_keys_clear(&queue->keys, pool);
    if (queue->tally.messages[MOON_LATEST] <= WALKED) {
        return;
    }
    for (uint32_t slot = queue->classes[MOON_LATEST].first; slot != none;) {
        const struct moon_queued *message = &queue->slots[slot];
        moon_keys_add(&queue->keys, pool, message->key, slot);
        slot = message->links[IN_CLASS].after;
    }
}

/* The newest of MOON_LATEST, which is not indexed yet. */
static void index_newest(struct moon_queue *queue, struct moon_pool *pool)
{
    uint32_t slot = queue->classes[MOON_LATEST].last;
    if (queue->keys.count > 0) {
        moon_keys_add(&queue->keys, pool, queue->slots[slot].key, slot);
    } else if (queue->tally.messages[MOON_LATEST] > WALKED) {
        index_all(queue, pool);
    }
}

void moon_queue_push(struct moon_queue **queue, struct moon_pool *pool,
                     const struct moon_letter *letter, uint64_t now_ms)
{
    if (*queue == NULL) {
        *queue = create(pool, 1);
    }
    uint32_t slot = take_slot(queue, pool);
    struct moon_queue *into = *queue;
    struct moon_queued *message = &into->slots[slot];
    message->key = letter->key;
    message->class = letter->class;
    message->came_ms = now_ms;
    write_frame(into, pool, message, letter);
    link_last(into, &into->order, IN_ORDER, slot);
    link_last(into, &into->classes[letter->class], IN_CLASS, slot);
    into->tally.messages[letter->class]++;
    into->tally.bytes[letter->class] += letter->bytes;
    if (letter->class == MOON_LATEST) {
        index_newest(into, pool);
    }
}

static struct moon_queued *at_slot(struct moon_queue *queue, uint32_t slot)
{
    return slot == none ? NULL : &queue->slots[slot];
}

struct moon_queued *moon_queue_find(struct moon_queue *queue, uint64_t key)
{
    if (queue != NULL && queue->keys.count > 0) {
        return at_slot(queue, moon_keys_find(&queue->keys, key));
    }
    uint32_t slot = queue == NULL ? none : queue->classes[MOON_LATEST].first;
    while (slot != none && queue->slots[slot].key != key) {
        slot = queue->slots[slot].links[IN_CLASS].after;
    }
    return slot == none ? NULL : &queue->slots[slot];
}

void moon_queue_replace(struct moon_queue *queue, struct moon_pool *pool,
                        struct moon_queued *message, const struct moon_letter *letter,
                        uint64_t now_ms)
{
    uint32_t slot = (uint32_t)(message - queue->slots);
    struct list *peers = &queue->classes[message->class];
    assert(letter->class == message->class && letter->key == message->key);
    queue->tally.bytes[message->class] -= message->bytes;
    if (letter->bytes <= message->bytes) {
        memcpy(queue->frames + message->at, letter->frame, letter->bytes);
        message->bytes = letter->bytes;
    } else {
        message->bytes = 0; /* the old frame need not be copied any more */
        write_frame(queue, pool, message, letter);
    }
    queue->tally.bytes[message->class] += letter->bytes;
    message->came_ms = now_ms;
    unlink_slot(queue, peers, IN_CLASS, slot);
    link_last(queue, peers, IN_CLASS, slot);
}

void moon_queue_remove(struct moon_queue **queue, struct moon_pool *pool,
                       struct moon_queued *message)
{
    struct moon_queue *from = *queue;
    uint32_t slot = (uint32_t)(message - from->slots);
    if (message->class == MOON_LATEST && from->keys.count > 0) {
        moon_keys_remove(&from->keys, pool, message->key);
    }
    from->tally.messages[message->class]--;
    from->tally.bytes[message->class] -= message->bytes;
    unlink_slot(from, &from->classes[message->class], IN_CLASS, slot);
    unlink_slot(from, &from->order, IN_ORDER, slot);
    message->links[IN_ORDER].after = from->spare;
    from->spare = slot;
    if (from->order.first == none) {
        moon_queue_clear(queue, pool);
    }
}

struct moon_queued *moon_queue_first(struct moon_queue *queue)
{
    return queue == NULL ? NULL : at_slot(queue, queue->order.first);
}

struct moon_queued *moon_queue_oldest(struct moon_queue *queue, uint32_t class)
{
    return queue == NULL ? NULL : at_slot(queue, queue->classes[class].first);
}

const struct moon_tally *moon_queue_tally(const struct moon_queue *queue)
{
    return &queue->tally;
}

const char *moon_queue_run(struct moon_queue *queue, uint32_t max_bytes,
                           uint32_t *bytes)
{
    const struct moon_queued *first = moon_queue_first(queue);
    const struct moon_queued *next = first;
    bool is_one_piece = true;
    uint64_t total = 0;
    while (next != NULL && (next == first || total + next->bytes <= max_bytes)) {
        is_one_piece = is_one_piece && next->at == first->at + total;
        total += next->bytes;
        next = at_slot(queue, next->links[IN_ORDER].after);
    }
    *bytes = (uint32_t)total;
    return is_one_piece ? queue->frames + first->at : NULL;
}

void moon_queue_copy(const struct moon_queue *queue, char *out, uint32_t bytes)
{
    uint32_t slot = queue->order.first;
    for (uint32_t done = 0; done < bytes;) {
        const struct moon_queued *message = &queue->slots[slot];
        memcpy(out + done, queue->frames + message->at, message->bytes);
        done += message->bytes;
        slot = message->links[IN_ORDER].after;
    }
}

static bool is_worth_trimming(uint64_t capacity, uint64_t needed)
{
    return capacity > SMALLEST_BYTES && capacity / WORTH_TRIMMING >= needed;
}

/* Moves the messages into a new block of as many slots. */
static struct moon_queue *packed(struct moon_queue *old, struct moon_pool *pool,
                                 uint32_t messages)
{
    struct moon_queue *queue = create(pool, messages);
    queue->frames = old->frames;
    queue->end = old->end;
    queue->capacity = old->capacity;
    queue->tally = old->tally;
    queue->keys = old->keys;
    for (struct moon_queued *message = moon_queue_first(old); message != NULL;) {
        uint32_t slot = queue->fresh++;
        queue->slots[slot] = *message;
        link_last(queue, &queue->order, IN_ORDER, slot);
        message->at = slot; /* the old block remembers where they have gone */
        message = at_slot(old, message->links[IN_ORDER].after);
    }
    for (uint32_t class = 0; class < MOON_CLASSES; class ++) {
        struct moon_queued *message = moon_queue_oldest(old, class);
        while (message != NULL) {
            link_last(queue, &queue->classes[class], IN_CLASS, message->at);
            message = at_slot(old, message->links[IN_CLASS].after);
        }
    }
    moon_pool_give(pool, (char *)old, old->block_bytes);
    index_all(queue, pool);
    return queue;
}

void moon_queue_trim(struct moon_queue **queue, struct moon_pool *pool)
{
    if (*queue == NULL) {
        return;
    }
    uint32_t messages = 0;
    for (int class = 0; class < MOON_CLASSES; class ++) {
        messages += (*queue)->tally.messages[class];
    }
    if (is_worth_trimming((*queue)->block_bytes, block_bytes(messages))) {
        *queue = packed(*queue, pool, messages);
    } else if (moon_keys_is_sparse(&(*queue)->keys)) {
        index_all(*queue, pool);
    }
    uint64_t waiting = waiting_bytes(*queue);
    if (is_worth_trimming((*queue)->capacity, waiting)) {
        squeeze(*queue, pool, waiting);
    }
}

void moon_queue_clear(struct moon_queue **queue, struct moon_pool *pool)
{
    if (*queue != NULL) {
        moon_keys_clear(&(*queue)->keys, pool);
        moon_pool_give(pool, (*queue)->frames, (*queue)->capacity);
        moon_pool_give(pool, (char *)*queue, (*queue)->block_bytes);
    }
    *queue = NULL;
}
