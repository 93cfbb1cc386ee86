/* base64.h - URL-safe base64 without padding (RFC 4648 section 5), as tokens have it.
 *
 * Reads one spelling only: what a decoder would skip or round off is refused, so that
 * two texts are never the same bytes.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

/* Writes (length * 4 + 2) / 3 bytes, not terminated, and returns how many. */
uint64_t moon_base64_encode(const char *bytes, uint64_t length, char *text);

/* Writes length * 3 / 4 bytes and returns how many; -1 when it is malformed. */
int64_t moon_base64_decode(const char *text, uint64_t length, char *bytes);
