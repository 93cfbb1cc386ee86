/* SPDX-License-Identifier: MIT */
#include "client.h"
#include "../core/mem.h"
#include <string.h>

enum {
    LEAST_BYTES = 256,
};

void moon_bytes_add(struct moon_bytes *bytes, const char *from, uint64_t length)
{
    uint32_t needed = bytes->length + (uint32_t)length;
    if (length == 0) {
        return;
    }
    if (needed > bytes->capacity) {
        uint32_t capacity = bytes->capacity * 2;
        capacity = capacity < needed ? needed : capacity;
        bytes->capacity = capacity < LEAST_BYTES ? LEAST_BYTES : capacity;
        bytes->start = moon_realloc(bytes->start, bytes->capacity);
    }
    memcpy(bytes->start + bytes->length, from, length);
    bytes->length = needed;
}

void moon_bytes_set(struct moon_bytes *bytes, const char *from, uint64_t length)
{
    bytes->length = 0;
    moon_bytes_add(bytes, from, length);
}

void moon_bytes_clear(struct moon_bytes *bytes)
{
    moon_free(bytes->start);
    *bytes = (struct moon_bytes){.start = NULL};
}

void moon_client_end(struct moon_client *client)
{
    moon_stream_close(&client->stream);
    moon_bytes_clear(&client->partial);
    moon_bytes_clear(&client->pending);
    client->state = MOON_CLIENT_ABSENT;
    client->is_blocked = false;
}
