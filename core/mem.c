/* SPDX-License-Identifier: MIT */
#include "mem.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALLEST_SHIFT = 9, /* 512 bytes */
    CLASSES = 22,       /* up to 1 GiB */
};

struct idle {
    struct idle *next;
};

struct moon_pool {
    struct idle *idle[CLASSES];
    size_t idle_bytes, keep_bytes, taken_bytes;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        (void)fputs("moongate: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *moon_alloc(size_t bytes)
{
    return must(calloc(1, bytes));
}

void *moon_realloc(void *memory, size_t bytes)
{
    return must(realloc(memory, bytes));
}

void moon_free(void *memory)
{
    free(memory);
}

struct moon_pool *moon_pool_create(size_t keep_bytes)
{
    struct moon_pool *pool = moon_alloc(sizeof *pool);
    pool->keep_bytes = keep_bytes;
    return pool;
}

void moon_pool_destroy(struct moon_pool *pool)
{
    for (int i = 0; pool != NULL && i < CLASSES; i++) {
        while (pool->idle[i] != NULL) {
            struct idle *first = pool->idle[i];
            pool->idle[i] = first->next;
            moon_free(first);
        }
    }
    moon_free(pool);
}

static int class_of(uint32_t bytes)
{
    int class = 0;
    while (((uint64_t)1 << (SMALLEST_SHIFT + class)) < bytes) {
        class ++;
    }
    assert(class < CLASSES);
    return class;
}

char *moon_pool_take(struct moon_pool *pool, uint32_t bytes, uint32_t *capacity)
{
    int class = class_of(bytes);
    *capacity = 1u << (SMALLEST_SHIFT + class);
    pool->taken_bytes += *capacity;
    struct idle *first = pool->idle[class];
    if (first == NULL) {
        return moon_realloc(NULL, *capacity);
    }
    pool->idle[class] = first->next;
    pool->idle_bytes -= *capacity;
    return (char *)first;
}

void moon_pool_give(struct moon_pool *pool, char *buffer, uint32_t capacity)
{
    if (buffer == NULL) {
        return;
    }
    pool->taken_bytes -= capacity;
    if (pool->idle_bytes + capacity > pool->keep_bytes) {
        moon_free(buffer);
        return;
    }
    struct idle *first = (struct idle *)(void *)buffer;
    int class = class_of(capacity);
    first->next = pool->idle[class];
    pool->idle[class] = first;
    pool->idle_bytes += capacity;
}

char *moon_pool_grow(struct moon_pool *pool, char *buffer, uint32_t used,
                     uint32_t bytes, uint32_t *capacity)
{
    if (bytes <= *capacity) {
        return buffer;
    }
    uint32_t grown_capacity = 0;
    char *grown = moon_pool_take(pool, bytes, &grown_capacity);
    if (used > 0) {
        memcpy(grown, buffer, used);
    }
    moon_pool_give(pool, buffer, *capacity);
    *capacity = grown_capacity;
    return grown;
}

size_t moon_pool_taken_bytes(const struct moon_pool *pool)
{
    return pool->taken_bytes;
}
