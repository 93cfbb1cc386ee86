/* SPDX-License-Identifier: MIT */
#include "talk.h"
#include "../core/mem.h"
#include "clock.h"
#include "dialect.h"
#include "payload.h"
#include "schedule.h"
#include <stddef.h>
#include <string.h>

/* The client's room, counted from 0. */
static uint32_t place_of_room(const struct moon_talk *talk,
                              const struct moon_client *client)
{
    return client->room - talk->options->first_room;
}

/* What the receiver has heard of the sender of this place in its room. */
static uint64_t pair_of(const struct moon_talk *talk,
                        const struct moon_client *receiver, uint32_t sender)
{
    return (uint64_t)receiver->number * talk->senders + sender;
}

/* The place in its room; `senders` or more for those that only listen. */
static uint32_t place_of(const struct moon_talk *talk, const struct moon_client *client)
{
    return client->number - place_of_room(talk, client) * talk->members;
}

static struct moon_client *sender_of(const struct moon_talk *talk, uint64_t pair)
{
    uint64_t receiver = pair / talk->senders;
    return &talk->crowd->clients[receiver / talk->members * talk->members +
                                 pair % talk->senders];
}

static void opened(void *self, struct moon_client *client, uint64_t now_ns)
{
    (void)self;
    client->due_ns = now_ns;
}

static void release(struct moon_talk *talk, struct moon_client *client, uint64_t now_ns)
{
    if (client->due_ns == 0) {
        client->due_ns = now_ns;
    }
    moon_crowd_list(talk->crowd, client);
}

static void advance(struct moon_talk *talk, struct moon_client *client,
                    const struct moon_heading *heading, uint32_t advanced,
                    uint64_t now_ns)
{
    if (talk->windows != NULL) {
        uint32_t room = place_of_room(talk, client);
        uint32_t from = heading->sequence + 1 - advanced;
        if (moon_window_heard(&talk->windows[room], from, advanced)) {
            release(talk, &talk->crowd->clients[(uint64_t)room * talk->members],
                    now_ns);
        }
    } else if (heading->sender == client->number && talk->options->rate == 0) {
        release(talk, client, now_ns);
    }
}

static void deliver(struct moon_talk *talk, struct moon_client *client,
                    const char *payload, uint32_t bytes, uint64_t now_ns)
{
    struct moon_heading heading;
    uint32_t first = place_of_room(talk, client) * talk->members;
    if (bytes != talk->options->bytes || !moon_payload_read(payload, bytes, &heading) ||
        heading.sender - first >= talk->senders ||
        heading.sequence >= talk->crowd->clients[heading.sender].sequence) {
        talk->corrupt++;
        moon_crowd_note(talk->crowd, "a payload was not as it was sent");
        return;
    }
    uint64_t pair = pair_of(talk, client, heading.sender - first);
    uint32_t advanced = moon_ledger_write(&talk->ledger, pair, heading.sequence);
    talk->meter->heard++;
    if (talk->meter->is_on) {
        talk->meter->deliveries++;
        moon_histogram_add(&talk->meter->latency, now_ns - heading.due_ns);
    }
    if (advanced > 0) {
        advance(talk, client, &heading, advanced, now_ns);
    }
}

static void answer_ping(struct moon_talk *talk, struct moon_client *client)
{
    const char *pong = moon_dialect_pong();
    char frame[MOON_WIRE_HEADER_MAX + MOON_DIALECT_TEXT];
    uint32_t bytes =
        moon_wire_frame(frame, MOON_WIRE_TEXT, pong, strlen(pong), client->mask);
    moon_bytes_add(&client->pending, frame, bytes);
    talk->crowd->pings++;
    moon_crowd_list(talk->crowd, client);
}

static void heard(void *self, struct moon_client *client,
                  const struct moon_wire_frame *frame, uint64_t now_ns)
{
    struct moon_talk *talk = self;
    const char *payload = NULL;
    uint32_t bytes = talk->options->bytes;
    switch (moon_dialect_meaning(talk->options->dialect, frame->payload, frame->length,
                                 &payload, &bytes)) {
    case MOON_MEANS_PAYLOAD:
        if (talk->senders > 0) {
            deliver(talk, client, payload, bytes, now_ns);
        }
        break;
    case MOON_MEANS_DAMAGE:
        talk->corrupt += talk->senders > 0;
        moon_crowd_note(talk->crowd, "a payload was not as it was sent");
        break;
    case MOON_MEANS_REFUSAL:
        talk->refused++;
        moon_crowd_note(talk->crowd, "refused: %.*s", (int)frame->length,
                        frame->payload);
        break;
    case MOON_MEANS_PING:
        answer_ping(talk, client);
        break;
    default:
        break;
    }
}

