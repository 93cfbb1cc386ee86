/* SPDX-License-Identifier: MIT */
#include "stacks.h"
#include "../core/mem.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 2 * MOON_MAX_NODES, /* of a hash table: a power of two */
    FRAME_SLOTS = 2 * MOON_MAX_FRAMES,
    MAX_DEPTH = 256,
    TICKS_BYTES = 24, /* of a line: the root, the ticks and the end */
};

struct node { /* a frame that was called from another; 0 is the root of all */
    uint32_t parent, frame, ticks;
};

struct moon_stacks {
    uint64_t dropped;
    uint32_t frames, nodes; /* the numbers taken, 0 is none */
    char texts[MOON_MAX_FRAMES][MOON_FRAME_BYTES];
    struct node tree[MOON_MAX_NODES];
    uint16_t frame_at[FRAME_SLOTS], node_at[SLOTS]; /* number by hash; 0: free */
};

struct moon_stacks *moon_stacks_create(void)
{
    struct moon_stacks *stacks = moon_alloc(sizeof *stacks);
    stacks->frames = stacks->nodes = 1;
    return stacks;
}

void moon_stacks_destroy(struct moon_stacks *stacks)
{
    moon_free(stacks);
}

/* ---- frames ---- */

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261U; /* FNV-1a: texts of our own making, nobody's attack */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    }
    return hash;
}

static void copy_plain(char *out, const char *text, uint64_t length)
{
    if (length > MOON_FRAME_BYTES - 1) {
        text += length - (MOON_FRAME_BYTES - 1);
        length = MOON_FRAME_BYTES - 1;
    }
    for (uint64_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_plain = byte > ' ' && byte != ';' && byte != 0x7f;
        out[i] = text[i];
        if (!is_plain) {
            out[i] = '_';
        }
    }
    out[length] = '\0';
}

uint32_t moon_stacks_frame(struct moon_stacks *stacks, const char *text,
                           uint64_t length)
{
    char plain[MOON_FRAME_BYTES];
    copy_plain(plain, text, length);
    uint32_t slot = hash_of(plain) % FRAME_SLOTS;
    for (; stacks->frame_at[slot] != 0; slot = (slot + 1) % FRAME_SLOTS) {
        if (strcmp(stacks->texts[stacks->frame_at[slot]], plain) == 0) {
            return stacks->frame_at[slot];
        }
    }
    if (stacks->frames == MOON_MAX_FRAMES) {
        return 0;
    }
    stacks->frame_at[slot] = (uint16_t)stacks->frames;
    memcpy(stacks->texts[stacks->frames], plain, sizeof plain);
    return stacks->frames++;
}

/* ---- stacks ---- */

/* 0 when there is no place. */
static uint32_t node_of(struct moon_stacks *stacks, uint32_t parent, uint32_t frame)
{
    uint32_t slot = (parent * 2654435761U ^ frame * 2246822519U) % SLOTS;
    for (; stacks->node_at[slot] != 0; slot = (slot + 1) % SLOTS) {
        const struct node *node = &stacks->tree[stacks->node_at[slot]];
        if (node->parent == parent && node->frame == frame) {
            return stacks->node_at[slot];
        }
    }
    if (stacks->nodes == MOON_MAX_NODES) {
        return 0;
    }
    stacks->node_at[slot] = (uint16_t)stacks->nodes;
    stacks->tree[stacks->nodes] = (struct node){parent, frame, 0};
    return stacks->nodes++;
}

/* A root is a frame of no text: its number is behind theirs. */
void moon_stacks_add(struct moon_stacks *stacks, uint32_t root, const uint32_t *frames,
                     uint32_t count, uint32_t ticks)
{
    uint32_t at = node_of(stacks, 0, MOON_MAX_FRAMES + root);
    count = count < MAX_DEPTH - 1 ? count : MAX_DEPTH - 1;
    for (uint32_t i = count; i > 0 && at != 0; i--) {
        if (frames[i - 1] != 0) {
            at = node_of(stacks, at, frames[i - 1]);
        }
    }
    if (at == 0) {
        stacks->dropped += ticks;
    } else {
        stacks->tree[at].ticks += ticks;
    }
}

uint64_t moon_stacks_dropped(const struct moon_stacks *stacks)
{
    return stacks->dropped;
}

/* ---- the text ---- */

struct ranked {
    uint32_t ticks, node;
};

static int by_ticks(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->ticks != b->ticks) {
        return a->ticks < b->ticks ? 1 : -1;
    }
    return a->node < b->node ? -1 : 1;
}

/* The bytes written; 0 when they do not fit. */
static uint64_t write_line(const struct moon_stacks *stacks, uint32_t number,
                           char *text, uint64_t capacity)
{
    uint32_t path[MAX_DEPTH], depth = 0;
    uint64_t length = TICKS_BYTES;
    for (uint32_t at = number; at != 0 && depth < MAX_DEPTH;
         at = stacks->tree[at].parent) {
        path[depth++] = stacks->tree[at].frame;
        length += MOON_FRAME_BYTES;
    }
    if (length > capacity) {
        return 0; /* about: it would be full with the next anyway */
    }
    if (depth == 0) {
        return 0;
    }
    char *end = text;
    end += sprintf(end, "%u", path[depth - 1] - MOON_MAX_FRAMES);
    for (uint32_t i = depth - 1; i > 0; i--) {
        end += sprintf(end, ";%s", stacks->texts[path[i - 1]]);
    }
    end += sprintf(end, " %u\n", stacks->tree[number].ticks);
    return (uint64_t)(end - text);
}

uint64_t moon_stacks_write(struct moon_stacks *stacks, char *text, uint64_t capacity)
{
    struct ranked *order = moon_alloc(MOON_MAX_NODES * sizeof *order);
    uint32_t count = 0;
    uint64_t used = 0;
    for (uint32_t i = 1; i < stacks->nodes; i++) {
        if (stacks->tree[i].ticks > 0) {
            order[count++] = (struct ranked){stacks->tree[i].ticks, i};
        }
    }
    qsort(order, count, sizeof *order, by_ticks);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t length =
            write_line(stacks, order[i].node, text + used, capacity - used);
        used += length;
        stacks->dropped += length == 0 ? order[i].ticks : 0;
    }
    moon_free(order);
    return used;
}
