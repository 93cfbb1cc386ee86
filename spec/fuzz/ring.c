/* SPDX-License-Identifier: MIT
 * A ring with its spill against a plain list: order and contents, nothing lost. */
#include "../../core/ring.h"
#include "../../core/spill.h"
#include "fuzz.h"

enum {
    MAX_STEPS = 2000,
    LONGEST_BYTES = 2040,
    SPILL_BYTES = 6000,
};

/* Records are known by their number, which also says what is in them. */
struct model {
    struct moon_ring *ring;
    struct moon_spill spill;
    uint32_t lengths[MAX_STEPS];
    uint32_t pushed, taken; /* how many */
    bool has_wish;
};

static char byte_of(uint32_t record, uint32_t at)
{
    return (char)(record * 31 + at * 7);
}

static void push(struct model *model, struct fuzz *fuzz)
{
    char record[LONGEST_BYTES];
    uint32_t length = fuzz_number(fuzz) % (LONGEST_BYTES + 1);
    uint32_t head = length * fuzz_byte(fuzz) / 255;
    bool must = fuzz_byte(fuzz) % 8 == 0;
    for (uint32_t i = 0; i < length; i++) {
        record[i] = byte_of(model->pushed, i);
    }
    bool has_room = moon_spill_has_room(&model->spill, length);
    uint64_t waiting = model->spill.end - model->spill.start;
    EXPECT(has_room == (waiting + length <= SPILL_BYTES));
    if (moon_spill_push(&model->spill, model->ring, record, head, record + head,
                        length - head, must)) {
        EXPECT(must || has_room || moon_spill_is_empty(&model->spill));
        model->lengths[model->pushed++] = length;
    } else {
        EXPECT(!must && !has_room);
    }
}

static void take(struct model *model)
{
    uint64_t bytes = 0;
    const char *record = moon_ring_peek(model->ring, &bytes);
    EXPECT(moon_ring_is_empty(model->ring) == (record == NULL));
    if (record == NULL) {
        bool none_left = model->taken == model->pushed;
        EXPECT(moon_spill_is_empty(&model->spill) == none_left);
        EXPECT(moon_ring_used_bytes(model->ring) == 0);
        return;
    }
    EXPECT(model->taken < model->pushed && bytes == model->lengths[model->taken]);
    for (uint32_t i = 0; i < bytes; i++) {
        EXPECT(record[i] == byte_of(model->taken, i));
    }
    uint64_t again = 0;
    EXPECT(moon_ring_peek(model->ring, &again) == record && again == bytes);
    moon_ring_release(model->ring);
    moon_ring_release(model->ring); /* nothing in hand: nothing happens */
    model->taken++;
}

static void drain(struct model *model)
{
    bool is_empty = moon_spill_drain(&model->spill, model->ring);
    EXPECT(is_empty == moon_spill_is_empty(&model->spill));
    model->has_wish |= !is_empty;
    EXPECT(moon_ring_has_wish(model->ring) == model->has_wish);
}

static void grant(struct model *model)
{
    EXPECT(moon_ring_take_wish(model->ring) == model->has_wish);
    EXPECT(!moon_ring_take_wish(model->ring));
    model->has_wish = false;
}

static void step(struct model *model, struct fuzz *fuzz)
{
    switch (fuzz_byte(fuzz) % 6) {
    case 0:
        drain(model);
        break;
    case 1:
        grant(model);
        break;
    case 2:
    case 3:
        take(model);
        break;
    default:
        push(model, fuzz);
        break;
    }
    uint64_t used = moon_ring_used_bytes(model->ring);
    uint64_t capacity = moon_ring_capacity_bytes(model->ring);
    EXPECT(used <= capacity);
    EXPECT(moon_ring_is_half_full(model->ring) == (used > capacity / 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fuzz fuzz = {data, data + bytes};
    struct model model = {.ring = moon_ring_create(1)};
    moon_spill_init(&model.spill, SPILL_BYTES);
    EXPECT(moon_ring_max_bytes(model.ring) == LONGEST_BYTES);
    for (uint32_t i = 0; i < MAX_STEPS && fuzz.at < fuzz.end; i++) {
        step(&model, &fuzz);
    }
    while (model.taken < model.pushed) {
        drain(&model);
        take(&model);
    }
    take(&model);
    moon_spill_fini(&model.spill);
    moon_ring_destroy(model.ring);
    return 0;
}
