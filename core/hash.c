/* SPDX-License-Identifier: MIT */
#include "hash.h"
#include <string.h>

static uint64_t rotated(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void stir(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotated(v[1], 13) ^ v[0];
    v[3] = rotated(v[3], 16) ^ v[2];
    v[0] = rotated(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotated(v[3], 21) ^ v[0];
    v[1] = rotated(v[1], 17) ^ v[2];
    v[2] = rotated(v[2], 32);
}

static void take_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    stir(v);
    v[0] ^= word;
}

/* The words are read as this machine has them: a hash does not leave it. */
uint64_t moon_hash(uint64_t seed, const void *bytes, uint64_t length)
{
    uint64_t v[4] = {seed ^ 0x736f6d6570736575u, seed ^ 0x646f72616e646f6du,
                     seed ^ 0x6c7967656e657261u, seed ^ 0x7465646279746573u};
    const char *at = bytes;
    uint64_t word = 0, left = length;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        take_word(v, word);
    }
    word = 0;
    if (left > 0) {
        memcpy(&word, at, left);
    }
    take_word(v, word | length << 56);
    v[2] ^= 0xff;
    stir(v);
    stir(v);
    stir(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
