/* SPDX-License-Identifier: MIT */
#include "route.h"
#include <assert.h>
#include <string.h>

/* Bytes of the table or of a name, not terminated. */
struct word {
    const char *bytes;
    size_t length;
};

struct line {
    struct word kind, pattern;
    struct word words; /* with the spaces before each */
};

static bool equals(const struct word *word, const char *bytes, uint64_t length)
{
    return word->length == length && memcmp(word->bytes, bytes, length) == 0;
}

static bool is(const struct word *word, const char *text)
{
    return equals(word, text, strlen(text));
}

/* Takes the next line that has a kind and a pattern; false at the end of the table. */
static bool next_line(const char **table, struct line *line)
{
    while (**table != '\0') {
        const char *kind = *table;
        const char *end = kind + strcspn(kind, "\n");
        const char *kind_end = kind + strcspn(kind, " \n");
        const char *pattern = kind_end < end ? kind_end + 1 : end;
        const char *pattern_end = pattern + strcspn(pattern, " \n");
        *table = *end == '\n' ? end + 1 : end;
        if (kind_end > kind && pattern < end && pattern_end > pattern) {
            line->kind = (struct word){kind, (size_t)(kind_end - kind)};
            line->pattern = (struct word){pattern, (size_t)(pattern_end - pattern)};
            line->words = (struct word){pattern_end, (size_t)(end - pattern_end)};
            return true;
        }
    }
    return false;
}

/* Takes the next word from the front of `words`; false when there is none. */
static bool next_word(struct word *words, struct word *word)
{
    while (words->length > 0 && *words->bytes == ' ') {
        words->bytes++;
        words->length--;
    }
    const char *space = memchr(words->bytes, ' ', words->length);
    *word = *words;
    if (space != NULL) {
        word->length = (size_t)(space - words->bytes);
    }
    words->bytes += word->length;
    words->length -= word->length;
    return word->length > 0;
}

static bool matches(const struct word *pattern, const char *path)
{
    const char *at = pattern->bytes;
    const char *end = at + pattern->length;
    while (at < end) {
        if (*at == '{') {
            const char *close = memchr(at, '}', (size_t)(end - at));
            size_t segment = strcspn(path, "/");
            if (close == NULL || segment == 0) {
                return false;
            }
            at = close + 1;
            path += segment;
        } else if (*at++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static void describe(const struct line *line, struct moon_route *route)
{
    struct word words = line->words;
    struct word word;
    memset(route, 0, sizeof *route);
    route->words = words.bytes;
    route->words_bytes = (uint32_t)words.length;
    while (next_word(&words, &word)) {
        route->wants_auth |= is(&word, "+auth");
        route->wants_token |= is(&word, "+token");
    }
}

bool moon_route_find(const char *table, const char *kind, const char *path,
                     struct moon_route *route)
{
    struct line line;
    const char *rest = table;
    while (next_line(&rest, &line)) {
        if (is(&line.kind, kind) && matches(&line.pattern, path)) {
            describe(&line, route);
            return true;
        }
    }
    return strcmp(kind, "HEAD") == 0 && moon_route_find(table, "GET", path, route);
}

static bool has_method(const char *list, const struct word *method)
{
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        if (equals(method, list, length)) {
            return true;
        }
        list += length;
        list += strspn(list, ", ");
    }
    return false;
}

/* Adds the method unless it is there; false when it does not fit. */
static bool add_method(char *list, uint32_t capacity, const struct word *method)
{
    if (has_method(list, method)) {
        return true;
    }
    size_t used = strlen(list);
    const char *separator = used == 0 ? "" : ", ";
    size_t needed = strlen(separator) + method->length + 1;
    if (needed > capacity - used) {
        return false;
    }
    memcpy(list + used, separator, strlen(separator));
    used += strlen(separator);
    memcpy(list + used, method->bytes, method->length);
    list[used + method->length] = '\0';
    return true;
}

void moon_route_methods(const char *table, const char *path, char *out,
                        uint32_t capacity)
{
    static const struct word head = {"HEAD", 4};
    struct line line;
    bool is_whole = true;
    assert(capacity > 0);
    out[0] = '\0';
    while (is_whole && next_line(&table, &line)) {
        if (is(&line.kind, "ws") || !matches(&line.pattern, path)) {
            continue;
        }
        is_whole = add_method(out, capacity, &line.kind) &&
                   (!is(&line.kind, "GET") || add_method(out, capacity, &head));
    }
}

bool moon_route_speaks(const struct moon_route *route, const char *name, uint64_t bytes)
{
    struct word words = {route->words, route->words_bytes};
    struct word word;
    while (next_word(&words, &word)) {
        if (*word.bytes != '+' && equals(&word, name, bytes)) {
            return true;
        }
    }
    return false;
}
