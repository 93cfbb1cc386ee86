/* http.h - HTTP/1.1 responses that moongate writes itself; libwebsockets serves the
 * files.
 *
 * Thread: any, on the caller's memory.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_HTTP_HEAD_BYTES = 512, /* of a head without header lines of a script */
};

struct moon_response {
    uint32_t status;
    uint32_t retry_after_s; /* 0: no such header */
    const char *headers;    /* further lines, each ended by CR LF; may be NULL */
    uint32_t headers_bytes;
    uint64_t body_bytes;
};

/* Writes the head, up to and with the empty line, to out[capacity]; returns its length,
 * or 0 when it does not fit; no NUL. Adds what RFC 9110 or 6455 want with the status:
 * Allow is the caller's, Sec-WebSocket-Version with 426, WWW-Authenticate with 401. A
 * Content-Type of text/plain is added when there is a body, Cache-Control: no-store,
 * and that the connection closes. What `headers` has already is not added. No body is
 * announced with 204 and 304. */
uint32_t moon_http_head(char *out, uint32_t capacity,
                        const struct moon_response *response);

/* Whether these are well-formed header lines that a script may set: names are tokens,
 * values have no control characters (a tab is one), and none of Connection,
 * Content-Length, Transfer-Encoding, Date, Upgrade, Trailer is among them (RFC
 * 9112). */
bool moon_http_headers_are_valid(const char *headers, uint64_t bytes);

/* "Not Found" for 404; "" for a status that has no usual phrase. */
const char *moon_http_phrase(uint32_t status);
