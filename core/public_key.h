/* public_key.h - public keys as PEM: what one is, and how to make one of the numbers
 * that a JSON Web Key has; by OpenSSL.
 *
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"

/* Returns enum moon_key_kind of a "PUBLIC KEY"; its length goes to *bits. */
uint32_t moon_public_key_kind(const char *pem, uint64_t length, uint32_t *bits);

/* Write at most MOON_MAX_PEM_BYTES, ended by NUL. MOON_EINVAL when no such key can be:
 * the numbers are big-endian, a point is 4, x, y, and has to lie on the curve. */
int moon_public_key_of_rsa(const char *modulus, uint64_t modulus_length,
                           const char *exponent, uint64_t exponent_length, char *pem);
int moon_public_key_of_ec(const char *curve, const char *point, uint64_t length,
                          char *pem);
