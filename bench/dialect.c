/* SPDX-License-Identifier: MIT */
#include "dialect.h"
#include "payload.h"
#include <stdio.h>
#include <string.h>

enum { /* the heads of strings in MessagePack */
       FIXSTR = 0xa0,
       FIXSTR_BYTES = 32, /* and below that: the length is in the head */
       STR8 = 0xd9,
       STR16 = 0xda,
       STR32 = 0xdb,
       HEAD_BYTES = 5,
};

static const char *const names[] = {"relay", "moongate.v1.json", "socket.io",
                                    "moongate.v1.msgpack"};

/* What is looked for in a message of moongate.v1. */
struct signs {
    const char *hello, *reply, *granted, *refused, *said;
};

static const struct signs json = {"\"type\":\"hello\"", "\"type\":\"reply\"",
                                  "\"ok\":true", "\"ok\":false", "\"type\":\"said\""};

/* fixstr is \240 and the length; true is \303, false \302. */
static const struct signs msgpack = {"\244type\245hello", "\244type\245reply",
                                     "\242ok\303", "\242ok\302", "\244type\244said"};

static const struct signs *signs_of(uint32_t dialect)
{
    return dialect == MOON_DIALECT_MSGPACK ? &msgpack : &json;
}

bool moon_dialect_find(const char *name, uint32_t *dialect)
{
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *dialect = i;
            return true;
        }
    }
    return false;
}

const char *moon_dialect_name(uint32_t dialect)
{
    return names[dialect];
}

bool moon_dialect_names_rooms(uint32_t dialect)
{
    return dialect == MOON_DIALECT_MOONGATE || dialect == MOON_DIALECT_MSGPACK;
}

const char *moon_dialect_subprotocol(uint32_t dialect)
{
    return moon_dialect_names_rooms(dialect) ? names[dialect] : NULL;
}

bool moon_dialect_is_binary(uint32_t dialect)
{
    return dialect == MOON_DIALECT_MSGPACK;
}

const char *moon_dialect_pong(void)
{
    return "3";
}

static bool has(const char *text, uint64_t length, const char *word)
{
    return memmem(text, length, word, strlen(word)) != NULL;
}

static bool begins(const char *text, uint64_t length, const char *word)
{
    size_t bytes = strlen(word);
    return length >= bytes && memcmp(text, word, bytes) == 0;
}

static uint32_t write_auth(const struct moon_guest *guest, char *out)
{
    char name[MOON_DIALECT_TEXT / 2];
    int length = snprintf(name, sizeof name, "bench-%u-%u", guest->pid, guest->number);
    bool is_json = guest->dialect == MOON_DIALECT_MOONGATE;
    return (uint32_t)(is_json
                          ? snprintf(out, MOON_DIALECT_TEXT,
                                     "{\"type\":\"auth\",\"data\":{\"name\":\"%s\"}}",
                                     name)
                          : snprintf(out, MOON_DIALECT_TEXT,
                                     "\202\244type\244auth\244data\201\244name%c%s",
                                     FIXSTR + length, name));
}

/* `"room":` and its name; returns the length. */
static uint32_t write_room(uint32_t dialect, const char *type, uint32_t room, char *out)
{
    char name[MOON_DIALECT_TEXT / 2];
    int length = snprintf(name, sizeof name, "r%u", room);
    if (dialect == MOON_DIALECT_MOONGATE) {
        return (uint32_t)snprintf(out, MOON_DIALECT_TEXT,
                                  "\"type\":\"%s\",\"room\":\"%s\"", type, name);
    }
    return (uint32_t)snprintf(out, MOON_DIALECT_TEXT, "\244type%c%s\244room%c%s",
                              FIXSTR + (int)strlen(type), type, FIXSTR + length, name);
}

static uint32_t write_join(const struct moon_guest *guest, char *out)
{
    char text[MOON_DIALECT_TEXT / 2];
    (void)write_room(guest->dialect, "join", guest->room, text);
    const char *shape = guest->dialect == MOON_DIALECT_MOONGATE ? "{%s}" : "\202%s";
    return (uint32_t)snprintf(out, MOON_DIALECT_TEXT, shape, text);
}

/* hello, auth, its reply, join, its reply */
static uint32_t greet_moongate(const struct moon_guest *guest, uint32_t *stage,
                               const char *heard, uint64_t length, char *answer,
                               uint32_t *answer_bytes)
{
    const struct signs *signs = signs_of(guest->dialect);
    bool is_reply = has(heard, length, signs->reply);
    if (is_reply && !has(heard, length, signs->granted)) {
        return MOON_GREETING_REFUSED;
    }
    if (*stage == 0 && has(heard, length, signs->hello)) {
        *answer_bytes = write_auth(guest, answer);
        *stage = 1;
    } else if (*stage == 1 && is_reply) {
        *stage = 2;
        if (guest->room == MOON_DIALECT_NOWHERE) {
            return MOON_GREETING_DONE;
        }
        *answer_bytes = write_join(guest, answer);
    } else if (*stage == 2 && is_reply) {
        return MOON_GREETING_DONE;
    }
    return MOON_GREETING_WAITS;
}

