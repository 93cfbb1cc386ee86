/* SPDX-License-Identifier: MIT
 * Frames from a client: the same comes out, however what arrives is cut. */
#include "../../core/parser.h"
#include "fuzz.h"

enum {
    LONGEST_BYTES = 4096, /* of a stream */
    RECORDS = LONGEST_BYTES,
};

/* A frame or, of data, as much of it as has come. */
struct record {
    enum moon_parsed what;
    uint32_t bytes, sum;
    uint8_t opcode;
    bool is_last;
    uint64_t left;
};

struct log {
    struct record records[RECORDS];
    uint32_t count;
};

static void note(struct log *log, enum moon_parsed what, const struct moon_part *part,
                 bool goes_on)
{
    EXPECT(log->count < RECORDS);
    struct record *record = &log->records[goes_on ? log->count - 1 : log->count];
    log->count += !goes_on;
    if (!goes_on) {
        *record = (struct record){.what = what, .opcode = part->opcode};
    }
    for (uint64_t i = 0; i < part->length; i++) {
        record->sum = record->sum * 31 + (uint8_t)part->bytes[i];
    }
    record->bytes += (uint32_t)part->length;
    record->is_last = part->is_last;
    record->left = part->still_to_come;
}

/* Reads the stream in pieces of at most `piece` bytes. */
static void read_all(const uint8_t *data, size_t bytes, size_t piece, struct log *log)
{
    char room[MOON_PARSER_REST + LONGEST_BYTES];
    struct moon_pool *pool = moon_pool_create(0);
    struct moon_parser parser = {0};
    enum moon_parsed what = MOON_PARSED_ALL;
    log->count = 0;
    while (bytes > 0 && what != MOON_PARSED_BAD) {
        size_t length = bytes < piece ? bytes : piece;
        char *fresh = room + MOON_PARSER_REST;
        memcpy(fresh, data, length);
        char *at = moon_parser_recall(&parser, pool, fresh);
        EXPECT(at >= room && at <= fresh);
        struct moon_part part = {0};
        bool goes_on = parser.left > 0;
        while ((what = moon_parser_next(&parser, &at, fresh + length, &part)) !=
               MOON_PARSED_ALL) {
            if (what == MOON_PARSED_BAD) {
                part = (struct moon_part){0};
            }
            EXPECT(at <= fresh + length);
            note(log, what, &part, goes_on);
            goes_on = false;
            if (what == MOON_PARSED_BAD) {
                break;
            }
        }
        if (what == MOON_PARSED_ALL) {
            moon_parser_keep(&parser, pool, at, fresh + length);
        }
        data += length;
        bytes -= length;
    }
    moon_parser_clear(&parser, pool);
    EXPECT(moon_pool_taken_bytes(pool) == 0);
    moon_pool_destroy(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct log whole, cut;
    struct fuzz fuzz = {data, data + bytes};
    size_t piece = 1 + fuzz_byte(&fuzz);
    bytes = (size_t)(fuzz.end - fuzz.at);
    bytes = bytes < LONGEST_BYTES ? bytes : LONGEST_BYTES;
    read_all(fuzz.at, bytes, LONGEST_BYTES, &whole);
    read_all(fuzz.at, bytes, piece, &cut);
    EXPECT(whole.count == cut.count);
    for (uint32_t i = 0; i < whole.count; i++) {
        const struct record *a = &whole.records[i], *b = &cut.records[i];
        EXPECT(a->what == b->what && a->bytes == b->bytes && a->sum == b->sum);
        EXPECT(a->opcode == b->opcode && a->is_last == b->is_last &&
               a->left == b->left);
    }
    return 0;
}
