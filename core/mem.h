/* mem.h - memory: out of memory aborts here, so that no other file has the branch.
 *
 * Thread: any; a pool belongs to one thread.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Zeroed. Never NULL. Freed with moon_free(). */
void *moon_alloc(size_t bytes);

/* As realloc(3); never NULL. What is new is not zeroed. */
void *moon_realloc(void *memory, size_t bytes);

void moon_free(void *memory);

/* Buffers in powers of two from 512 bytes up, kept for the next taker: queues that fill
 * and drain all day allocate nothing, and an idle connection holds no buffer. */
struct moon_pool;

/* Keeps at most `keep_bytes` of returned buffers; more goes back to the system. */
struct moon_pool *moon_pool_create(size_t keep_bytes);
void moon_pool_destroy(struct moon_pool *pool);

/* A buffer of at least `bytes`; its real size goes to *capacity. */
char *moon_pool_take(struct moon_pool *pool, uint32_t bytes, uint32_t *capacity);

/* Takes the buffer back. NULL is fine. */
void moon_pool_give(struct moon_pool *pool, char *buffer, uint32_t capacity);

/* Returns a buffer of at least `bytes` that begins with the first `used` bytes of
 * `buffer`, which it takes. *capacity is read and written. */
char *moon_pool_grow(struct moon_pool *pool, char *buffer, uint32_t used,
                     uint32_t bytes, uint32_t *capacity);

/* The capacity of all buffers taken and not yet given back. */
size_t moon_pool_taken_bytes(const struct moon_pool *pool);
