/* SPDX-License-Identifier: MIT */
/* The verbs of api.h that need no gate: what is computed. Apart from api.c, so that the
 * specs can have the same ones outside of the executable. */
#pragma GCC visibility push(default)
#include "api.h"
#pragma GCC visibility pop
#include "../core/base64.h"
#include "../core/crypto.h"
#include "../core/jwt.h"
#include "../core/password.h"
#include "../core/public_key.h"

void moon_sha256(const char *bytes, uint64_t length, char *digits)
{
    moon_crypto_sha256(bytes, length, digits);
}

void moon_hmac_sha256(const char *key, uint64_t key_length, const char *bytes,
                      uint64_t length, char *digits)
{
    moon_crypto_hmac_sha256(key, key_length, bytes, length, digits);
}

int moon_is_same(const char *one, uint64_t one_length, const char *other,
                 uint64_t other_length)
{
    return moon_crypto_is_same(one, one_length, other, other_length);
}

void moon_random(char *bytes, uint64_t length)
{
    moon_crypto_random(bytes, length);
}

uint64_t moon_to_base64(const char *bytes, uint64_t length, char *text)
{
    return moon_base64_encode(bytes, length, text);
}

int64_t moon_from_base64(const char *text, uint64_t length, char *bytes)
{
    return moon_base64_decode(text, length, bytes);
}

uint32_t moon_key_kind(const char *pem, uint64_t length, uint32_t *bits)
{
    return moon_public_key_kind(pem, length, bits);
}

int moon_rsa_key(const char *modulus, uint64_t modulus_length, const char *exponent,
                 uint64_t exponent_length, char *pem)
{
    return moon_public_key_of_rsa(modulus, modulus_length, exponent, exponent_length,
                                  pem);
}

int moon_ec_key(const char *curve, const char *point, uint64_t length, char *pem)
{
    return moon_public_key_of_ec(curve, point, length, pem);
}

int moon_has_jwt_algorithm(const char *algorithm)
{
    return moon_jwt_has_algorithm(algorithm);
}

int moon_is_signed(const char *token, const char *algorithm, const char *key,
                   uint64_t key_length)
{
    return moon_jwt_is_signed(token, algorithm, key, key_length);
}

uint32_t moon_password_now(const char *password, uint64_t length, const char *hash,
                           uint64_t hash_length, char *made)
{
    return hash_length == 0 ? moon_password_hash(password, length, made)
                            : moon_password_check(password, length, hash, hash_length);
}
