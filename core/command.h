/* command.h - what the logic thread tells another thread: one record of the ring down.
 *
 * Named in the imperative. A record is this header and then `length` bytes of
 * payload. An event travels up in the same shape (kind, code, reason, subject).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"

enum moon_command_kind {
    MOON_SEND = 1, /* subject: connection; code: class; key; bytes: a whole frame */
    MOON_PUBLISH,  /* subject: room; other: a member who does not get it, or 0; code:
                      class; key; bytes: a whole frame */
    MOON_JOIN,     /* subject: room; other: connection */
    MOON_LEAVE,    /* subject: room; other: connection */
    MOON_CLOSE,  /* subject: connection; code: close code; bytes: reason for the peer */
    MOON_LOOK,   /* subject: connection, of which MOON_FIGURES is wanted */
    MOON_ADMIT,  /* subject: connection, which has authenticated itself */
    MOON_LIMIT,  /* subject: connection; bytes: struct moon_limits */
    MOON_CHARGE, /* subject: connection; reason: messages that it is to have sent */
    MOON_RESPOND, /* subject: connection; other: number of the request; code: status;
                      reason: length of the header lines; bytes: those, then the body */
    MOON_ROUTE,   /* bytes: the whole new route table, see route.h */
    MOON_POLICY,  /* bytes: struct moon_policy, then the texts of moon_policy() */
    MOON_REPORT,  /* bytes: the metrics of the scripts, as /metrics prints them */
    MOON_RENEW,   /* the certificate files have changed */
    MOON_STORE,   /* subject: ticket; code: enum moon_store_operation; bytes: struct
                     moon_query, then its texts */
    MOON_FETCH,   /* subject: ticket; bytes: struct moon_fetch_limits, then what
                     inquiry.h reads */
    MOON_ABORT_FETCH, /* subject: ticket */
    MOON_HASH, /* subject: ticket; reason: length of the password; bytes: that, then the
                  hash to compare with, if any */
    MOON_STOP, /* refuse newcomers, close everybody with 1001, then end the thread */
};

struct moon_record {
    uint16_t kind;
    uint16_t code;
    uint32_t reason;
    uint64_t subject;
    uint64_t other;
    uint64_t key; /* of a message of MOON_LATEST */
};
