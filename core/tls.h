/* tls.h - certificate and key: read, checked against each other and the clock, put into
 * force for new connections.
 *
 * tls.c is the only file that includes OpenSSL's headers. A pair that does not fit is
 * never put into force.
 * Thread: any; a pair belongs to the thread that loaded it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_TLS_PROBLEM_BYTES = 512,
    MOON_TLS_RECORD_BYTES = 16384, /* RFC 8446 section 5.1 */
};

struct moon_tls;

/* Reads a PEM certificate with its chain, and its PEM private key. NULL, with one line
 * in `problem` that names the file and what was expected, when a file cannot be read or
 * parsed, the key is not the certificate's or wants a password, the certificate is not
 * valid at `now_s` (seconds since 1970 UTC), or OpenSSL finds it too weak. Never waits
 * for a pipe or a terminal. */
struct moon_tls *moon_tls_load(const char *cert_path, const char *key_path,
                               int64_t now_s, char problem[MOON_TLS_PROBLEM_BYTES]);
void moon_tls_destroy(struct moon_tls *tls);

/* Makes `ssl_ctx`, an SSL_CTX, present it, and nothing else, to clients that come from
 * now on, and take TLS 1.2 or newer only. `tls` may be destroyed afterwards. Sets the
 * callback of SSL_CTX_set_cert_cb(). False, with *problem, when OpenSSL refuses; the
 * old pair then stays. */
bool moon_tls_install(const struct moon_tls *tls, void *ssl_ctx,
                      char problem[MOON_TLS_PROBLEM_BYTES]);

/* Reads from a connection, an SSL, what one record brings. 0 when nothing is there now,
 * -1 when the peer has closed or the connection is broken. Room for less than
 * MOON_TLS_RECORD_BYTES leaves bytes that make no socket readable. */
int moon_tls_read(void *ssl, char *bytes, uint32_t room);

/* Bytes of the record under way that have not been read. */
uint32_t moon_tls_pending(const void *ssl);

/* End of the certificate's validity, in seconds since 1970 UTC. */
int64_t moon_tls_not_after_s(const struct moon_tls *tls);

/* Whether clients see the same of both: the certificate and its chain. */
bool moon_tls_is_same(const struct moon_tls *a, const struct moon_tls *b);

/* SHA-256 of the certificate in hexadecimal, for the log. */
void moon_tls_fingerprint(const struct moon_tls *tls, char text[65]);

/* An SSL_CTX that trusts nobody, for a library that wants one for connections nobody
 * makes (and would else read all certificates of the system). NULL when OpenSSL has no
 * memory. */
void *moon_tls_client_create(void);
void moon_tls_client_destroy(void *ssl_ctx);