/* A sender does not wait for one that has gone. */
static void ended(void *self, struct moon_client *client, bool was_open,
                  uint64_t now_ns)
{
    struct moon_talk *talk = self;
    (void)was_open;
    if (talk->windows != NULL && !talk->crowd->is_leaving) {
        uint32_t room = place_of_room(talk, client);
        uint32_t expected = talk->ledger.expected[pair_of(talk, client, 0)];
        if (moon_window_left(&talk->windows[room], expected)) {
            release(talk, &talk->crowd->clients[(uint64_t)room * talk->members],
                    now_ns);
        }
    }
}

static bool may_speak(const struct moon_talk *talk, const struct moon_client *client,
                      uint32_t place)
{
    if (!talk->is_speaking || place >= talk->senders) {
        return false;
    }
    if (talk->options->rate > 0) {
        return client->sequence < client->due;
    }
    if (talk->windows != NULL) {
        return moon_window_has_room(&talk->windows[place_of_room(talk, client)]);
    }
    uint32_t back = talk->ledger.expected[pair_of(talk, client, place)];
    return client->sequence - back < talk->options->in_flight;
}

static uint64_t due_of(const struct moon_talk *talk, const struct moon_client *client,
                       uint32_t place)
{
    if (talk->options->rate == 0) {
        return client->due_ns;
    }
    uint64_t ordinal = (uint64_t)place_of_room(talk, client) * talk->senders + place;
    return moon_schedule_ns(talk->begun_ns, talk->options->rate,
                            client->sequence * talk->all_senders + ordinal);
}

/* One message in its frame. */
static uint32_t write_message(const struct moon_talk *talk,
                              const struct moon_client *client, uint64_t due_ns,
                              char *out)
{
    const struct moon_bench_options *options = talk->options;
    const struct moon_heading heading = {client->number, client->sequence, due_ns};
    char before[MOON_DIALECT_TEXT], after[MOON_DIALECT_TEXT];
    bool is_binary =
        options->is_binary != 0 || moon_dialect_is_binary(options->dialect);
    uint32_t opcode = is_binary ? MOON_WIRE_BINARY : MOON_WIRE_TEXT;
    uint32_t before_bytes =
        moon_dialect_before(options->dialect, client->room, options->bytes, before);
    uint32_t after_bytes = moon_dialect_after(options->dialect, after);
    uint32_t length = before_bytes + options->bytes + after_bytes;
    uint32_t header = moon_wire_header(out, opcode, length, client->mask);
    char *text = out + header;
    memcpy(text, before, before_bytes);
    moon_payload_write(text + before_bytes, options->bytes, &heading);
    memcpy(text + before_bytes + options->bytes, after, after_bytes);
    moon_wire_mask(text, length, client->mask);
    return header + length;
}

static uint32_t say(void *self, struct moon_client *client, char *out,
                    uint32_t capacity)
{
    struct moon_talk *talk = self;
    uint32_t place = place_of(talk, client), used = 0;
    uint32_t most = MOON_WIRE_HEADER_MAX + 2 * MOON_DIALECT_TEXT + talk->options->bytes;
    while (may_speak(talk, client, place)) {
        if (used + most > capacity) {
            return used;
        }
        used += write_message(talk, client, due_of(talk, client, place), out + used);
        client->sequence++;
        talk->sent++;
        talk->meter->messages += talk->meter->is_on;
        if (talk->windows != NULL) {
            moon_window_sent(&talk->windows[place_of_room(talk, client)]);
        }
    }
    client->due_ns = 0;
    return used;
}

static void start(void *self, uint64_t now_ns)
{
    struct moon_talk *talk = self;
    talk->is_speaking = true;
    talk->begun_ns = now_ns;
    for (uint32_t i = 0; i < talk->crowd->count && talk->options->rate == 0; i++) {
        struct moon_client *client = &talk->crowd->clients[i];
        if (client->state == MOON_CLIENT_OPEN &&
            place_of(talk, client) < talk->senders) {
            client->due_ns = now_ns;
            moon_crowd_list(talk->crowd, client);
        }
    }
}

static void stop(void *self, uint64_t now_ns)
{
    struct moon_talk *talk = self;
    (void)now_ns;
    talk->is_speaking = false;
    talk->unsent = talk->released - (talk->options->rate > 0 ? talk->sent : 0);
}

