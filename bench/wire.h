/* wire.h - RFC 6455 as a client needs it: the upgrade, masked frames out, frames in.
 *
 * Knows no socket. The key of the upgrade is the one of RFC 6455 section 1.3, so that
 * its answer is known, too: the generator has no caches to protect itself from.
 * Thread: any, on the caller's memory.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_WIRE_HEADER_MAX = 14, /* bytes of a frame's header with its mask */
};

enum moon_wire_opcode {
    MOON_WIRE_TEXT = 1,
    MOON_WIRE_BINARY = 2,
    MOON_WIRE_CLOSE = 8,
    MOON_WIRE_PING = 9,
    MOON_WIRE_PONG = 10,
};

/* What moon_wire_next() and moon_wire_response() return beside a length. */
enum {
    MOON_WIRE_PARTIAL = 0, /* more has to arrive first */
    MOON_WIRE_BROKEN = -1, /* it breaks the protocol, or is a fragment */
};

/* Writes the request, terminated; returns its length, `capacity` or more when it does
 * not fit. `protocol` may be NULL. */
uint32_t moon_wire_request(char *out, uint32_t capacity, const char *host,
                           const char *path, const char *protocol);

/* Length of the response's head. *status is 0 for a 101 that accepts another key. */
int64_t moon_wire_response(const char *bytes, uint64_t length, uint32_t *status);

/* Writes the header of a final frame; returns its length. The payload behind it is
 * masked with moon_wire_mask(). */
uint32_t moon_wire_header(char *out, uint32_t opcode, uint64_t payload_bytes,
                          uint32_t mask);

/* Masks in place, as seen from the first byte of a payload. */
void moon_wire_mask(char *bytes, uint64_t length, uint32_t mask);

/* A whole masked frame; returns its length. */
uint32_t moon_wire_frame(char *out, uint32_t opcode, const char *payload,
                         uint64_t payload_bytes, uint32_t mask);

struct moon_wire_frame {
    uint32_t opcode; /* enum moon_wire_opcode */
    const char *payload;
    uint64_t length; /* of the payload */
};

/* Length of the frame that `bytes` begin with. */
int64_t moon_wire_next(const char *bytes, uint64_t length,
                       struct moon_wire_frame *frame);

/* The code in a Close frame's payload, 1005 when there is none. */
uint32_t moon_wire_close_code(const char *payload, uint64_t length);
