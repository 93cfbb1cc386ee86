/* SPDX-License-Identifier: MIT
 * Two outboxes of one post: after each step the books balance, and what is written is
 * whole frames in their order, each once. */
#include "../../core/outbox.h"
#include "../../core/frame.h"
#include "fuzz.h"

enum {
    BOXES = 2,
    KEYS = 64, /* more than are found by a walk */
    PAYLOAD_BYTES = 700,
    STAMP_BYTES = 6, /* class, key, number of the message */
};

struct box {
    struct moon_outbox outbox;
    uint32_t last; /* number of the last message written, but for MOON_LATEST */
    uint32_t last_of_key[KEYS]; /* of MOON_LATEST; they keep the place of older ones */
    bool waits[KEYS];           /* one of MOON_LATEST with this key */
};

struct world {
    struct box boxes[BOXES];
    struct moon_post post;
    struct moon_limits limits;
    uint64_t now_ms;
    uint32_t number;
};

static uint32_t write_frame(struct world *world, struct fuzz *fuzz, char *out,
                            struct moon_letter *letter)
{
    uint32_t payload = STAMP_BYTES + fuzz_number(fuzz) % PAYLOAD_BYTES;
    uint32_t header = moon_frame_header(out, MOON_BINARY, payload);
    world->number++;
    memset(out + header, (int)world->number, payload);
    out[header] = (char)letter->class;
    out[header + 1] = (char)letter->key;
    memcpy(out + header + 2, &world->number, sizeof world->number);
    letter->frame = out;
    letter->bytes = header + payload;
    return letter->bytes;
}

/* One of MOON_LATEST was taken: whether it took the place of another one. */
static void note_latest(struct box *box, uint64_t key, bool has_replaced)
{
    EXPECT(has_replaced == box->waits[key]);
    box->waits[key] = true;
}

static void push(struct world *world, struct box *box, struct fuzz *fuzz)
{
    char frame[MOON_FRAME_HEADER_MAX + STAMP_BYTES + PAYLOAD_BYTES];
    uint32_t what = fuzz_byte(fuzz);
    struct moon_letter letter = {.class = what % MOON_CLASSES};
    letter.key = letter.class == MOON_LATEST ? what / MOON_CLASSES % KEYS : 0;
    uint32_t bytes = write_frame(world, fuzz, frame, &letter);
    if (letter.class == MOON_CONTROL && what >= 128) {
        moon_outbox_push_control(&box->outbox, &world->post, frame, bytes,
                                 world->now_ms);
        return;
    }
    bool has_room = moon_outbox_has_room(&box->outbox, &world->limits, bytes);
    struct moon_books before, after;
    moon_outbox_books(&box->outbox, &world->post, &before);
    int status = moon_outbox_push(&box->outbox, &world->post, &world->limits, &letter,
                                  world->now_ms);
    moon_outbox_books(&box->outbox, &world->post, &after);
    EXPECT(status == MOON_OK || (status == MOON_EFULL && !has_room));
    EXPECT(status == MOON_OK || memcmp(&before, &after, sizeof before) == 0);
    EXPECT(!has_room || after.dropped[MOON_VOLATILE] == before.dropped[MOON_VOLATILE]);
    if (letter.class == MOON_LATEST && status == MOON_OK) {
        note_latest(box, letter.key,
                    after.dropped[MOON_LATEST] > before.dropped[MOON_LATEST]);
    }
}

static void read_frame(struct box *box, const char *frame, uint32_t bytes)
{
    uint32_t header = bytes < 128 ? 2 : 4;
    uint32_t number = 0;
    memcpy(&number, frame + header + 2, sizeof number);
    for (uint32_t i = header + STAMP_BYTES; i < bytes; i++) {
        EXPECT(frame[i] == (char)number);
    }
    uint8_t key = (uint8_t)frame[header + 1];
    bool is_latest = frame[header] == MOON_LATEST;
    uint32_t *last = is_latest ? &box->last_of_key[key] : &box->last;
    EXPECT(number > *last);
    EXPECT(!is_latest || box->waits[key]);
    box->waits[key] = box->waits[key] && !is_latest;
    *last = number;
}

static void write_out(struct world *world, struct box *box, uint32_t max_bytes)
{
    uint32_t bytes = 0;
    const char *run = moon_outbox_peek(&box->outbox, &world->post, max_bytes, &bytes);
    EXPECT((run == NULL) == moon_outbox_is_empty(&box->outbox));
    EXPECT((run == NULL) == (bytes == 0));
    uint32_t at = 0;
    while (at < bytes) {
        uint64_t length = moon_frame_bytes(run + at);
        EXPECT(length <= bytes - at && (at == 0 || at + length <= max_bytes));
        read_frame(box, run + at, (uint32_t)length);
        at += (uint32_t)length;
    }
    if (bytes > 0) {
        moon_outbox_take(&box->outbox, &world->post, bytes);
    }
}

