/* SPDX-License-Identifier: MIT */
#include "dialect.h"
#include "payload.h"
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"relay", "moongate.v1.json", "socket.io"};

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

const char *moon_dialect_subprotocol(uint32_t dialect)
{
    return dialect == MOON_DIALECT_MOONGATE ? names[dialect] : NULL;
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

/* hello, auth, its reply, join, its reply */
static uint32_t greet_moongate(const struct moon_guest *guest, uint32_t *stage,
                               const char *heard, uint64_t length, char *answer,
                               uint32_t *answer_bytes)
{
    bool is_reply = has(heard, length, "\"type\":\"reply\"");
    if (is_reply && !has(heard, length, "\"ok\":true")) {
        return MOON_GREETING_REFUSED;
    }
    int used = 0;
    if (*stage == 0 && has(heard, length, "\"type\":\"hello\"")) {
        used = snprintf(answer, MOON_DIALECT_TEXT,
                        "{\"type\":\"auth\",\"data\":{\"name\":\"bench-%u-%u\"}}",
                        guest->pid, guest->number);
        *stage = 1;
    } else if (*stage == 1 && is_reply) {
        *stage = 2;
        if (guest->room == MOON_DIALECT_NOWHERE) {
            return MOON_GREETING_DONE;
        }
        used = snprintf(answer, MOON_DIALECT_TEXT,
                        "{\"type\":\"join\",\"room\":\"r%u\"}", guest->room);
    } else if (*stage == 2 && is_reply) {
        return MOON_GREETING_DONE;
    }
    *answer_bytes = (uint32_t)used;
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
        return greet_moongate(guest, stage, heard, heard_bytes, answer, answer_bytes);
    case MOON_DIALECT_SOCKET_IO:
        return greet_socket_io(stage, heard, heard_bytes, answer, answer_bytes);
    default:
        return MOON_GREETING_DONE;
    }
}

uint32_t moon_dialect_before(uint32_t dialect, uint32_t room, char *out)
{
    switch (dialect) {
    case MOON_DIALECT_MOONGATE:
        return (uint32_t)snprintf(out, MOON_DIALECT_TEXT,
                                  "{\"type\":\"say\",\"room\":\"r%u\",\"data\":\"",
                                  room);
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
    if (has(text, length, "\"type\":\"said\"")) {
        return MOON_MEANS_DAMAGE;
    }
    return has(text, length, "\"ok\":false") ? MOON_MEANS_REFUSAL : MOON_MEANS_NOTHING;
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
    uint64_t left = length - (uint64_t)(found - text);
    if (left <= *bytes || found[*bytes] != '"') {
        return MOON_MEANS_DAMAGE; /* shorter or longer than it was */
    }
    *payload = found;
    return MOON_MEANS_PAYLOAD;
}
