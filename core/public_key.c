/* SPDX-License-Identifier: MIT */
#include "public_key.h"
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

enum {
    MAX_MODULUS_BYTES = 1024, /* what a verification costs grows with its square */
    MAX_EXPONENT_BYTES = 8,
};

/* ---- what there is ---- */

/* The curves of ES256, ES384 and ES512. */
static bool is_known_curve(const EVP_PKEY *key)
{
    static const char *const curves[] = {SN_X9_62_prime256v1, SN_secp384r1,
                                         SN_secp521r1};
    char name[64] = "";
    if (EVP_PKEY_get_group_name(key, name, sizeof name, NULL) != 1) {
        return false;
    }
    for (unsigned i = 0; i < sizeof curves / sizeof *curves; i++) {
        if (strcmp(name, curves[i]) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t kind_of(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA")) {
        return MOON_KEY_RSA;
    }
    return EVP_PKEY_is_a(key, "EC") && is_known_curve(key) ? MOON_KEY_EC
                                                           : MOON_KEY_OTHER;
}

uint32_t moon_public_key_kind(const char *pem, uint64_t length, uint32_t *bits)
{
    uint32_t kind = MOON_KEY_NONE;
    BIO *bio = length <= INT_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    *bits = 0;
    if (key != NULL) {
        kind = kind_of(key);
        *bits = (uint32_t)EVP_PKEY_get_bits(key);
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return kind;
}

/* ---- what is made ---- */

static int write_pem(EVP_PKEY *key, char *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int status = MOON_EINVAL;
    char *bytes = NULL;
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1) {
        long length = BIO_get_mem_data(bio, &bytes);
        if (length > 0 && length < MOON_MAX_PEM_BYTES) {
            memcpy(pem, bytes, (size_t)length);
            pem[length] = '\0';
            status = MOON_OK;
        }
    }
    BIO_free(bio);
    return status;
}

static int make(const char *type, OSSL_PARAM_BLD *builder, char *pem)
{
    int status = MOON_EINVAL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM *numbers = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (numbers != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, numbers) == 1) {
        status = write_pem(key, pem);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(numbers);
    return status;
}

/* NULL for one that is too long. */
static BIGNUM *number_of(const char *bytes, uint64_t length, uint64_t max)
{
    return length > max ? NULL
                        : BN_bin2bn((const unsigned char *)bytes, (int)length, NULL);
}

int moon_public_key_of_rsa(const char *modulus, uint64_t modulus_length,
                           const char *exponent, uint64_t exponent_length, char *pem)
{
    int status = MOON_EINVAL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = number_of(modulus, modulus_length, MAX_MODULUS_BYTES);
    BIGNUM *e = number_of(exponent, exponent_length, MAX_EXPONENT_BYTES);
    bool is_key = n != NULL && e != NULL && BN_is_odd(n) && BN_is_odd(e) &&
                  !BN_is_one(e) && BN_num_bits(n) > 64;
    if (is_key && builder != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        status = make("RSA", builder, pem);
    }
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    ERR_clear_error();
    return status;
}

int moon_public_key_of_ec(const char *curve, const char *point, uint64_t length,
                          char *pem)
{
    int status = MOON_EINVAL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    bool is_point = length > 1 && point[0] == 4; /* else it may be that at infinity */
    if (is_point && builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve,
                                        0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         length) == 1) {
        status = make("EC", builder, pem);
    }
    OSSL_PARAM_BLD_free(builder);
    ERR_clear_error();
    return status;
}
