/* password.h - hashes of passwords: argon2id (RFC 9106), by libargon2.
 *
 * Each takes tens of milliseconds, and MOON_PASSWORD_KIB of memory while it runs.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"

/* Writes a hash with a salt of its own, "$argon2id$v=19$m=19456,t=2,p=1$...", ended by
 * NUL, of at most MOON_MAX_HASH_BYTES. MOON_PASSWORD_DONE or MOON_PASSWORD_FAILED. */
uint32_t moon_password_hash(const char *password, uint64_t length, char *hash);

/* Compares with such a hash, which may cost more than one of ours up to a limit. Any
 * enum moon_password_outcome. */
uint32_t moon_password_check(const char *password, uint64_t length, const char *hash,
                             uint64_t hash_length);