static uint64_t due(void *self, uint64_t now_ns)
{
    struct moon_talk *talk = self;
    uint32_t rate = talk->options->rate;
    if (rate == 0 || !talk->is_speaking) {
        return UINT64_MAX;
    }
    uint64_t next_ns = 0;
    while ((next_ns = moon_schedule_ns(talk->begun_ns, rate, talk->released)) <=
           now_ns) {
        uint64_t ordinal = talk->released % talk->all_senders;
        struct moon_client *client =
            &talk->crowd->clients[ordinal / talk->senders * talk->members +
                                  ordinal % talk->senders];
        client->due++;
        talk->released++;
        if (client->state == MOON_CLIENT_OPEN) {
            moon_crowd_list(talk->crowd, client);
        }
    }
    return next_ns;
}

static bool is_open(const struct moon_client *client)
{
    return client->state == MOON_CLIENT_OPEN;
}

/* How many messages of the pair are missing; those of the absent are not. */
static uint32_t missing(const struct moon_talk *talk, uint64_t pair)
{
    const struct moon_client *receiver = &talk->crowd->clients[pair / talk->senders];
    const struct moon_client *sender = sender_of(talk, pair);
    return is_open(receiver) && is_open(sender)
               ? sender->sequence - talk->ledger.expected[pair]
               : 0;
}

static uint64_t pairs(const struct moon_talk *talk)
{
    return (uint64_t)talk->crowd->count * talk->senders;
}

static bool is_settled(void *self)
{
    struct moon_talk *talk = self;
    while (talk->settled < pairs(talk) && missing(talk, talk->settled) == 0) {
        talk->settled++;
    }
    return talk->settled == pairs(talk);
}

uint64_t moon_talk_lost(const struct moon_talk *talk)
{
    uint64_t lost = talk->ledger.lost;
    for (uint64_t pair = talk->settled; pair < pairs(talk); pair++) {
        lost += missing(talk, pair);
    }
    return lost;
}

/* What the options mean in members and senders. */
static uint32_t arrange(struct moon_talk *talk)
{
    const struct moon_bench_options *options = talk->options;
    bool has_rooms =
        options->scenario == MOON_BENCH_ROOM || options->scenario == MOON_BENCH_CHAT;
    talk->members = has_rooms ? options->members : 1;
    switch (options->scenario) {
    case MOON_BENCH_ROOM:
        talk->senders = 1;
        break;
    case MOON_BENCH_IDLE:
        talk->senders = 0;
        break;
    default:
        talk->senders = talk->members;
    }
    return has_rooms ? options->rooms * options->members : options->connections;
}

/* Idle connections are spread over the rooms, or fill one after the other. */
static uint32_t room_of(const struct moon_talk *talk, uint32_t number)
{
    const struct moon_bench_options *options = talk->options;
    if (options->scenario != MOON_BENCH_IDLE) {
        return options->first_room + number / talk->members;
    }
    if (options->rooms > 0) {
        return options->first_room + number % options->rooms;
    }
    if (options->members > 0) {
        return options->first_room + number / options->members;
    }
    return moon_dialect_names_rooms(options->dialect) ? MOON_DIALECT_NOWHERE
                                                      : options->first_room + number;
}

static void make_windows(struct moon_talk *talk)
{
    uint32_t rooms = talk->options->rooms, size = talk->options->in_flight;
    talk->windows = moon_alloc(rooms * sizeof *talk->windows);
    talk->heard = moon_alloc((uint64_t)rooms * size * sizeof *talk->heard);
    for (uint32_t i = 0; i < rooms; i++) {
        moon_window_init(&talk->windows[i], talk->heard + (uint64_t)i * size, size,
                         talk->members);
    }
}

struct moon_talk *moon_talk_create(const struct moon_bench_options *options,
                                   const struct moon_target *target,
                                   struct moon_meter *meter)
{
    struct moon_talk *talk = moon_alloc(sizeof *talk);
    const struct moon_scenario scenario = {
        .self = talk,
        .opened = opened,
        .heard = heard,
        .ended = ended,
        .say = say,
        .start = start,
        .stop = stop,
        .due = due,
        .is_settled = is_settled,
    };
    talk->options = options;
    talk->meter = meter;
    uint32_t count = arrange(talk);
    talk->all_senders = (uint64_t)count / talk->members * talk->senders;
    talk->crowd = moon_crowd_create(options, target, count, &scenario);
    for (uint32_t i = 0; i < count; i++) {
        talk->crowd->clients[i].room = room_of(talk, i);
    }
    moon_ledger_init(&talk->ledger, pairs(talk) + 1);
    if (options->scenario == MOON_BENCH_ROOM && options->rate == 0) {
        make_windows(talk);
    }
    return talk;
}

void moon_talk_destroy(struct moon_talk *talk)
{
    moon_crowd_destroy(talk->crowd);
    moon_ledger_fini(&talk->ledger);
    moon_free(talk->windows);
    moon_free(talk->heard);
    moon_free(talk);
}
