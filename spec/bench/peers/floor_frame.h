/* SPDX-License-Identifier: MIT */
/* floor_frame.h - growing bytes and WebSocket frames, for floor.c. Knows no socket. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTINUATION = 0, CLOSE = 8, PING = 9, PONG = 10, FIN = 128 };

struct bytes {
    uint8_t *data;
    size_t length, capacity;
};

/* As it came from a client; borrowed from the buffer it was parsed in. */
struct frame {
    uint8_t first;
    const uint8_t *mask, *payload;
    size_t length;
};

/* Room for so many more bytes; the caller adds to length what it has written. */
uint8_t *reserve(struct bytes *bytes, size_t more);
void append(struct bytes *bytes, const void *data, size_t length);
void release(struct bytes *bytes);

/* A server's frame is append_head() and then its payload. */
void append_head(struct bytes *bytes, uint8_t opcode, uint64_t length);
void append_unmasked(struct bytes *bytes, const struct frame *frame);

/* Returns the length of the frame at the beginning of data; 0: incomplete; -1: none. */
ssize_t parse(struct frame *frame, const uint8_t *data, size_t length);
