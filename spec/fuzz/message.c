/* SPDX-License-Identifier: MIT
 * Frames: headers, Close frames, messages put together from parts, UTF-8. */
#include "../../core/frame.h"
#include "fuzz.h"

enum {
    LONGEST_BYTES = 65536,
};

/* By arithmetic, where frame.c has a table. The length of the character, 0 for none. */
static uint32_t character(const uint8_t *bytes, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t length = 0;
    while (length < 8 && (bytes[0] << length & 0x80) != 0) {
        length++; /* as many as there are ones at the front */
    }
    if (length == 0) {
        return 1;
    }
    if (length == 1 || length > 4 || length > left) {
        return 0;
    }
    uint32_t point = bytes[0] & (0x7fu >> length);
    for (uint32_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2) {
            return 0;
        }
        point = point << 6 | (bytes[i] & 63);
    }
    bool is_surrogate = point >> 11 == 0x1b;
    return point < least[length] || point > 0x10ffff || is_surrogate ? 0 : length;
}

static bool is_utf8(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t at = 0; at < length;) {
        uint32_t step = character(bytes + at, length - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

static void write_header(struct fuzz *fuzz)
{
    char header[MOON_FRAME_HEADER_MAX];
    uint32_t opcode = fuzz_byte(fuzz) % 16;
    uint64_t payload_bytes = fuzz_wide(fuzz) >> (1 + fuzz_byte(fuzz) % 63);
    uint32_t length = moon_frame_header(header, opcode, payload_bytes);
    uint32_t shortest = payload_bytes > 65535 ? 10 : payload_bytes > 125 ? 4 : 2;
    EXPECT(length == shortest);
    EXPECT((uint8_t)header[0] == (0x80 | opcode));
    EXPECT((header[1] & 0x80) == 0);
    EXPECT(moon_frame_bytes(header) == length + payload_bytes);
}

static void write_close(struct fuzz *fuzz)
{
    char frame[2 + MOON_FRAME_CONTROL_MAX];
    uint32_t code = fuzz_number(fuzz);
    uint32_t bytes = fuzz_byte(fuzz);
    const char *reason = fuzz_bytes(fuzz, &bytes);
    uint32_t length = moon_frame_close(frame, code, reason, bytes);
    EXPECT(length <= sizeof frame && moon_frame_bytes(frame) == length);
    if (code == 0) {
        EXPECT(length == 2);
        return;
    }
    uint32_t kept = length - 4;
    EXPECT(kept <= bytes && memcmp(frame + 4, reason, kept) == 0);
    EXPECT((uint32_t)((uint8_t)frame[2] << 8 | (uint8_t)frame[3]) == code);
    if (is_utf8(reason, bytes)) {
        EXPECT(is_utf8(frame + 4, kept));
        EXPECT(kept == bytes || kept > MOON_FRAME_CONTROL_MAX - 2 - 4);
    }
}

/* What has been put together so far. */
struct model {
    char bytes[LONGEST_BYTES];
    uint32_t length;
};

static void append(struct fuzz *fuzz, struct moon_message *message,
                   struct moon_pool *pool, struct model *model)
{
    uint32_t max_bytes = fuzz_number(fuzz);
    uint32_t repeats = 1 + fuzz_byte(fuzz);
    uint32_t bytes = fuzz_byte(fuzz);
    const char *part = fuzz_bytes(fuzz, &bytes);
    for (uint32_t i = 0; i < repeats; i++) {
        bool fits = model->length + bytes <= max_bytes;
        EXPECT(moon_message_append(message, pool, max_bytes, part, bytes) == fits);
        if (fits) {
            memcpy(model->bytes + model->length, part, bytes);
            model->length += bytes;
        }
    }
    EXPECT(message->length == model->length && message->length <= message->capacity);
    EXPECT(model->length == 0 ||
           memcmp(message->bytes, model->bytes, model->length) == 0);
}

static void clear(struct moon_message *message, struct moon_pool *pool,
                  struct model *model)
{
    moon_message_clear(message, pool);
    model->length = 0;
    EXPECT(moon_pool_taken_bytes(pool) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct model model;
    struct fuzz fuzz = {data, data + bytes};
    struct moon_pool *pool = moon_pool_create(LONGEST_BYTES);
    struct moon_message message = {0};
    model.length = 0;
    while (fuzz.at < fuzz.end) {
        const char *rest = (const char *)fuzz.at;
        size_t left = (size_t)(fuzz.end - fuzz.at);
        EXPECT(moon_utf8_is_valid(rest, left) == is_utf8(rest, left));
        switch (fuzz_byte(&fuzz) % 8) {
        case 0:
            write_header(&fuzz);
            break;
        case 1:
            write_close(&fuzz);
            break;
        case 2:
            clear(&message, pool, &model);
            break;
        case 3:
            append(&fuzz, &message, pool, &model);
            break;
        default: /* a byte of a text */
            break;
        }
    }
    clear(&message, pool, &model);
    moon_pool_destroy(pool);
    return 0;
}
