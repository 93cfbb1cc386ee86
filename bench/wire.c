/* SPDX-License-Identifier: MIT */
#include "wire.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    FINAL = 0x80,
    MASKED = 0x80,
    RESERVED = 0x70,
    LENGTH_16 = 126, /* the next 2 bytes say the length */
    LENGTH_64 = 127, /* the next 8 bytes do */
    MASK_BYTES = 4,
    NO_CODE = 1005,
    SWITCHING = 101,
};

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

uint32_t moon_wire_request(char *out, uint32_t capacity, const char *host,
                           const char *path, const char *protocol)
{
    bool has_protocol = protocol != NULL;
    int length = snprintf(out, capacity,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY
                          "\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                          path, host, has_protocol ? "Sec-WebSocket-Protocol: " : "",
                          has_protocol ? protocol : "", has_protocol ? "\r\n" : "");
    return (uint32_t)length;
}

/* Whether a line of the head says that our key was accepted. */
static bool has_accepted(const char *head, const char *end)
{
    static const char name[] = "\r\nSec-WebSocket-Accept:";
    for (; (uint64_t)(end - head) > sizeof name + sizeof accept; head++) {
        if (*head != '\r' || strncasecmp(head, name, sizeof name - 1) != 0) {
            continue;
        }
        head += sizeof name - 1;
        while (*head == ' ') {
            head++;
        }
        uint64_t left = (uint64_t)(end - head);
        return left >= sizeof accept - 1 &&
               memcmp(head, accept, sizeof accept - 1) == 0;
    }
    return false;
}

int64_t moon_wire_response(const char *bytes, uint64_t length, uint32_t *status)
{
    static const char first[] = "HTTP/1.1 ";

    enum { FIRST = sizeof first - 1 };

    if (memcmp(bytes, first, length < FIRST ? length : FIRST) != 0) {
        return MOON_WIRE_BROKEN;
    }
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL) {
        return MOON_WIRE_PARTIAL;
    }
    *status = 0;
    for (const char *at = bytes + FIRST; *at >= '0' && *at <= '9' && *status < 1000;
         at++) {
        *status = *status * 10 + (uint32_t)(*at - '0');
    }
    if (*status == SWITCHING && !has_accepted(bytes, end + 4)) {
        *status = 0;
    }
    return end + 4 - bytes;
}

uint32_t moon_wire_header(char *out, uint32_t opcode, uint64_t payload_bytes,
                          uint32_t mask)
{
    uint32_t at = 2;
    out[0] = (char)(FINAL | opcode);
    if (payload_bytes < LENGTH_16) {
        out[1] = (char)(MASKED | payload_bytes);
    } else {
        uint32_t bytes = payload_bytes <= UINT16_MAX ? 2 : 8;
        out[1] = (char)(MASKED | (bytes == 2 ? LENGTH_16 : LENGTH_64));
        for (uint32_t i = 0; i < bytes; i++) {
            out[at++] = (char)(payload_bytes >> (8 * (bytes - 1 - i)));
        }
    }
    memcpy(out + at, &mask, MASK_BYTES);
    return at + MASK_BYTES;
}

void moon_wire_mask(char *bytes, uint64_t length, uint32_t mask)
{
    uint64_t wide = (uint64_t)mask << 32 | mask;
    uint64_t word = 0;
    for (; length >= sizeof word; length -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        word ^= wide;
        memcpy(bytes, &word, sizeof word);
    }
    memcpy(&word, bytes, length);
    word ^= wide;
    memcpy(bytes, &word, length);
}

uint32_t moon_wire_frame(char *out, uint32_t opcode, const char *payload,
                         uint64_t payload_bytes, uint32_t mask)
{
    uint32_t header = moon_wire_header(out, opcode, payload_bytes, mask);
    if (payload_bytes > 0) {
        memcpy(out + header, payload, payload_bytes);
        moon_wire_mask(out + header, payload_bytes, mask);
    }
    return header + (uint32_t)payload_bytes;
}

static bool is_opcode(uint32_t opcode)
{
    return opcode == MOON_WIRE_TEXT || opcode == MOON_WIRE_BINARY ||
           (opcode >= MOON_WIRE_CLOSE && opcode <= MOON_WIRE_PONG);
}

int64_t moon_wire_next(const char *bytes, uint64_t length,
                       struct moon_wire_frame *frame)
{
    if (length < 2) {
        return MOON_WIRE_PARTIAL;
    }
    uint32_t first = (unsigned char)bytes[0];
    uint64_t size = (unsigned char)bytes[1];
    frame->opcode = first & 15;
    if ((first & (FINAL | RESERVED)) != FINAL || size >= MASKED ||
        !is_opcode(frame->opcode)) {
        return MOON_WIRE_BROKEN;
    }
    uint32_t header = 2;
    if (size >= LENGTH_16) {
        header = size == LENGTH_16 ? 4 : 10;
        if (length < header) {
            return MOON_WIRE_PARTIAL;
        }
        size = 0;
        for (uint32_t i = 2; i < header; i++) {
            size = size << 8 | (unsigned char)bytes[i];
        }
    }
    if (size > INT32_MAX) {
        return MOON_WIRE_BROKEN;
    }
    frame->payload = bytes + header;
    frame->length = size;
    return length < header + size ? MOON_WIRE_PARTIAL : (int64_t)(header + size);
}

uint32_t moon_wire_close_code(const char *payload, uint64_t length)
{
    if (length < 2) {
        return NO_CODE;
    }
    return (uint32_t)(unsigned char)payload[0] << 8 | (unsigned char)payload[1];
}
