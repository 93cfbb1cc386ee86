/* SPDX-License-Identifier: MIT */
#include "payload.h"
#include <assert.h>
#include <string.h>

enum {
    MARK_BYTES = 4,
    HEADING_BYTES =
        36, /* the mark, 8 letters each of sender and sequence, 16 of time */
    WORD_BYTES = 8,
};

static const char mark[] = "~mg~";

/* Eight letters, "@" to "O", one for each four bits. */
#define LETTERS 0x4040404040404040u
#define NIBBLES 0x0f0f0f0f0f0f0f0fu

static uint64_t load(const char *from)
{
    uint64_t word = 0;
    memcpy(&word, from, sizeof word);
    return word;
}

static void store(char *out, uint64_t word)
{
    memcpy(out, &word, sizeof word);
}

static uint64_t spelled(uint32_t number)
{
    uint64_t word = number;
    word = (word | word << 16) & 0x0000ffff0000ffffu;
    word = (word | word << 8) & 0x00ff00ff00ff00ffu;
    word = (word | word << 4) & NIBBLES;
    return word | LETTERS;
}

/* Letters without LETTERS. */
static uint32_t number_of(uint64_t word)
{
    word = (word | word >> 4) & 0x00ff00ff00ff00ffu;
    word = (word | word >> 8) & 0x0000ffff0000ffffu;
    return (uint32_t)(word | word >> 16);
}

/* The filler's words: a linear congruential generator begun with the heading. */
static uint64_t seed_of(const struct moon_heading *heading)
{
    uint64_t seed = (uint64_t)heading->sender << 32 | heading->sequence;
    seed = (seed ^ heading->due_ns * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    return seed ^ seed >> 31;
}

static uint64_t following(uint64_t state)
{
    return state * 6364136223846793005u + 1442695040888963407u;
}

static uint64_t word_of(uint64_t state)
{
    return ((state ^ state >> 36) & NIBBLES) | LETTERS;
}

void moon_payload_write(char *out, uint32_t bytes, const struct moon_heading *heading)
{
    assert(bytes >= MOON_PAYLOAD_MIN);
    memcpy(out, mark, MARK_BYTES);
    store(out + 4, spelled(heading->sender));
    store(out + 12, spelled(heading->sequence));
    store(out + 20, spelled((uint32_t)heading->due_ns));
    store(out + 28, spelled((uint32_t)(heading->due_ns >> 32)));
    uint64_t state = seed_of(heading);
    uint32_t at = HEADING_BYTES;
    for (; at + WORD_BYTES <= bytes; at += WORD_BYTES) {
        state = following(state);
        store(out + at, word_of(state));
    }
    uint64_t last = word_of(following(state));
    memcpy(out + at, &last, bytes - at);
}

const char *moon_payload_find(const char *text, uint64_t length)
{
    const char *end = text + length;
    while (length >= MARK_BYTES) {
        const char *found = memchr(text, mark[0], length - MARK_BYTES + 1);
        if (found == NULL || memcmp(found, mark, MARK_BYTES) == 0) {
            return found;
        }
        text = found + 1;
        length = (uint64_t)(end - text);
    }
    return NULL;
}

static bool has_filler(const char *payload, uint32_t bytes, uint64_t state)
{
    uint64_t wrong = 0;
    uint32_t at = HEADING_BYTES;
    for (; at + WORD_BYTES <= bytes; at += WORD_BYTES) {
        state = following(state);
        wrong |= load(payload + at) ^ word_of(state);
    }
    uint64_t last = word_of(following(state));
    return wrong == 0 && memcmp(payload + at, &last, bytes - at) == 0;
}

bool moon_payload_read(const char *payload, uint32_t bytes,
                       struct moon_heading *heading)
{
    if (bytes < MOON_PAYLOAD_MIN || memcmp(payload, mark, MARK_BYTES) != 0) {
        return false;
    }
    uint64_t sender = load(payload + 4) ^ LETTERS;
    uint64_t sequence = load(payload + 12) ^ LETTERS;
    uint64_t low = load(payload + 20) ^ LETTERS;
    uint64_t high = load(payload + 28) ^ LETTERS;
    if (((sender | sequence | low | high) & ~NIBBLES) != 0) {
        return false;
    }
    heading->sender = number_of(sender);
    heading->sequence = number_of(sequence);
    heading->due_ns = (uint64_t)number_of(high) << 32 | number_of(low);
    return has_filler(payload, bytes, seed_of(heading));
}