static uint32_t greet_socket_io(uint32_t *stage, const char *heard, uint64_t length,
                                char *answer, uint32_t *answer_bytes)
{
    if (begins(heard, length, "44")) {
        return MOON_GREETING_REFUSED;
    }
    if (*stage == 0 && begins(heard, length, "0{")) {
        memcpy(answer, "40", 2);
        *answer_bytes = 2;
        *stage = 1;
    } else if (*stage == 1 && begins(heard, length, "40")) {
        return MOON_GREETING_DONE;
    } else if (begins(heard, length, "2")) {
        answer[0] = *moon_dialect_pong();
        *answer_bytes = 1;
    }
    return MOON_GREETING_WAITS;
}

uint32_t moon_dialect_greet(const struct moon_guest *guest, uint32_t *stage,
                            const char *heard, uint64_t heard_bytes, char *answer,
                            uint32_t *answer_bytes)
{
    *answer_bytes = 0;
    switch (guest->dialect) {
    case MOON_DIALECT_MOONGATE:
    case MOON_DIALECT_MSGPACK:
        return greet_moongate(guest, stage, heard, heard_bytes, answer, answer_bytes);
    case MOON_DIALECT_SOCKET_IO:
        return greet_socket_io(stage, heard, heard_bytes, answer, answer_bytes);
    default:
        return MOON_GREETING_DONE;
    }
}

/* The head of a string, as short as it can be; returns its length. */
static uint32_t write_head(uint32_t bytes, char *out)
{
    if (bytes <= UINT8_MAX) {
        bool is_short = bytes < FIXSTR_BYTES;
        out[0] = (char)(is_short ? FIXSTR + bytes : STR8);
        out[1] = (char)bytes;
        return is_short ? 1 : 2;
    }
    uint32_t size = bytes <= UINT16_MAX ? 2 : 4;
    out[0] = (char)(size == 2 ? STR16 : STR32);
    for (uint32_t i = 0; i < size; i++) {
        out[1 + i] = (char)(bytes >> 8 * (size - 1 - i));
    }
    return 1 + size;
}

uint32_t moon_dialect_before(uint32_t dialect, uint32_t room, uint32_t bytes, char *out)
{
    char text[MOON_DIALECT_TEXT / 2];
    uint32_t length = 0;
    switch (dialect) {
    case MOON_DIALECT_MOONGATE:
        (void)write_room(dialect, "say", room, text);
        return (uint32_t)snprintf(out, MOON_DIALECT_TEXT, "{%s,\"data\":\"", text);
    case MOON_DIALECT_MSGPACK:
        (void)write_room(dialect, "say", room, text);
        length = (uint32_t)snprintf(out, MOON_DIALECT_TEXT, "\203%s\244data", text);
        return length + write_head(bytes, out + length);
    case MOON_DIALECT_SOCKET_IO:
        return (uint32_t)snprintf(out, MOON_DIALECT_TEXT, "42[\"m\",\"");
    default:
        return 0;
    }
}

uint32_t moon_dialect_after(uint32_t dialect, char *out)
{
    switch (dialect) {
    case MOON_DIALECT_MOONGATE:
        return (uint32_t)snprintf(out, MOON_DIALECT_TEXT, "\"}");
    case MOON_DIALECT_SOCKET_IO:
        return (uint32_t)snprintf(out, MOON_DIALECT_TEXT, "\"]");
    default:
        return 0;
    }
}

static uint32_t meaning_without_payload(uint32_t dialect, const char *text,
                                        uint64_t length)
{
    if (dialect == MOON_DIALECT_SOCKET_IO) {
        if (length == 1 && text[0] == '2') {
            return MOON_MEANS_PING;
        }
        return begins(text, length, "42") ? MOON_MEANS_DAMAGE : MOON_MEANS_NOTHING;
    }
    const struct signs *signs = signs_of(dialect);
    if (has(text, length, signs->said)) {
        return MOON_MEANS_DAMAGE;
    }
    return has(text, length, signs->refused) ? MOON_MEANS_REFUSAL : MOON_MEANS_NOTHING;
}

/* Whether a payload of this length is whole: not shorter, nor longer, than it was. */
static bool is_whole(uint32_t dialect, const char *text, uint64_t length,
                     const char *payload, uint32_t bytes)
{
    uint64_t before = (uint64_t)(payload - text), left = length - before;
    if (dialect != MOON_DIALECT_MSGPACK) {
        return left > bytes && payload[bytes] == '"';
    }
    char head[HEAD_BYTES];
    uint32_t head_bytes = write_head(bytes, head);
    return left >= bytes && before >= head_bytes &&
           memcmp(payload - head_bytes, head, head_bytes) == 0;
}

uint32_t moon_dialect_meaning(uint32_t dialect, const char *text, uint64_t length,
                              const char **payload, uint32_t *bytes)
{
    if (dialect == MOON_DIALECT_RELAY) {
        *payload = text;
        *bytes = (uint32_t)length;
        return MOON_MEANS_PAYLOAD;
    }
    const char *found = moon_payload_find(text, length);
    if (found == NULL) {
        return meaning_without_payload(dialect, text, length);
    }
    if (!is_whole(dialect, text, length, found, *bytes)) {
        return MOON_MEANS_DAMAGE;
    }
    *payload = found;
    return MOON_MEANS_PAYLOAD;
}
