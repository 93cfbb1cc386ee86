/* types.h - the nouns C and Lua share: status codes, ids, events.
 *
 * Dialect: ffi.cdef reads this very text. Enums, structs, integer typedefs and
 * comments only; no macros, attributes, bit-fields or inline functions.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

/* What a call returns when it can fail. Zero is success, failures are negative. */
enum moon_status {
    MOON_OK = 0,
    MOON_EGONE = -1,  /* the connection is no longer there */
    MOON_EFULL = -2,  /* a queue has reached its limit */
    MOON_EBIG = -3,   /* longer than the limit for one message */
    MOON_EUTF8 = -4,  /* a text message that is not UTF-8 */
    MOON_EINVAL = -5, /* malformed; the caller said something meaningless */
};

/* At most 53 bits, so that a Lua number holds it: 8 thread, 20 slot, 25 generation.
 * Never reused while the process lives: a late command for a closed connection
 * misses, it cannot hit a stranger. 0 is no connection. */
typedef uint64_t moon_conn_id;

/* Given by the logic thread, counting up from 1; 0 is no room. */
typedef uint64_t moon_room_id;

enum {
    /* Longest message the scripts may send. JSON that a client sent in 64 KiB may have
     * grown sixfold. */
    MOON_MAX_FRAME_BYTES = 458752,
};

/* Kind of a message, with the numbers of RFC 6455 section 5.2. */
enum moon_opcode {
    MOON_TEXT = 1,
    MOON_BINARY = 2,
};

/* Something that has happened. Named in the past tense. */
enum moon_event_kind {
    MOON_OPENED =
        1, /* bytes: path, query, subprotocol, peer address, each ended by NUL */
    MOON_RECEIVED, /* code: enum moon_opcode; bytes: one whole message */
    MOON_CLOSED,   /* code: close code; reason: enum moon_reason; once, and last */
    MOON_FIRED,    /* subject: the token given to moon_timer_start() */
    MOON_CHANGED,  /* the script files have changed, or a reload was asked for */
};

/* Why a connection ended. */
enum moon_reason {
    MOON_BY_CLIENT = 1, /* the client sent a Close frame */
    MOON_LOST,          /* the connection broke without one */
    MOON_BY_SCRIPT,     /* a script closed it */
    MOON_SLOW,          /* its outbox reached a limit */
    MOON_NO_PONG,       /* nothing arrived within the time after a ping */
    MOON_TOO_BIG,       /* it sent a message over max_message_bytes */
    MOON_BAD_UTF8,      /* it sent text that is not UTF-8 */
    MOON_PROTOCOL,      /* it broke RFC 6455 */
    MOON_SHUTDOWN,      /* the server is stopping */
};

struct moon_event {
    uint16_t kind;     /* enum moon_event_kind */
    uint16_t code;     /* see the kinds */
    uint32_t reason;   /* see the kinds */
    uint64_t subject;  /* moon_conn_id, or a timer's token */
    const char *bytes; /* borrowed until the next moon_event_next() */
    uint64_t length;   /* of bytes */
};

/* What the scripts may know of the process; constant while it runs. */
struct moon_facts {
    const char *version;
    uint32_t max_message_bytes;
    uint32_t ping_interval_ms;
    uint32_t pong_timeout_ms;
};
