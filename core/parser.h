/* parser.h - RFC 6455 frames from clients, as they arrive: header, mask, payload.
 *
 * It is given what was read and hands it out in parts: data as far as it is there,
 * control frames whole. Payloads are unmasked where they lie. What cannot be parsed
 * yet, the beginning of a header or of a control frame, is kept until more is read. It
 * knows no socket, and of a message only whether one is under way.
 * Thread: the caller's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "mem.h"
#include <stdbool.h>

enum {
    /* The most that moon_parser_keep() keeps: a control frame but for its last byte. */
    MOON_PARSER_REST = 2 + 4 + 125 - 1,
};

enum moon_parsed {
    MOON_PARSED_ALL, /* nothing is left, or the rest is to be kept */
    MOON_PARSED_DATA,
    MOON_PARSED_PING,
    MOON_PARSED_PONG,
    MOON_PARSED_CLOSE,
    MOON_PARSED_BAD, /* against RFC 6455: the connection is to end with 1002 */
};

/* What was parsed: a part of a message, or the payload of a control frame. */
struct moon_part {
    const char *bytes; /* unmasked, where they were read */
    uint64_t length;
    uint64_t still_to_come; /* of this frame */
    uint8_t opcode;         /* enum moon_opcode: of the message, for data */
    bool is_last;           /* the message is complete with it */
};

/* Zeroed is the beginning of a connection. The fields are parser.c's own. */
struct moon_parser {
    char *rest;         /* from the pool; NULL when nothing is kept */
    uint64_t left;      /* of the payload of the data frame under way */
    char mask[4];       /* for what is left */
    uint8_t rest_bytes; /* kept */
    uint8_t opcode;     /* of the message under way; 0 when there is none */
    bool is_final;      /* the frame under way is the last of its message */
};

/* Takes the next thing from *at, which moves on. */
enum moon_parsed moon_parser_next(struct moon_parser *parser, char **at,
                                  const char *end, struct moon_part *part);

/* Keeps a copy of what moon_parser_next() has left, at most MOON_PARSER_REST bytes. */
void moon_parser_keep(struct moon_parser *parser, struct moon_pool *pool,
                      const char *at, const char *end);

/* Moves what was kept to right before `at`, where MOON_PARSER_REST bytes are free, and
 * returns where it begins. */
char *moon_parser_recall(struct moon_parser *parser, struct moon_pool *pool, char *at);

/* Forgets what was kept. */
void moon_parser_clear(struct moon_parser *parser, struct moon_pool *pool);
