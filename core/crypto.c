/* SPDX-License-Identifier: MIT */
#include "crypto.h"
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum {
    SHA256_BYTES = 32,
};

/* To go on without would be worse than to end. */
static void must(bool is_done)
{
    if (!is_done) {
        abort();
    }
}

static void sha256(const char *bytes, uint64_t length, unsigned char *digest)
{
    must(EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) == 1);
}

static void write_hex(const unsigned char *digest, char *digits)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < SHA256_BYTES; i++) {
        *digits++ = hex[digest[i] >> 4];
        *digits++ = hex[digest[i] & 15];
    }
}

void moon_crypto_sha256(const char *bytes, uint64_t length, char *digits)
{
    unsigned char digest[SHA256_BYTES];
    sha256(bytes, length, digest);
    write_hex(digest, digits);
}

void moon_crypto_hmac_sha256(const char *key, uint64_t key_length, const char *bytes,
                             uint64_t length, char *digits)
{
    unsigned char digest[SHA256_BYTES];
    must(key_length <= INT_MAX &&
         HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)bytes, length,
              digest, NULL) != NULL);
    write_hex(digest, digits);
}

bool moon_crypto_is_hmac(uint32_t bits, const char *key, uint64_t key_length,
                         const char *bytes, uint64_t length, const char *mac,
                         uint64_t mac_length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_length = 0;
    const EVP_MD *sha2 = bits == 256   ? EVP_sha256()
                         : bits == 384 ? EVP_sha384()
                                       : EVP_sha512();
    must(key_length <= INT_MAX &&
         HMAC(sha2, key, (int)key_length, (const unsigned char *)bytes, length, digest,
              &digest_length) != NULL);
    return mac_length == digest_length &&
           CRYPTO_memcmp(digest, mac, digest_length) == 0;
}

bool moon_crypto_is_same(const char *one, uint64_t one_length, const char *other,
                         uint64_t other_length)
{
    unsigned char digests[2][SHA256_BYTES];
    sha256(one, one_length, digests[0]);
    sha256(other, other_length, digests[1]);
    return CRYPTO_memcmp(digests[0], digests[1], SHA256_BYTES) == 0;
}

void moon_crypto_random(char *bytes, uint64_t length)
{
    must(length <= INT_MAX && RAND_bytes((unsigned char *)bytes, (int)length) == 1);
}
