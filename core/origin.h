/* origin.h - web origins (RFC 6454): scheme, host and port, from text and compared.
 *
 * Scheme and host compare without case, and the usual port of http and https is the
 * same written or left out. Nothing else is made alike: "chat.test." is not
 * "chat.test", and [0:0:0:0:0:0:0:1] is not [::1], which is how browsers write it.
 * "null" is no origin, nor is one with a path or with user info.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Borrowed from the text that was read. */
struct moon_origin {
    const char *scheme, *host; /* an IPv6 address with its brackets */
    uint32_t scheme_bytes, host_bytes;
    uint32_t port; /* 0: none is named, and the scheme has no usual one */
};

/* Reads "https://chat.test:8443", the whole of it. False when it is malformed. */
bool moon_origin_read(const char *text, uint64_t bytes, struct moon_origin *origin);

/* The origin of pages that come from the NUL-terminated Host header of a request. False
 * when that is no host with or without a port. */
bool moon_origin_of_host(const char *host, bool is_tls, struct moon_origin *origin);

bool moon_origin_equals(const struct moon_origin *a, const struct moon_origin *b);
