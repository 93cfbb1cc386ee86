/* SPDX-License-Identifier: MIT */
#include "frame.h"
#include <string.h>

enum {
    FINAL = 0x80,
    LENGTH_16 = 126, /* the next 2 bytes say the length */
    LENGTH_64 = 127, /* the next 8 bytes do */
};

uint32_t moon_frame_header(char *out, uint32_t opcode, uint64_t payload_bytes)
{
    out[0] = (char)(FINAL | opcode);
    if (payload_bytes < LENGTH_16) {
        out[1] = (char)payload_bytes;
        return 2;
    }
    uint32_t bytes = payload_bytes <= UINT16_MAX ? 2 : 8;
    out[1] = (char)(bytes == 2 ? LENGTH_16 : LENGTH_64);
    for (uint32_t i = 0; i < bytes; i++) {
        out[2 + i] = (char)(payload_bytes >> (8 * (bytes - 1 - i)));
    }
    return 2 + bytes;
}

uint64_t moon_frame_bytes(const char *frame)
{
    uint64_t length = (unsigned char)frame[1] & 127;
    if (length < LENGTH_16) {
        return 2 + length;
    }
    uint32_t bytes = length == LENGTH_16 ? 2 : 8;
    length = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        length = length << 8 | (unsigned char)frame[2 + i];
    }
    return 2 + bytes + length;
}

uint32_t moon_frame_close(char *out, uint32_t code, const char *reason,
                          uint64_t reason_bytes)
{
    if (code == 0) {
        return moon_frame_header(out, MOON_FRAME_CLOSE, 0);
    }
    uint32_t length = MOON_FRAME_CONTROL_MAX - 2;
    if (reason_bytes < length) {
        length = (uint32_t)reason_bytes;
    } else {
        while (length > 0 && length < reason_bytes && (reason[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    uint32_t header = moon_frame_header(out, MOON_FRAME_CLOSE, 2 + length);
    out[header] = (char)(code >> 8);
    out[header + 1] = (char)code;
    if (length > 0) {
        memcpy(out + header + 2, reason, length);
    }
    return header + 2 + length;
}

bool moon_close_code_is_valid(uint32_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* What may follow a first byte: Unicode standard, table 3-7. */
struct lead {
    unsigned char first, last; /* the first byte */
    unsigned char low, high;   /* the second byte; any others are 80..BF */
    uint32_t length;           /* of the character */
};

static const struct lead leads[] = {
    {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

/* Length of the character at `s`, 0 when it is not one. */
static uint32_t character(const unsigned char *s, uint64_t left)
{
    const struct lead *lead = find_lead(s[0]);
    if (lead == NULL || lead->length > left) {
        return 0;
    }
    if (lead->length > 1 && (s[1] < lead->low || s[1] > lead->high)) {
        return 0;
    }
    for (uint32_t i = 2; i < lead->length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return lead->length;
}

bool moon_utf8_is_valid(const char *bytes, uint64_t length)
{
    const unsigned char *s = (const unsigned char *)bytes;
    uint64_t i = 0;
    while (i < length) {
        uint64_t eight = 0;
        if (i + sizeof eight <= length) {
            memcpy(&eight, s + i, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        uint32_t step = character(s + i, length - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

bool moon_message_append(struct moon_message *message, struct moon_pool *pool,
                         uint32_t max_bytes, const char *bytes, uint64_t length)
{
    if (length > max_bytes || message->length > max_bytes - length) {
        return false;
    }
    uint32_t total = message->length + (uint32_t)length;
    message->bytes = moon_pool_grow(pool, message->bytes, message->length, total,
                                    &message->capacity);
    if (length > 0) {
        memcpy(message->bytes + message->length, bytes, length);
    }
    message->length = total;
    return true;
}

void moon_message_clear(struct moon_message *message, struct moon_pool *pool)
{
    moon_pool_give(pool, message->bytes, message->capacity);
    memset(message, 0, sizeof *message);
}
