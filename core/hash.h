/* hash.h - SipHash-1-3 (Aumasson and Bernstein): 64 bits that nobody can aim at who
 * does not know the seed. Plainer hashes have inputs that collide whatever the seed is.
 *
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

/* The seed stands for both halves of the key. */
uint64_t moon_hash(uint64_t seed, const void *bytes, uint64_t length);
