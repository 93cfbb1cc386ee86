/* command.h - what the logic thread tells an I/O thread: one record of the ring down.
 *
 * Named in the imperative. A record is this header and then `length` bytes of
 * payload. An event travels up in the same shape (kind, code, reason, subject).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"

enum moon_command_kind {
    MOON_SEND = 1, /* subject: connection; code: opcode */
    MOON_PUBLISH,  /* subject: room; other: a member who does not get it, or 0 */
    MOON_JOIN,     /* subject: room; other: connection */
    MOON_LEAVE,    /* subject: room; other: connection */
    MOON_CLOSE, /* subject: connection; code: close code; bytes: reason for the peer */
    MOON_ROUTE, /* bytes: the whole new route table, see route.h */
    MOON_STOP,  /* refuse newcomers, close everybody with 1001, then end the thread */
};

struct moon_record {
    uint16_t kind;
    uint16_t code;
    uint32_t reason;
    uint64_t subject;
    uint64_t other;
};
