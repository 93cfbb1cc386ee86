/* SPDX-License-Identifier: MIT */
#include "floor_frame.h"
#include <stdlib.h>
#include <string.h>

enum { MASKED = 128, MAX_MESSAGE_BYTES = 16777216 };

uint8_t *reserve(struct bytes *bytes, size_t more)
{
    size_t wanted = bytes->length + more;
    if (wanted > bytes->capacity) {
        size_t doubled = bytes->capacity * 2;
        bytes->capacity = wanted > doubled ? wanted : doubled;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data) {
            abort();
        }
    }
    return bytes->data + bytes->length;
}

void append(struct bytes *bytes, const void *data, size_t length)
{
    if (length > 0) {
        memcpy(reserve(bytes, length), data, length);
        bytes->length += length;
    }
}

void release(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

void append_unmasked(struct bytes *bytes, const struct frame *frame)
{
    uint8_t *to = reserve(bytes, frame->length + 1);
    uint32_t half = 0;
    memcpy(&half, frame->mask, 4);
    uint64_t mask = (uint64_t)half << 32 | half;
    size_t i = 0;
    for (; i + 8 <= frame->length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, frame->payload + i, 8);
        word ^= mask;
        memcpy(to + i, &word, 8);
    }
    for (; i < frame->length; i++) {
        to[i] = frame->payload[i] ^ frame->mask[i & 3];
    }
    bytes->length += frame->length;
}

void append_head(struct bytes *bytes, uint8_t opcode, uint64_t length)
{
    uint8_t *head = reserve(bytes, 10);
    size_t extra = length < 126 ? 0 : length < 65536 ? 2 : 8;
    head[0] = (uint8_t)(FIN | opcode);
    head[1] = extra == 0 ? (uint8_t)length : extra == 2 ? 126 : 127;
    for (size_t i = 0; i < extra; i++) {
        head[1 + extra - i] = (uint8_t)(length >> (8 * i));
    }
    bytes->length += 2 + extra;
}

ssize_t parse(struct frame *frame, const uint8_t *data, size_t length)
{
    if (length < 2) {
        return 0;
    }
    size_t extra = (data[1] & 127) < 126 ? 0 : (data[1] & 127) == 126 ? 2 : 8;
    uint64_t payload = extra == 0 ? data[1] & 127 : 0;
    if (!(data[1] & MASKED)) {
        return -1;
    }
    if (length < 6 + extra) {
        return 0;
    }
    for (size_t i = 0; i < extra; i++) {
        payload = payload << 8 | data[2 + i];
    }
    if (payload > MAX_MESSAGE_BYTES) {
        return -1;
    }
    frame->first = data[0];
    frame->mask = data + 2 + extra;
    frame->payload = frame->mask + 4;
    frame->length = payload;
    size_t whole = 6 + extra + payload;
    return length < whole ? 0 : (ssize_t)whole;
}
