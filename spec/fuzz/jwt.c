/* SPDX-License-Identifier: MIT
 * What a client sends as a token, and a URL as a key: base64, signatures, keys. */
#include "../../core/jwt.h"
#include "../../core/base64.h"
#include "../../core/public_key.h"
#include "fuzz.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";

/* The key of RFC 7515, A.3. */
static const char known_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END PUBLIC KEY-----\n";

/* What can be read is the one text for its bytes. */
static void read_base64(const char *text, uint64_t length)
{
    char *bytes = malloc(length * 3 / 4 + 1);
    int64_t count = moon_base64_decode(text, length, bytes);
    if (count >= 0) {
        char *again = malloc(length + 4);
        EXPECT(moon_base64_encode(bytes, (uint64_t)count, again) == length);
        EXPECT(memcmp(again, text, length) == 0);
        free(again);
    }
    free(bytes);
}

/* As jwt.lua lets them through. */
static bool is_token(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_";
    for (int part = 0; part < 3; part++) {
        size_t length = strspn(text, letters);
        if (length == 0 || text[length] != (part < 2 ? '.' : '\0')) {
            return false;
        }
        text += length + 1;
    }
    return true;
}

/* What header and claims are made of, in base64, and a signature as it is. */
static void verify(struct fuzz *fuzz)
{
    char *header = fuzz_text(fuzz, "\n");
    char *claims = fuzz_text(fuzz, "\n");
    char *signature = fuzz_text(fuzz, "");
    size_t bytes = 2 * (strlen(header) + strlen(claims)) + strlen(signature) + 8;
    char *token = malloc(bytes);
    uint64_t at = moon_base64_encode(header, strlen(header), token);
    token[at++] = '.';
    at += moon_base64_encode(claims, strlen(claims), token + at);
    token[at++] = '.';
    memcpy(token + at, signature, strlen(signature) + 1);
    if (is_token(token)) {
        bool by_secret = moon_jwt_is_signed(token, "HS256", secret, sizeof secret - 1);
        bool by_key =
            moon_jwt_is_signed(token, "ES256", known_pem, sizeof known_pem - 1);
        EXPECT(!(by_secret && by_key)); /* it can ask for one of them */
        EXPECT(!moon_jwt_is_signed(token, "HS256", "", 0));
        EXPECT(!moon_jwt_is_signed(token, "none", secret, sizeof secret - 1));
    }
    free(token);
    free(header);
    free(claims);
    free(signature);
}

/* A key that is made is one. */
static void make_key(struct fuzz *fuzz, bool is_rsa)
{
    char pem[MOON_MAX_PEM_BYTES];
    uint32_t bits = 0, first_bytes = fuzz_byte(fuzz), second_bytes = 2000;
    const char *first = fuzz_bytes(fuzz, &first_bytes);
    const char *second = fuzz_bytes(fuzz, &second_bytes);
    int status =
        is_rsa ? moon_public_key_of_rsa(second, second_bytes, first, first_bytes, pem)
               : moon_public_key_of_ec("P-256", first, first_bytes, pem);
    EXPECT(status == MOON_OK || status == MOON_EINVAL);
    if (status == MOON_OK) {
        EXPECT(strlen(pem) < sizeof pem);
        EXPECT(moon_public_key_kind(pem, strlen(pem), &bits) ==
               (is_rsa ? MOON_KEY_RSA : MOON_KEY_EC));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fuzz fuzz = {data, data + bytes};
    uint32_t what = fuzz_byte(&fuzz), length = 1 << 16, bits = 0;
    switch (what % 5) {
    case 0:
        verify(&fuzz);
        break;
    case 1:
        make_key(&fuzz, true);
        break;
    case 2:
        make_key(&fuzz, false);
        break;
    case 3: {
        const char *text = fuzz_bytes(&fuzz, &length);
        (void)moon_public_key_kind(text, length, &bits);
        break;
    }
    default: {
        const char *text = fuzz_bytes(&fuzz, &length);
        read_base64(text, length);
    }
    }
    return 0;
}
