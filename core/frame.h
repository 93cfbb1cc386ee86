/* frame.h - RFC 6455 frames as a server needs them: headers for what it sends,
 * assembly and checks for what it has received (parser.h takes the wire apart).
 *
 * Thread: any, on the caller's memory.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "mem.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_FRAME_HEADER_MAX = 10, /* bytes; a server does not mask */
    MOON_FRAME_CONTROL_MAX = 125,
};

/* RFC 6455 section 5.2; the data opcodes are enum moon_opcode. */
enum {
    MOON_FRAME_CONTINUATION = 0,
    MOON_FRAME_CLOSE = 8,
    MOON_FRAME_PING = 9,
    MOON_FRAME_PONG = 10,
};

/* Writes the header of a final, unmasked frame; returns its length, 2 to 10 bytes. */
uint32_t moon_frame_header(char *out, uint32_t opcode, uint64_t payload_bytes);

/* Length of the frame whose header stands at `frame`, header included. */
uint64_t moon_frame_bytes(const char *frame);

/* Writes a whole Close frame; returns its length, at most 127 bytes. `code` 0 leaves
 * the payload empty; a reason that does not fit is cut, at a whole character. */
uint32_t moon_frame_close(char *out, uint32_t code, const char *reason,
                          uint64_t reason_bytes);

/* RFC 6455 section 7.4: whether a peer may send this code. */
bool moon_close_code_is_valid(uint32_t code);

/* RFC 3629: no surrogates, no overlong forms, nothing beyond U+10FFFF, nothing cut. */
bool moon_utf8_is_valid(const char *bytes, uint64_t length);

/* A message that arrives in parts. Zeroed is empty. */
struct moon_message {
    char *bytes; /* from the pool; NULL when empty */
    uint32_t length, capacity;
};

/* Appends; false when the whole would be longer than max_bytes. */
bool moon_message_append(struct moon_message *message, struct moon_pool *pool,
                         uint32_t max_bytes, const char *bytes, uint64_t length);

/* Makes it empty again and gives its memory back. */
void moon_message_clear(struct moon_message *message, struct moon_pool *pool);
