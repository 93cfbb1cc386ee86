/* payload.h - what the generator says: who, the how manieth, since when, and a filler
 * that follows from these, so that every byte is checked where it arrives.
 *
 * Plain ASCII without a quote or a backslash: a payload passes through JSON as it is.
 * The bytes come back to the machine that has written them, whatever its byte order.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_PAYLOAD_MIN = 44, /* bytes: the heading and the least filler */
    MOON_PAYLOAD_MAX = 262144,
};

struct moon_heading {
    uint32_t sender;
    uint32_t sequence; /* of this sender's messages, from 0 */
    uint64_t due_ns;   /* when it should have been sent */
};

/* Writes `bytes` of payload, at least MOON_PAYLOAD_MIN. */
void moon_payload_write(char *out, uint32_t bytes, const struct moon_heading *heading);

/* Where in the text a payload may begin; NULL when there is none. */
const char *moon_payload_find(const char *text, uint64_t length);

/* False when any of the bytes is not what moon_payload_write() wrote. */
bool moon_payload_read(const char *payload, uint32_t bytes,
                       struct moon_heading *heading);
