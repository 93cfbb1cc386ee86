/* dialect.h - how payloads are wrapped, and what is said before the first one.
 *
 * Pure: texts in, texts out. Nothing is parsed; what matters is looked for.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum moon_dialect {
    MOON_DIALECT_RELAY = 0, /* payloads as they are */
    MOON_DIALECT_MOONGATE,  /* docs/protocol.md */
    MOON_DIALECT_SOCKET_IO, /* Engine.IO 4 on a WebSocket */
    MOON_DIALECT_MSGPACK,   /* as MOON_DIALECT_MOONGATE, in binary frames */
};

enum {
    MOON_DIALECT_TEXT = 256, /* bytes that a greeting or a wrapping takes, at most */
    MOON_DIALECT_NOWHERE = 2147483647, /* as a room: none */
};

bool moon_dialect_find(const char *name, uint32_t *dialect);
const char *moon_dialect_name(uint32_t dialect);

/* Whether its messages say which room they are for; else the URL does. */
bool moon_dialect_names_rooms(uint32_t dialect);

/* The subprotocol to ask for, or NULL. */
const char *moon_dialect_subprotocol(uint32_t dialect);

/* Whether greetings and messages go in binary frames. */
bool moon_dialect_is_binary(uint32_t dialect);

/* Who greets. */
struct moon_guest {
    uint32_t dialect;
    uint32_t number; /* its name is made of it, and of the process's id */
    uint32_t room;   /* MOON_DIALECT_NOWHERE: none to join */
    uint32_t pid;
};

enum moon_greeting {
    MOON_GREETING_WAITS = 0, /* for what the server says next */
    MOON_GREETING_DONE,      /* payloads may go */
    MOON_GREETING_REFUSED,   /* the server does not want it */
};

/* One step of the greeting: `heard` is what the server has said, empty at first. Sets
 * *stage, 0 at first, and writes the answer, which may be empty. */
uint32_t moon_dialect_greet(const struct moon_guest *guest, uint32_t *stage,
                            const char *heard, uint64_t heard_bytes, char *answer,
                            uint32_t *answer_bytes);

/* What comes before a payload of so many bytes, and after it; returns its length, up to
 * MOON_DIALECT_TEXT. */
uint32_t moon_dialect_before(uint32_t dialect, uint32_t room, uint32_t bytes,
                             char *out);
uint32_t moon_dialect_after(uint32_t dialect, char *out);

/* What a message is. */
enum moon_meaning {
    MOON_MEANS_PAYLOAD = 0, /* *payload and *bytes are set, still to be verified */
    MOON_MEANS_NOTHING,     /* a reply, news of members, a ping of the dialect */
    MOON_MEANS_DAMAGE,      /* a payload should be there and is not */
    MOON_MEANS_REFUSAL,     /* the server has refused what was said */
    MOON_MEANS_PING,        /* to be answered with moon_dialect_pong() */
};

const char *moon_dialect_pong(void);

/* *bytes is the length expected, and becomes the one found. */
uint32_t moon_dialect_meaning(uint32_t dialect, const char *text, uint64_t length,
                              const char **payload, uint32_t *bytes);
