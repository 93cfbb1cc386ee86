/* SPDX-License-Identifier: MIT */
#include "password.h"
#include "crypto.h"
#include <argon2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    SALT_BYTES = 16,
    DIGEST_BYTES = 32,
    MAX_KIB = 65536, /* of hashes that were made elsewhere */
    MAX_PASSES = 10,
    MAX_LANES = 4,
};

/* What a hash says that it costs. */
struct cost {
    uint32_t kib, passes, lanes;
};

static const struct cost ours = {MOON_PASSWORD_KIB, 2, 1}; /* as OWASP has it */

uint32_t moon_password_hash(const char *password, uint64_t length, char *hash)
{
    char salt[SALT_BYTES];
    moon_crypto_random(salt, sizeof salt);
    int failure =
        argon2id_hash_encoded(ours.passes, ours.kib, ours.lanes, password, length, salt,
                              sizeof salt, DIGEST_BYTES, hash, MOON_MAX_HASH_BYTES);
    return failure == ARGON2_OK ? MOON_PASSWORD_DONE : MOON_PASSWORD_FAILED;
}

/* Reads "m=19456" and moves on; of nothing, or too much, 0. */
static uint32_t read_number(const char **at, const char *name, uint32_t max)
{
    size_t length = strlen(name);
    if (strncmp(*at, name, length) != 0) {
        return 0;
    }
    uint32_t number = 0;
    const char *digit = *at + length;
    while (*digit >= '0' && *digit <= '9' && number <= max) {
        number = number * 10 + (uint32_t)(*digit++ - '0');
    }
    *at = digit;
    return number <= max ? number : 0;
}

/* Before the library takes the memory that a hash asks for. */
static bool read_cost(const char *hash, struct cost *cost)
{
    const char *at = hash;
    static const char prefix[] = "$argon2id$v=19$";
    if (strncmp(at, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    at += sizeof prefix - 1;
    cost->kib = read_number(&at, "m=", MAX_KIB);
    cost->passes = read_number(&at, ",t=", MAX_PASSES);
    cost->lanes = read_number(&at, ",p=", MAX_LANES);
    return cost->kib > 0 && cost->passes > 0 && cost->lanes > 0;
}

static bool is_ours(const struct cost *cost)
{
    return cost->kib == ours.kib && cost->passes == ours.passes &&
           cost->lanes == ours.lanes;
}

uint32_t moon_password_check(const char *password, uint64_t length, const char *hash,
                             uint64_t hash_length)
{
    struct cost cost;
    char copy[MOON_MAX_HASH_BYTES];
    if (hash_length >= sizeof copy) {
        return MOON_PASSWORD_BAD_HASH;
    }
    memcpy(copy, hash, hash_length);
    copy[hash_length] = '\0';
    if (strlen(copy) != hash_length || !read_cost(copy, &cost)) {
        return MOON_PASSWORD_BAD_HASH;
    }
    switch (argon2id_verify(copy, password, length)) {
    case ARGON2_OK:
        return is_ours(&cost) ? MOON_PASSWORD_DONE : MOON_PASSWORD_OUTDATED;
    case ARGON2_VERIFY_MISMATCH:
        return MOON_PASSWORD_WRONG;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
    case ARGON2_THREAD_FAIL:
        return MOON_PASSWORD_FAILED;
    default:
        return MOON_PASSWORD_BAD_HASH;
    }
}
