/* stacks.h - counts stacks of a profile: a tree of frames, in memory of a fixed size.
 *
 * Bounded: at most MOON_MAX_FRAMES different frames and MOON_MAX_NODES places in the
 * tree; ticks for which there is no place are counted. Nothing is allocated after
 * moon_stacks_create(). Knows neither Lua nor symbols: a frame is a text.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_stacks;

enum {
    MOON_MAX_FRAMES = 4096,
    MOON_MAX_NODES = 16384,
    MOON_FRAME_BYTES = 128,
    MOON_MAX_FOLDED_BYTES = 1572864, /* of the text: as JSON it still fits an answer */
};

struct moon_stacks *moon_stacks_create(void);

/* NULL is fine. */
void moon_stacks_destroy(struct moon_stacks *stacks);

/* The number of the frame with this text, of which the last MOON_FRAME_BYTES - 1 bytes
 * count; 0 when there is no place. What the folded text cannot hold becomes '_'. */
uint32_t moon_stacks_frame(struct moon_stacks *stacks, const char *text,
                           uint64_t length);

/* The stack was seen for so many ticks. `frames` are numbers, the innermost first;
 * those of 0 are left out. `root` is whose it is. */
void moon_stacks_add(struct moon_stacks *stacks, uint32_t root, const uint32_t *frames,
                     uint32_t count, uint32_t ticks);

/* Ticks for which there was no place, those that moon_stacks_write() had none for
 * among them. */
uint64_t moon_stacks_dropped(const struct moon_stacks *stacks);

/* Folded text: a line "root;outer;inner ticks" for each stack, the most ticks first;
 * those for which there is no space are dropped. Returns its length. */
uint64_t moon_stacks_write(struct moon_stacks *stacks, char *text, uint64_t capacity);
