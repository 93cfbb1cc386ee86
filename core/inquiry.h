/* inquiry.h - an outgoing HTTP request, as the scripts pack it for the fetcher.
 *
 * Packed it is method, URL and header lines, each ended by NUL, and then the body.
 * Whether the URL is one is not for this file to say. Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"
#include <stdbool.h>

struct moon_inquiry {
    struct moon_fetch_limits limits;
    const char *method, *url; /* these three are terminated, */
    const char *headers;      /* lines, each ended by CR LF */
    const char *body;         /* this one is not */
    uint64_t body_length;
};

/* Reads what was packed, and borrows it. MOON_EBIG; MOON_EINVAL for limits out of their
 * ranges, an unknown method, malformed header lines, and those that are the fetcher's
 * own. */
int moon_inquiry_read(struct moon_inquiry *inquiry,
                      const struct moon_fetch_limits *limits, const char *bytes,
                      uint64_t length);

/* Takes the next header line from *at; its length is without CR LF. */
bool moon_inquiry_next_line(const char **at, const char **line, uint64_t *length);

/* Whether the header line has this name. */
bool moon_inquiry_is_named(const char *line, const char *name);
