/* SPDX-License-Identifier: MIT */
#include "ctl_wire.h"
#include <stdio.h>
#include <string.h>

enum {
    NO_HEX = 0x10000, /* more than four digits can say */
};

/* ---- writing ---- */

struct out {
    char *bytes;
    uint64_t used, capacity;
};

/* What does not fit is counted all the same. */
static void put_byte(struct out *out, char byte)
{
    if (out->used < out->capacity) {
        out->bytes[out->used] = byte;
    }
    out->used++;
}

static void put(struct out *out, const char *text)
{
    while (*text != '\0') {
        put_byte(out, *text++);
    }
}

static void put_string(struct out *out, const char *text, uint64_t length)
{
    put_byte(out, '"');
    for (uint64_t i = 0; i < length; i++) {
        char escape[8];
        if ((unsigned char)text[i] < ' ') {
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)text[i]);
            put(out, escape);
            continue;
        }
        if (text[i] == '"' || text[i] == '\\') {
            put_byte(out, '\\');
        }
        put_byte(out, text[i]);
    }
    put_byte(out, '"');
}

/* Length of the name in name=value; 0 when the word is only a value. */
static uint64_t name_length(const char *word)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
    uint64_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz_0123456789");
    bool is_named = length > 0 && strchr(first, word[0]) != NULL && word[length] == '=';
    return is_named ? length : 0;
}

static void put_argument(struct out *out, const char *word)
{
    uint64_t name = name_length(word);
    if (name > 0) {
        put_string(out, word, name);
        put_byte(out, ':');
        word += name + 1;
    }
    put_string(out, word, strlen(word));
}

const char *moon_ctl_write(char *line, uint64_t capacity, const char *const *words,
                           int count, uint64_t *length)
{
    struct out out = {.capacity = capacity};
    out.bytes = line;
    bool is_named = count > 1 && name_length(words[1]) > 0;
    put(&out, "{\"command\":");
    put_string(&out, words[0], strlen(words[0]));
    put(&out, is_named ? ",\"arguments\":{" : ",\"arguments\":[");
    for (int i = 1; i < count; i++) {
        if ((name_length(words[i]) > 0) != is_named) {
            return "arguments are all name=value, or all values";
        }
        put(&out, i > 1 ? "," : "");
        put_argument(&out, words[i]);
    }
    put(&out, is_named ? "}}\n" : "]}\n");
    *length = out.used;
    return out.used > capacity ? "the arguments are too long" : NULL;
}

/* ---- reading ---- */

static void skip_blanks(char **at)
{
    *at += strspn(*at, " \t\r\n");
}

static bool take_byte(char **at, char byte)
{
    skip_blanks(at);
    bool is_there = **at == byte;
    *at += is_there;
    return is_there;
}

/* To behind the string that begins here. */
static bool skip_string(char **at)
{
    for ((*at)++; **at != '"'; (*at)++) {
        *at += **at == '\\';
        if (**at == '\0') {
            return false;
        }
    }
    (*at)++;
    return true;
}

/* To behind the value that begins here, brackets in pairs of whatever kind. */
static bool skip_value(char **at)
{
    uint64_t depth = 0;
    do {
        skip_blanks(at);
        if (**at == '"') {
            if (!skip_string(at)) {
                return false;
            }
            continue;
        }
        if (**at == '{' || **at == '[') {
            depth++;
        } else if (depth > 0 && (**at == '}' || **at == ']')) {
            depth--;
        } else if (depth == 0 || **at == '\0') {
            uint64_t word = strcspn(*at, ",}] \t\r\n");
            *at += word;
            return word > 0;
        }
        (*at)++;
    } while (depth > 0);
    return true;
}

/* Four digits, or NO_HEX. */
static uint32_t read_hex(const char *at)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at[i] == '\0' ? NULL : strchr(digits, at[i]);
        if (digit == NULL) {
            return NO_HEX;
        }
        number = number << 4 | ((uint32_t)(digit - digits) & 15);
    }
    return number;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 63));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 63));
        *out++ = (char)(0x80 | (code >> 6 & 63));
    }
    *out++ = (char)(0x80 | (code & 63));
    return out;
}

/* At the u of an escape; moves to its last digit. What is no character, or would end
 * the string, is U+FFFD. */
static char *read_unicode(char *out, char **at)
{
    uint32_t code = read_hex(*at + 1);
    if (code == NO_HEX) {
        return put_utf8(out, '?'); /* what follows is text */
    }
    *at += 4;
    bool is_pair =
        code >= 0xd800 && code < 0xdc00 && (*at)[1] == '\\' && (*at)[2] == 'u';
    uint32_t low = is_pair ? read_hex(*at + 3) : 0;
    if (low >= 0xdc00 && low < 0xe000) {
        *at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    bool is_half = code >= 0xd800 && code < 0xe000;
    return put_utf8(out, code == 0 || is_half ? 0xfffd : code);
}

/* Decodes the string that begins here in its place; it never gets longer. */
static const char *read_string(char **at)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    char *end = *at, *out = *at + 1, *start = out;
    if (**at != '"' || !skip_string(&end)) {
        return NULL;
    }
    for (char *in = out; in < end - 1; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        in++;
        const char *letter = strchr(letters, *in);
        if (*in == 'u') {
            out = read_unicode(out, &in);
        } else {
            *out++ = *(letter == NULL ? in : &meant[letter - letters]);
        }
    }
    *out = '\0';
    *at = end;
    return start;
}

typedef bool take_member(struct moon_ctl_answer *answer, const char *key, char **at);

static bool read_object(struct moon_ctl_answer *answer, char **at, take_member *take)
{
    if (!take_byte(at, '{')) {
        return false;
    }
    while (!take_byte(at, '}')) {
        skip_blanks(at);
        const char *key = read_string(at);
        if (key == NULL || !take_byte(at, ':')) {
            return false;
        }
        skip_blanks(at);
        if (!take(answer, key, at)) {
            return false;
        }
        if (!take_byte(at, ',') && **at != '}') {
            return false;
        }
    }
    return true;
}

static bool take_text(const char **text, char **at)
{
    *text = read_string(at);
    return *text != NULL;
}

static bool take_of_error(struct moon_ctl_answer *answer, const char *key, char **at)
{
    if (strcmp(key, "code") == 0) {
        return take_text(&answer->code, at);
    }
    if (strcmp(key, "message") == 0) {
        return take_text(&answer->message, at);
    }
    return skip_value(at);
}

static bool take_of_answer(struct moon_ctl_answer *answer, const char *key, char **at)
{
    if (strcmp(key, "text") == 0) {
        return take_text(&answer->text, at);
    }
    if (strcmp(key, "error") == 0) {
        return read_object(answer, at, take_of_error);
    }
    const char *start = *at;
    bool is_whole = skip_value(at);
    uint64_t length = (uint64_t)(*at - start);
    if (strcmp(key, "ok") == 0) {
        answer->is_ok = length == 4 && memcmp(start, "true", 4) == 0;
    } else if (strcmp(key, "data") == 0) {
        answer->data = start;
        answer->data_length = length;
    }
    return is_whole;
}

bool moon_ctl_read(struct moon_ctl_answer *answer, char *line)
{
    memset(answer, 0, sizeof *answer);
    bool is_whole = read_object(answer, &line, take_of_answer);
    skip_blanks(&line);
    bool is_complete = answer->is_ok ? answer->text != NULL || answer->data != NULL
                                     : answer->code != NULL && answer->message != NULL;
    return is_whole && *line == '\0' && is_complete;
}
