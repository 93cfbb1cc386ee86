/* SPDX-License-Identifier: MIT */
#include "conn.h"
#include <assert.h>
#include <string.h>

enum {
    THREAD_BITS = 8,
    SLOT_BITS = 20,
    SLAB = 256, /* connections in one allocation: they never move */
};

struct slab {
    struct moon_conn conns[SLAB];
    uint32_t generations[SLAB]; /* of the connection in the slot, or the last one */
    uint32_t next_free[SLAB];   /* slot + 1, 0 at the end; of free slots */
};

struct moon_conns {
    uint32_t thread, max_conns, count;
    uint32_t first_free; /* slot + 1, or 0 */
    uint32_t slab_count;
    struct slab **slabs;
};

uint32_t moon_conn_thread(moon_conn_id id)
{
    return (uint32_t)(id & ((1u << THREAD_BITS) - 1));
}

uint32_t moon_conn_slot(moon_conn_id id)
{
    return (uint32_t)(id >> THREAD_BITS & ((1u << SLOT_BITS) - 1));
}

struct moon_conns *moon_conns_create(uint32_t thread, uint32_t max_conns)
{
    assert(thread >= 1 && thread <= MOON_MAX_THREADS && max_conns <= MOON_MAX_CONNS);
    struct moon_conns *conns = moon_alloc(sizeof *conns);
    conns->thread = thread;
    conns->max_conns = max_conns;
    return conns;
}

void moon_conns_destroy(struct moon_conns *conns)
{
    for (uint32_t i = 0; conns != NULL && i < conns->slab_count; i++) {
        moon_free(conns->slabs[i]);
    }
    if (conns != NULL) {
        moon_free(conns->slabs);
    }
    moon_free(conns);
}

static struct slab *slab_of(const struct moon_conns *conns, uint32_t slot)
{
    return conns->slabs[slot / SLAB];
}

static void add_slab(struct moon_conns *conns)
{
    uint32_t first = conns->slab_count * SLAB;
    conns->slabs =
        moon_realloc(conns->slabs, (conns->slab_count + 1) * sizeof *conns->slabs);
    struct slab *slab = moon_alloc(sizeof *slab);
    conns->slabs[conns->slab_count++] = slab;
    for (uint32_t i = 0; i < SLAB; i++) {
        slab->next_free[i] = i + 1 < SLAB ? first + i + 2 : conns->first_free;
    }
    conns->first_free = first + 1;
}

struct moon_conn *moon_conns_add(struct moon_conns *conns)
{
    if (conns->count == conns->max_conns) {
        return NULL;
    }
    if (conns->first_free == 0) {
        if (conns->slab_count * SLAB >= MOON_MAX_CONNS) {
            return NULL; /* the rest of the slots is retired */
        }
        add_slab(conns);
    }
    uint32_t slot = conns->first_free - 1;
    struct slab *slab = slab_of(conns, slot);
    struct moon_conn *conn = &slab->conns[slot % SLAB];
    uint64_t generation = ++slab->generations[slot % SLAB];
    conns->first_free = slab->next_free[slot % SLAB];
    conns->count++;
    memset(conn, 0, sizeof *conn);
    conn->id = generation << (THREAD_BITS + SLOT_BITS) | (uint64_t)slot << THREAD_BITS |
               conns->thread;
    conn->deadline.owner = conn->id;
    conn->patience.owner = conn->id;
    conn->state = MOON_CONN_GREETING;
    return conn;
}

struct moon_conn *moon_conns_find(const struct moon_conns *conns, moon_conn_id id)
{
    uint32_t slot = moon_conn_slot(id);
    if (slot / SLAB >= conns->slab_count) {
        return NULL;
    }
    struct moon_conn *conn = &slab_of(conns, slot)->conns[slot % SLAB];
    return conn->id == id && conn->state != MOON_CONN_FREE ? conn : NULL;
}

void moon_conns_remove(struct moon_conns *conns, struct moon_conn *conn)
{
    uint32_t slot = moon_conn_slot(conn->id);
    struct slab *slab = slab_of(conns, slot);
    conn->state = MOON_CONN_FREE;
    conns->count--;
    if (slab->generations[slot % SLAB] < MOON_MAX_GENERATION) {
        slab->next_free[slot % SLAB] = conns->first_free;
        conns->first_free = slot + 1;
    }
}

uint32_t moon_conns_count(const struct moon_conns *conns)
{
    return conns->count;
}

struct moon_conn *moon_conns_next(const struct moon_conns *conns, uint32_t *cursor)
{
    while (*cursor < conns->slab_count * SLAB) {
        uint32_t slot = (*cursor)++;
        struct moon_conn *conn = &slab_of(conns, slot)->conns[slot % SLAB];
        if (conn->state != MOON_CONN_FREE) {
            return conn;
        }
    }
    return NULL;
}
