/* SPDX-License-Identifier: MIT */
#include "jwt.h"
#include "base64.h"
#include "crypto.h"
#include "signature.h"
#include <jwt.h>
#include <limits.h>
#include <string.h>

enum {
    MAX_SIGNATURE_TEXT = 1366, /* of RSA with 8192 bits, in base64 */
};

/* The library takes names in any case. */
static jwt_alg_t number_of(const char *algorithm)
{
    jwt_alg_t number = jwt_str_alg(algorithm);
    const char *name = number == JWT_ALG_INVAL ? NULL : jwt_alg_str(number);
    return name != NULL && strcmp(name, algorithm) == 0 ? number : JWT_ALG_INVAL;
}

bool moon_jwt_has_algorithm(const char *algorithm)
{
    jwt_alg_t number = number_of(algorithm);
    return number != JWT_ALG_INVAL && number != JWT_ALG_NONE;
}

/* The library goes by the algorithm that the token asks for, so that the PEM of an RSA
 * key could be the secret of an HMAC: only the one that the key is for gets past
 * here. */
static bool asks_for(const char *token, const char *algorithm)
{
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, token, NULL, 0) != 0) {
        return false;
    }
    const char *asked = jwt_get_header(jwt, "alg");
    bool is_asked = asked != NULL && strcmp(asked, algorithm) == 0;
    jwt_free(jwt);
    return is_asked;
}

/* By the digest. */
static uint32_t bits_of(jwt_alg_t algorithm)
{
    switch (algorithm) {
    case JWT_ALG_HS256:
    case JWT_ALG_RS256:
    case JWT_ALG_ES256:
        return 256;
    case JWT_ALG_HS384:
    case JWT_ALG_RS384:
    case JWT_ALG_ES384:
        return 384;
    default:
        return 512;
    }
}

bool moon_jwt_is_signed(const char *token, const char *algorithm, const char *key,
                        uint64_t key_length)
{
    char signature[MAX_SIGNATURE_TEXT];
    jwt_alg_t number = number_of(algorithm);
    const char *dot = strrchr(token, '.');
    uint64_t text_length = dot != NULL ? strlen(dot + 1) : 0;
    /* Without a key the library believes the token. */
    if (!moon_jwt_has_algorithm(algorithm) || key_length == 0 || key_length > INT_MAX ||
        text_length == 0 || text_length > sizeof signature ||
        !asks_for(token, algorithm)) {
        return false;
    }
    /* In the one spelling. */
    int64_t length = moon_base64_decode(dot + 1, text_length, signature);
    uint32_t bits = bits_of(number);
    if (length < 0) {
        return false;
    }
    if (algorithm[0] == 'H') {
        return moon_crypto_is_hmac(bits, key, key_length, token,
                                   (uint64_t)(dot - token), signature,
                                   (uint64_t)length);
    }
    struct moon_signer signer = {
        .kind = algorithm[0] == 'R' ? MOON_KEY_RSA : MOON_KEY_EC,
        .bits = bits,
        .pem = key,
        .pem_length = key_length,
    };
    return moon_signature_is_by(&signer, token, (uint64_t)(dot - token), signature,
                                (uint64_t)length);
}
