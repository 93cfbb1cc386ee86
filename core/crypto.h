/* crypto.h - digests, comparisons that tell nothing by their time, and random bytes; by
 * OpenSSL.
 *
 * They fail only when there is no memory or no randomness, and then abort.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Writes 64 hexadecimal digits in lower case, not terminated. */
void moon_crypto_sha256(const char *bytes, uint64_t length, char *digits);
void moon_crypto_hmac_sha256(const char *key, uint64_t key_length, const char *bytes,
                             uint64_t length, char *digits);

/* Whether `mac` is the HMAC of these bytes by SHA-2 of so many bits: 256, 384, 512. */
bool moon_crypto_is_hmac(uint32_t bits, const char *key, uint64_t key_length,
                         const char *bytes, uint64_t length, const char *mac,
                         uint64_t mac_length);

/* How long it takes depends on the lengths, and not on where they differ. */
bool moon_crypto_is_same(const char *one, uint64_t one_length, const char *other,
                         uint64_t other_length);

/* Fit for keys. */
void moon_crypto_random(char *bytes, uint64_t length);
