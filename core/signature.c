/* SPDX-License-Identifier: MIT */
#include "signature.h"
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum {
    KEPT = 16, /* keys; a set that is published has a few */
};

/* ---- keys ---- */

struct kept {
    EVP_PKEY *key; /* NULL: none */
    uint64_t length;
    char pem[MOON_MAX_PEM_BYTES];
};

static struct kept kept[KEPT];
static uint32_t next_kept; /* the oldest one */

static EVP_PKEY *read_key(const char *pem, uint64_t length)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)length);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

/* NULL for what is no key; it stays ours. */
static EVP_PKEY *find_key(const char *pem, uint64_t length)
{
    if (length > MOON_MAX_PEM_BYTES) {
        return NULL;
    }
    for (uint32_t i = 0; i < KEPT; i++) {
        bool is_it = kept[i].key != NULL && kept[i].length == length &&
                     memcmp(kept[i].pem, pem, length) == 0;
        if (is_it) {
            return kept[i].key;
        }
    }
    EVP_PKEY *key = read_key(pem, length);
    if (key != NULL) {
        struct kept *place = &kept[next_kept];
        next_kept = (next_kept + 1) % KEPT;
        EVP_PKEY_free(place->key);
        place->key = key;
        place->length = length;
        memcpy(place->pem, pem, length);
    }
    return key;
}

/* ---- what a signer says ---- */

struct scheme {
    uint32_t bits;
    const EVP_MD *(*digest)(void);
    const char *curve;
    uint32_t order_bytes; /* of the curve */
};

static const struct scheme schemes[] = {
    {256, EVP_sha256, SN_X9_62_prime256v1, 32},
    {384, EVP_sha384, SN_secp384r1, 48},
    {512, EVP_sha512, SN_secp521r1, 66},
};

static const struct scheme *scheme_of(uint32_t bits)
{
    for (uint32_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (schemes[i].bits == bits) {
            return &schemes[i];
        }
    }
    return NULL;
}

static bool is_meant(const struct moon_signer *signer, const struct scheme *scheme,
                     const EVP_PKEY *key)
{
    char curve[64] = "";
    if (signer->kind == MOON_KEY_RSA) {
        return EVP_PKEY_is_a(key, "RSA") == 1;
    }
    return signer->kind == MOON_KEY_EC && EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1 &&
           strcmp(curve, scheme->curve) == 0;
}

/* ---- signatures ---- */

static bool verify(EVP_PKEY *key, const EVP_MD *digest, const char *bytes,
                   uint64_t length, const unsigned char *signature, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_right = context != NULL &&
                    EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1 &&
                    EVP_DigestVerify(context, signature, size,
                                     (const unsigned char *)bytes, length) == 1;
    EVP_MD_CTX_free(context);
    return is_right;
}

/* r and s as OpenSSL takes them, in DER, to be freed; returns the length, or less. */
static int write_der(const unsigned char *pair, uint32_t order_bytes,
                     unsigned char **der)
{
    int length = -1;
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair, (int)order_bytes, NULL);
    BIGNUM *s = BN_bin2bn(pair + order_bytes, (int)order_bytes, NULL);
    if (both != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(both, r, s) == 1) {
        r = s = NULL; /* are its own now */
        length = i2d_ECDSA_SIG(both, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(both);
    return length;
}

bool moon_signature_is_by(const struct moon_signer *signer, const char *bytes,
                          uint64_t length, const char *signature,
                          uint64_t signature_length)
{
    const struct scheme *scheme = scheme_of(signer->bits);
    EVP_PKEY *key = scheme != NULL ? find_key(signer->pem, signer->pem_length) : NULL;
    const unsigned char *raw = (const unsigned char *)signature;
    bool is_right = false;
    if (key != NULL && is_meant(signer, scheme, key)) {
        unsigned char *der = NULL;
        if (signer->kind == MOON_KEY_RSA) {
            is_right = verify(key, scheme->digest(), bytes, length, raw,
                              (size_t)signature_length);
        } else if (signature_length == 2 * (uint64_t)scheme->order_bytes) {
            int size = write_der(raw, scheme->order_bytes, &der);
            is_right = size > 0 &&
                       verify(key, scheme->digest(), bytes, length, der, (size_t)size);
        }
        OPENSSL_free(der);
    }
    ERR_clear_error();
    return is_right;
}
