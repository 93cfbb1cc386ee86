/* signature.h - signatures by the private key of a public one, of RSA (PKCS #1 v1.5) or
 * on the curves of NIST; by OpenSSL.
 *
 * Reading a PEM takes longer than the rest: the keys of the last ones are kept.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"
#include <stdbool.h>

/* What signs: RSA with a digest of SHA-2 of so many bits; or EC, whose curve goes with
 * them: P-256, P-384, and P-521 with 512. */
struct moon_signer {
    uint32_t kind; /* MOON_KEY_RSA, MOON_KEY_EC */
    uint32_t bits;
    const char *pem; /* "PUBLIC KEY" */
    uint64_t pem_length;
};

/* Whether the signature is that of these bytes. Of EC it is r and s, one after the
 * other, each as long as the order of the curve (RFC 7518, section 3.4). */
bool moon_signature_is_by(const struct moon_signer *signer, const char *bytes,
                          uint64_t length, const char *signature,
                          uint64_t signature_length);