static void fly(struct world *world, struct box *box, struct fuzz *fuzz)
{
    struct moon_tally tally = {{0}, {0}};
    uint32_t class = fuzz_byte(fuzz) % MOON_CLASSES;
    tally.messages[class] = 1 + fuzz_byte(fuzz) % 3;
    tally.bytes[class] = 100 * tally.messages[class];
    moon_outbox_fly(&box->outbox, &world->post, &tally, world->now_ms);
}

static void shed(struct world *world, struct box *box)
{
    uint32_t before = moon_outbox_bytes(&box->outbox);
    uint32_t shed_bytes = moon_outbox_shed(&box->outbox, &world->post);
    struct moon_books books;
    moon_outbox_books(&box->outbox, &world->post, &books);
    EXPECT(before - shed_bytes == moon_outbox_bytes(&box->outbox));
    EXPECT(books.queued[MOON_VOLATILE] ==
           box->outbox.in_flight.messages[MOON_VOLATILE]);
}

static void change_limits(struct world *world, struct fuzz *fuzz)
{
    world->limits.outbox_bytes = 1 + fuzz_number(fuzz) % 8192;
    world->limits.outbox_messages = 1 + fuzz_byte(fuzz) % 64;
    world->limits.outbox_age_ms = fuzz_byte(fuzz);
}

static void step(struct world *world, struct box *box, struct fuzz *fuzz, uint32_t what)
{
    switch (what) {
    case 0:
        write_out(world, box, fuzz_number(fuzz) % 4096);
        break;
    case 1:
        moon_outbox_land(&box->outbox, &world->post);
        break;
    case 2:
        fly(world, box, fuzz);
        break;
    case 3:
        shed(world, box);
        break;
    case 4:
        moon_outbox_expire(&box->outbox, &world->post, &world->limits, world->now_ms);
        break;
    case 5:
        moon_outbox_clear(&box->outbox, &world->post);
        memset(box->waits, 0, sizeof box->waits);
        EXPECT(moon_outbox_is_empty(&box->outbox));
        break;
    case 6:
        moon_outbox_abandon(&box->outbox, &world->post);
        memset(box->waits, 0, sizeof box->waits);
        EXPECT(moon_outbox_bytes(&box->outbox) == 0);
        break;
    case 7:
        change_limits(world, fuzz);
        break;
    default:
        push(world, box, fuzz);
        break;
    }
}

static void balance_post(const struct moon_post *post, const struct moon_books *sum)
{
    uint64_t bytes = 0, why = 0;
    for (int class = 0; class < MOON_CLASSES; class ++) {
        EXPECT(post->sent[class] == sum->sent[class]);
        EXPECT(post->delivered[class] == sum->delivered[class]);
        EXPECT(post->dropped[class] == sum->dropped[class]);
        bytes += post->sent_bytes[class];
        bytes -= post->delivered_bytes[class] + post->dropped_bytes[class];
        why += post->dropped[class];
    }
    for (int i = 0; i < MOON_DROPS; i++) {
        why -= post->dropped_by[i];
    }
    EXPECT(bytes == sum->queued_bytes && why == 0);
}

/* Of each class: in each outbox, and in the post those of all outboxes. */
static void balance(const struct world *world)
{
    struct moon_books sum = {.queued_bytes = 0};
    uint64_t in_flight = 0;
    for (int i = 0; i < BOXES; i++) {
        const struct moon_outbox *outbox = &world->boxes[i].outbox;
        struct moon_books books;
        moon_outbox_books(outbox, &world->post, &books);
        EXPECT(books.queued_bytes == moon_outbox_bytes(outbox));
        sum.queued_bytes += books.queued_bytes;
        for (int class = 0; class < MOON_CLASSES; class ++) {
            EXPECT(books.sent[class] ==
                   books.delivered[class] + books.dropped[class] + books.queued[class]);
            sum.sent[class] += books.sent[class];
            sum.delivered[class] += books.delivered[class];
            sum.dropped[class] += books.dropped[class];
            in_flight += outbox->in_flight.bytes[class];
        }
    }
    balance_post(&world->post, &sum);
    EXPECT(world->post.in_flight_bytes == in_flight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fuzz fuzz = {data, data + bytes};
    struct world world = {.limits = {.outbox_bytes = 4096, .outbox_messages = 16}};
    world.limits.outbox_age_ms = 50;
    world.post.pool = moon_pool_create(65536);
    while (fuzz.at < fuzz.end) {
        uint32_t what = fuzz_byte(&fuzz);
        world.now_ms += what >> 5;
        step(&world, &world.boxes[what >> 4 & 1], &fuzz, what & 15);
        balance(&world);
    }
    for (int i = 0; i < BOXES; i++) {
        moon_outbox_abandon(&world.boxes[i].outbox, &world.post);
    }
    balance(&world);
    moon_post_fini(&world.post);
    EXPECT(moon_pool_taken_bytes(world.post.pool) == 0);
    moon_pool_destroy(world.post.pool);
    return 0;
}
