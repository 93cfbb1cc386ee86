/* SPDX-License-Identifier: MIT */
#include "parser.h"
#include "frame.h"
#include "types.h"
#include <assert.h>
#include <string.h>

enum {
    FINAL = 0x80, /* in the first byte */
    RESERVED = 0x70,
    OPCODE = 0x0f,
    MASKED = 0x80, /* in the second byte */
    LENGTH = 0x7f,
    LENGTH_16 = 126, /* the next 2 bytes say the length */
    LENGTH_64 = 127, /* the next 8 bytes do */
    MASK_BYTES = 4,
    REST_CAPACITY = 512, /* the pool's smallest buffer */
};

/* A frame's header. */
struct header {
    uint64_t length; /* of the payload */
    uint32_t bytes;  /* of the header itself */
    uint8_t opcode;
    bool is_final;
};

/* What can be said after two bytes of it. */
static bool is_allowed(const struct moon_parser *parser, const unsigned char *bytes)
{
    uint32_t opcode = bytes[0] & OPCODE;
    if ((bytes[0] & RESERVED) != 0 || (bytes[1] & MASKED) == 0) {
        return false;
    }
    if (opcode >= MOON_FRAME_CLOSE) {
        return opcode <= MOON_FRAME_PONG && (bytes[0] & FINAL) != 0 &&
               (bytes[1] & LENGTH) <= MOON_FRAME_CONTROL_MAX;
    }
    return parser->opcode == 0 ? opcode == MOON_TEXT || opcode == MOON_BINARY
                               : opcode == MOON_FRAME_CONTINUATION;
}

/* MOON_PARSED_ALL: more is needed. MOON_PARSED_DATA: it is there. */
static enum moon_parsed read_header(const struct moon_parser *parser, const char *at,
                                    const char *end, struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)at;
    if (end - at < 2) {
        return MOON_PARSED_ALL;
    }
    if (!is_allowed(parser, bytes)) {
        return MOON_PARSED_BAD;
    }
    header->opcode = bytes[0] & OPCODE;
    header->is_final = (bytes[0] & FINAL) != 0;
    header->length = bytes[1] & LENGTH;
    uint32_t extra = header->length == LENGTH_64   ? 8
                     : header->length == LENGTH_16 ? 2
                                                   : 0;
    header->bytes = 2 + extra + MASK_BYTES;
    if (end - at < header->bytes) {
        return MOON_PARSED_ALL;
    }
    for (uint32_t i = 0; i < extra; i++) {
        header->length = (i == 0 ? 0 : header->length << 8) | bytes[2 + i];
    }
    bool is_shortest = (extra != 2 || header->length >= LENGTH_16) &&
                       (extra != 8 || header->length > UINT16_MAX);
    return is_shortest && header->length >> 63 == 0 ? MOON_PARSED_DATA
                                                    : MOON_PARSED_BAD;
}

/* Eight bytes at a time, in whatever order the machine has them. */
static void unmask(char *bytes, uint64_t length, const char mask[MASK_BYTES])
{
    uint64_t eight = 0, wide = 0;
    uint64_t i = 0;
    memcpy(&wide, mask, MASK_BYTES);
    memcpy((char *)&wide + MASK_BYTES, mask, MASK_BYTES);
    for (; i + sizeof eight <= length; i += sizeof eight) {
        memcpy(&eight, bytes + i, sizeof eight);
        eight ^= wide;
        memcpy(bytes + i, &eight, sizeof eight);
    }
    for (; i < length; i++) {
        bytes[i] = (char)(bytes[i] ^ mask[i % MASK_BYTES]);
    }
}

static enum moon_parsed take_control(char **at, const char *end,
                                     const struct header *header,
                                     struct moon_part *part)
{
    char *payload = *at + header->bytes;
    if ((uint64_t)(end - payload) < header->length) {
        return MOON_PARSED_ALL;
    }
    unmask(payload, header->length, payload - MASK_BYTES);
    *part = (struct moon_part){.bytes = payload, .length = header->length};
    *at = payload + header->length;
    return header->opcode == MOON_FRAME_PING   ? MOON_PARSED_PING
           : header->opcode == MOON_FRAME_PONG ? MOON_PARSED_PONG
                                               : MOON_PARSED_CLOSE;
}

/* Where in the mask a later part begins. */
static void turn_mask(char mask[MASK_BYTES], uint64_t bytes)
{
    char old[MASK_BYTES];
    memcpy(old, mask, MASK_BYTES);
    for (uint32_t i = 0; i < MASK_BYTES; i++) {
        mask[i] = old[(i + bytes) % MASK_BYTES];
    }
}

static enum moon_parsed take_data(struct moon_parser *parser, char **at,
                                  const char *end, struct moon_part *part)
{
    uint64_t there = (uint64_t)(end - *at);
    uint64_t length = there < parser->left ? there : parser->left;
    unmask(*at, length, parser->mask);
    parser->left -= length;
    *part = (struct moon_part){
        .bytes = *at,
        .length = length,
        .still_to_come = parser->left,
        .opcode = parser->opcode,
        .is_last = parser->is_final && parser->left == 0,
    };
    if (parser->left > 0) {
        turn_mask(parser->mask, length);
    } else if (parser->is_final) {
        parser->opcode = 0;
    }
    *at += length;
    return MOON_PARSED_DATA;
}

enum moon_parsed moon_parser_next(struct moon_parser *parser, char **at,
                                  const char *end, struct moon_part *part)
{
    struct header header;
    if (parser->left > 0) {
        return *at == end ? MOON_PARSED_ALL : take_data(parser, at, end, part);
    }
    enum moon_parsed found = read_header(parser, *at, end, &header);
    if (found != MOON_PARSED_DATA) {
        return found;
    }
    if (header.opcode >= MOON_FRAME_CLOSE) {
        return take_control(at, end, &header, part);
    }
    *at += header.bytes;
    memcpy(parser->mask, *at - MASK_BYTES, MASK_BYTES);
    parser->left = header.length;
    parser->is_final = header.is_final;
    if (header.opcode != MOON_FRAME_CONTINUATION) {
        parser->opcode = header.opcode;
    }
    return take_data(parser, at, end, part);
}

void moon_parser_keep(struct moon_parser *parser, struct moon_pool *pool,
                      const char *at, const char *end)
{
    uint32_t capacity = 0;
    assert(parser->rest == NULL && end - at <= MOON_PARSER_REST);
    if (at < end) {
        parser->rest = moon_pool_take(pool, REST_CAPACITY, &capacity);
        parser->rest_bytes = (uint8_t)(end - at);
        memcpy(parser->rest, at, parser->rest_bytes);
        assert(capacity == REST_CAPACITY);
    }
}

char *moon_parser_recall(struct moon_parser *parser, struct moon_pool *pool, char *at)
{
    if (parser->rest_bytes > 0) {
        at -= parser->rest_bytes;
        memcpy(at, parser->rest, parser->rest_bytes);
        moon_parser_clear(parser, pool);
    }
    return at;
}

void moon_parser_clear(struct moon_parser *parser, struct moon_pool *pool)
{
    moon_pool_give(pool, parser->rest, REST_CAPACITY);
    parser->rest = NULL;
    parser->rest_bytes = 0;
}
