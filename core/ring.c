/* SPDX-License-Identifier: MIT */
#include "ring.h"
#include "mem.h"
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

/* A record is an 8-byte length and then its bytes, padded to 8. A length of skip_mark
 * says that the rest of the buffer is unused and the next record is at its start. */
enum {
    ALIGN = 8,
    CACHE_LINE = 64,
    SMALLEST_BYTES = 4096,
};

static const uint64_t skip_mark = UINT64_MAX;

struct moon_ring {
    uint64_t mask;
    char *bytes;

    char apart_1[CACHE_LINE];
    _Atomic uint64_t tail; /* written by the pusher */
    uint64_t known_head;   /* pusher's last look at head */

    char apart_2[CACHE_LINE];
    _Atomic uint64_t head; /* written by the taker */
    uint64_t known_tail;   /* taker's last look at tail */
    uint64_t passed;       /* bytes of records that are kept, from head on */
    uint64_t peeked;       /* bytes the record in hand occupies */

    char apart_3[CACHE_LINE];
    atomic_bool wants_room;
};

struct moon_ring *moon_ring_create(uint64_t capacity_bytes)
{
    uint64_t capacity = SMALLEST_BYTES;
    while (capacity < capacity_bytes) {
        capacity *= 2;
    }
    struct moon_ring *ring = moon_alloc(sizeof *ring);
    ring->mask = capacity - 1;
    ring->bytes = moon_alloc(capacity);
    return ring;
}

void moon_ring_destroy(struct moon_ring *ring)
{
    if (ring != NULL) {
        moon_free(ring->bytes);
    }
    moon_free(ring);
}

uint64_t moon_ring_max_bytes(const struct moon_ring *ring)
{
    return (ring->mask + 1) / 2 - ALIGN;
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
}

static void put_length(struct moon_ring *ring, uint64_t at, uint64_t length)
{
    memcpy(ring->bytes + (at & ring->mask), &length, sizeof length);
}

static bool has_room(struct moon_ring *ring, uint64_t tail, uint64_t bytes)
{
    if (tail + bytes - ring->known_head <= ring->mask + 1) {
        return true;
    }
    ring->known_head = atomic_load_explicit(&ring->head, memory_order_acquire);
    return tail + bytes - ring->known_head <= ring->mask + 1;
}

bool moon_ring_push(struct moon_ring *ring, const void *head, uint64_t head_bytes,
                    const void *body, uint64_t body_bytes)
{
    uint64_t length = head_bytes + body_bytes;
    uint64_t need = padded(length);
    assert(length <= moon_ring_max_bytes(ring));
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t to_end = ring->mask + 1 - (tail & ring->mask);
    uint64_t skipped = to_end < need ? to_end : 0;
    if (!has_room(ring, tail, skipped + need)) {
        return false;
    }
    if (skipped > 0) {
        put_length(ring, tail, skip_mark);
        tail += skipped;
    }
    put_length(ring, tail, length);
    char *at = ring->bytes + (tail & ring->mask) + ALIGN;
    memcpy(at, head, head_bytes);
    if (body_bytes > 0) {
        memcpy(at + head_bytes, body, body_bytes);
    }
    atomic_store_explicit(&ring->tail, tail + need, memory_order_release);
    return true;
}

const char *moon_ring_peek(struct moon_ring *ring, uint64_t *bytes)
{
    uint64_t head =
        atomic_load_explicit(&ring->head, memory_order_relaxed) + ring->passed;
    if (head == ring->known_tail) {
        ring->known_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == ring->known_tail) {
            return NULL;
        }
    }
    uint64_t skipped = 0;
    memcpy(bytes, ring->bytes + (head & ring->mask), sizeof *bytes);
    if (*bytes == skip_mark) {
        skipped = ring->mask + 1 - (head & ring->mask);
        head += skipped;
        memcpy(bytes, ring->bytes + (head & ring->mask), sizeof *bytes);
    }
    ring->peeked = skipped + padded(*bytes);
    return ring->bytes + (head & ring->mask) + ALIGN;
}

void moon_ring_pass(struct moon_ring *ring)
{
    ring->passed += ring->peeked;
    ring->peeked = 0;
}

void moon_ring_release(struct moon_ring *ring)
{
    moon_ring_pass(ring);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head, head + ring->passed, memory_order_release);
    ring->passed = 0;
}

bool moon_ring_is_empty(const struct moon_ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_relaxed) + ring->passed ==
           atomic_load_explicit(&ring->tail, memory_order_acquire);
}

uint64_t moon_ring_used_bytes(const struct moon_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    return atomic_load_explicit(&ring->tail, memory_order_relaxed) - head;
}

uint64_t moon_ring_capacity_bytes(const struct moon_ring *ring)
{
    return ring->mask + 1;
}

bool moon_ring_is_half_full(const struct moon_ring *ring)
{
    return moon_ring_used_bytes(ring) > moon_ring_capacity_bytes(ring) / 2;
}

void moon_ring_want_room(struct moon_ring *ring)
{
    atomic_store(&ring->wants_room, true);
    atomic_thread_fence(memory_order_seq_cst);
}

bool moon_ring_has_wish(const struct moon_ring *ring)
{
    return atomic_load(&ring->wants_room);
}

bool moon_ring_take_wish(struct moon_ring *ring)
{
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&ring->wants_room, memory_order_relaxed) &&
           atomic_exchange(&ring->wants_room, false);
}
