/* SPDX-License-Identifier: MIT */
#include "origin.h"
#include <string.h>
#include <strings.h>

enum {
    PORT_DIGITS = 5,
    PORT_MAX = 65535,
    ADDRESS_MIN_BYTES = 4, /* "[::]" */
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Beside letters: RFC 3986 has more for a host, which no browser writes. */
static const char scheme_marks[] = "0123456789+-.";
static const char name_marks[] = "0123456789-._~";

static const char address_chars[] = "0123456789abcdefABCDEF:.";

static bool is_in(const char *set, char c)
{
    return memchr(set, c, strlen(set)) != NULL;
}

/* How many bytes from `at` are letters or of `marks`. */
static size_t run(const char *at, const char *end, const char *marks)
{
    const char *start = at;
    while (at < end && (is_in(letters, *at) || is_in(marks, *at))) {
        at++;
    }
    return (size_t)(at - start);
}

/* The length of "[::1]" at the front, or 0. */
static size_t address_bytes(const char *at, const char *end)
{
    const char *close = memchr(at, ']', (size_t)(end - at));
    if (close == NULL || close + 1 - at < ADDRESS_MIN_BYTES) {
        return 0;
    }
    for (const char *c = at + 1; c < close; c++) {
        if (!is_in(address_chars, *c)) {
            return 0;
        }
    }
    bool has_colon = memchr(at, ':', (size_t)(close - at)) != NULL;
    return has_colon ? (size_t)(close + 1 - at) : 0;
}

static bool read_port(const char *at, const char *end, uint32_t *port)
{
    if (at == end || end - at > PORT_DIGITS) {
        return false;
    }
    uint32_t number = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        number = number * 10 + (uint32_t)(*at - '0');
    }
    *port = number;
    return number > 0 && number <= PORT_MAX;
}

/* Reads "host" or "host:port"; without one the port stays. */
static bool read_authority(const char *at, const char *end, struct moon_origin *origin)
{
    bool is_address = at < end && *at == '[';
    size_t length = is_address ? address_bytes(at, end) : run(at, end, name_marks);
    if (length == 0) {
        return false;
    }
    origin->host = at;
    origin->host_bytes = (uint32_t)length;
    at += length;
    return at == end || (*at == ':' && read_port(at + 1, end, &origin->port));
}

static bool is_scheme(const struct moon_origin *origin, const char *scheme)
{
    return origin->scheme_bytes == strlen(scheme) &&
           strncasecmp(origin->scheme, scheme, origin->scheme_bytes) == 0;
}

static uint32_t usual_port(const struct moon_origin *origin)
{
    if (is_scheme(origin, "https")) {
        return 443;
    }
    return is_scheme(origin, "http") ? 80 : 0;
}

bool moon_origin_read(const char *text, uint64_t bytes, struct moon_origin *origin)
{
    static const char separator[] = "://";
    const char *end = text + bytes;
    if (bytes == 0 || !is_in(letters, *text)) {
        return false;
    }
    origin->scheme = text;
    origin->scheme_bytes = (uint32_t)run(text, end, scheme_marks);
    const char *at = text + origin->scheme_bytes;
    if ((size_t)(end - at) < sizeof separator - 1 ||
        memcmp(at, separator, sizeof separator - 1) != 0) {
        return false;
    }
    origin->port = usual_port(origin);
    return read_authority(at + sizeof separator - 1, end, origin);
}

bool moon_origin_of_host(const char *host, bool is_tls, struct moon_origin *origin)
{
    size_t length = strlen(host);
    origin->scheme = is_tls ? "https" : "http";
    origin->scheme_bytes = (uint32_t)strlen(origin->scheme);
    origin->port = usual_port(origin);
    if (length > 0 && host[length - 1] == ':') {
        length--; /* RFC 3986 section 3.2.3: an empty port is the usual one */
    }
    return read_authority(host, host + length, origin);
}

bool moon_origin_equals(const struct moon_origin *a, const struct moon_origin *b)
{
    return a->port == b->port && a->scheme_bytes == b->scheme_bytes &&
           a->host_bytes == b->host_bytes &&
           strncasecmp(a->scheme, b->scheme, a->scheme_bytes) == 0 &&
           strncasecmp(a->host, b->host, a->host_bytes) == 0;
}
