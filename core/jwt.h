/* jwt.h - whether a JSON Web Token was signed with a key. libjwt reads the token and
 * knows the algorithms, but does not look at signatures: it would compare HMACs by
 * strcmp(), which tells by its time how much was right, and read the PEM of a key anew
 * for each token.
 *
 * Of the claims, and of the time, it knows nothing.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* HS256, RS256, ES256, and the same with 384 and 512. */
bool moon_jwt_has_algorithm(const char *algorithm);

/* Whether `token`, which ends with NUL, is signed with this key by this algorithm, and
 * says that itself: a secret for HS, the PEM of a public key for the others. */
bool moon_jwt_is_signed(const char *token, const char *algorithm, const char *key,
                        uint64_t key_length);
