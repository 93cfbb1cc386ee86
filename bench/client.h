/* client.h - one connection of the crowd, and the bytes it could not finish with.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "stream.h"
#include <stdbool.h>
#include <stdint.h>

/* Bytes that wait; no memory before there are any. Zeroed is empty. */
struct moon_bytes {
    char *start;
    uint32_t length, capacity;
};

void moon_bytes_add(struct moon_bytes *bytes, const char *from, uint64_t length);

/* Empties it, keeping its memory. */
void moon_bytes_set(struct moon_bytes *bytes, const char *from, uint64_t length);

/* Empties it and gives its memory back. */
void moon_bytes_clear(struct moon_bytes *bytes);

enum moon_client_state {
    MOON_CLIENT_ABSENT = 0, /* not begun, or over */
    MOON_CLIENT_CONNECTING,
    MOON_CLIENT_SECURING,  /* in the handshake of TLS */
    MOON_CLIENT_UPGRADING, /* the request is on its way */
    MOON_CLIENT_GREETING,  /* says what its dialect wants first */
    MOON_CLIENT_OPEN,
    MOON_CLIENT_CLOSING, /* has sent its Close */
};

struct moon_client {
    struct moon_stream stream;
    uint32_t number;   /* its place in the crowd */
    uint32_t room;     /* the number in its path, or in what it joins */
    uint32_t mask;     /* of its frames; not 0 */
    uint32_t state;    /* enum moon_client_state */
    uint32_t stage;    /* of the greeting */
    uint32_t sequence; /* of its next message */
    uint32_t due;      /* messages that the schedule has released so far */
    bool is_listed;    /* among those that may have something to say */
    bool is_blocked;   /* waits until its socket is writable */
    uint64_t begun_ns;
    uint64_t due_ns;           /* closed loop: since when its next message may go;
                      * storm: since when it should have begun */
    struct moon_bytes partial; /* of what has arrived: less than one frame */
    struct moon_bytes pending; /* to be sent before anything else */
};

/* Closes the socket and gives the memory back; the client is absent. */
void moon_client_end(struct moon_client *client);
