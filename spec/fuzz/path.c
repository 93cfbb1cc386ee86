/* SPDX-License-Identifier: MIT
 * A path, a kind, a table of routes up to an empty line, and then header lines of a
 * script. */
#include "../../core/http.h"
#include "../../core/route.h"
#include "fuzz.h"

enum {
    METHODS_BYTES = 8192,
};

/* Each word after the pattern is a flag or is spoken. */
static void read_words(const struct moon_route *route)
{
    bool wants_auth = false, wants_token = false;
    const char *end = route->words + route->words_bytes;
    for (const char *word = route->words; word < end; word++) {
        const char *space = memchr(word, ' ', (size_t)(end - word));
        size_t length = (size_t)((space == NULL ? end : space) - word);
        bool is_flag = length > 0 && *word == '+';
        wants_auth |= length == 5 && memcmp(word, "+auth", length) == 0;
        wants_token |= length == 6 && memcmp(word, "+token", length) == 0;
        EXPECT(moon_route_speaks(route, word, length) == (length > 0 && !is_flag));
        word += length;
    }
    EXPECT(route->wants_auth == wants_auth && route->wants_token == wants_token);
}

static void find(const char *table, const char *kind, const char *path)
{
    struct moon_route route;
    if (!moon_route_find(table, kind, path, &route)) {
        return;
    }
    EXPECT(strstr(table, strcmp(kind, "HEAD") == 0 ? "" : kind) != NULL);
    EXPECT(route.words > table);
    EXPECT(route.words + route.words_bytes <= table + strlen(table));
    EXPECT(memchr(route.words, '\n', route.words_bytes) == NULL);
    read_words(&route);
}

struct part {
    const char *bytes;
    size_t length;
};

static bool is(struct part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.bytes, text, part.length) == 0;
}

/* What stands before the next `separator`, or all; takes both from the front. */
static struct part cut(struct part *rest, char separator)
{
    struct part part = *rest;
    const char *found =
        rest->length > 0 ? memchr(rest->bytes, separator, rest->length) : NULL;
    if (found != NULL) {
        part.length = (size_t)(found - rest->bytes);
    }
    size_t taken = part.length + (found != NULL ? 1 : 0);
    rest->bytes += taken;
    rest->length -= taken;
    return part;
}

static bool is_segment_proper(struct part segment)
{
    const char *b = segment.bytes;
    size_t braces = 0;
    for (size_t i = 0; i < segment.length; i++) {
        braces += b[i] == '{' || b[i] == '}';
    }
    return braces == 0 || (braces == 2 && b[0] == '{' && segment.length > 2 &&
                           b[segment.length - 1] == '}');
}

static bool is_line_proper(struct part line)
{
    struct part kind = cut(&line, ' ');
    struct part pattern = cut(&line, ' ');
    for (size_t i = 0; i < kind.length; i++) {
        char lower = (char)(kind.bytes[i] | 0x20);
        if (lower < 'a' || lower > 'z') {
            return false;
        }
    }
    if (kind.length == 0 || pattern.length == 0 || pattern.bytes[0] != '/') {
        return false;
    }
    while (pattern.length > 0) {
        if (!is_segment_proper(cut(&pattern, '/'))) {
            return false;
        }
    }
    return true;
}

/* A table of those lines alone that are proper. Freed with free(). */
static char *proper_table(const char *table)
{
    size_t used = 0;
    struct part rest = {table, strlen(table)};
    char *proper = malloc(rest.length + 2);
    while (rest.length > 0) {
        struct part line = cut(&rest, '\n');
        if (is_line_proper(line)) {
            memcpy(proper + used, line.bytes, line.length);
            used += line.length;
            proper[used++] = '\n';
        }
    }
    proper[used] = '\0';
    return proper;
}

static bool slowly_matches(struct part pattern, const char *path)
{
    struct part rest = {path, strlen(path)};
    bool is_last = false;
    while (!is_last) {
        is_last = memchr(pattern.bytes, '/', pattern.length) == NULL;
        bool is_last_of_path = memchr(rest.bytes, '/', rest.length) == NULL;
        struct part wanted = cut(&pattern, '/');
        struct part there = cut(&rest, '/');
        bool is_any = wanted.length > 0 && wanted.bytes[0] == '{';
        bool fits = is_any ? there.length > 0
                           : wanted.length == there.length &&
                                 memcmp(wanted.bytes, there.bytes, there.length) == 0;
        if (!fits || is_last != is_last_of_path) {
            return false;
        }
    }
    return true;
}

/* Finds the line; false when there is none. *words is what follows its pattern. */
static bool slowly_find(const char *table, const char *kind, const char *path,
                        struct part *words)
{
    struct part rest = {table, strlen(table)};
    while (rest.length > 0) {
        struct part line = cut(&rest, '\n');
        const char *end = line.bytes + line.length;
        struct part its_kind = cut(&line, ' ');
        struct part pattern = cut(&line, ' ');
        if (is(its_kind, kind) && slowly_matches(pattern, path)) {
            words->bytes = pattern.bytes + pattern.length;
            words->length = (size_t)(end - words->bytes);
            return true;
        }
    }
    return strcmp(kind, "HEAD") == 0 && slowly_find(table, "GET", path, words);
}

/* Only of lines that are as route.h wants them is it known what they mean. */
static void find_slowly(const char *table, const char *kind, const char *path)
{
    struct moon_route route;
    struct part words = {NULL, 0};
    char *proper = proper_table(table);
    bool is_there = moon_route_find(proper, kind, path, &route);
    EXPECT(is_there == slowly_find(proper, kind, path, &words));
    if (is_there) {
        EXPECT(route.words_bytes == words.length && route.words == words.bytes);
    }
    free(proper);
}

static void cut_methods(const char *table, const char *path, const char *all)
{
    size_t length = strlen(all);
    for (uint32_t capacity = 1; capacity <= 16; capacity++) {
        char *some = malloc(capacity);
        moon_route_methods(table, path, some, capacity);
        EXPECT(memcmp(some, all, strlen(some)) == 0);
        EXPECT(capacity <= length || strcmp(some, all) == 0);
        free(some);
    }
}

static void list_methods(const char *table, const char *path)
{
    static char all[METHODS_BYTES];
    struct moon_route route;
    moon_route_methods(table, path, all, sizeof all);
    cut_methods(table, path, all);
    if (strchr(table, ',') != NULL) {
        return; /* if it is in a method, the list cannot be read */
    }
    bool is_served = moon_route_find(table, "GET", path, &route);
    EXPECT(!is_served || strstr(all, "GET") != NULL);
    EXPECT(!is_served || strstr(all, "HEAD") != NULL);
    char *rest = NULL;
    for (char *name = strtok_r(all, ", ", &rest); name != NULL;
         name = strtok_r(NULL, ", ", &rest)) {
        EXPECT(strcmp(name, "ws") != 0);
        EXPECT(moon_route_find(table, name, path, &route));
    }
}

static uint32_t count(const char *text, const char *wanted)
{
    uint32_t times = 0;
    for (const char *at = text; (at = strcasestr(at, wanted)) != NULL; at++) {
        times++;
    }
    return times;
}

/* One empty line, at the end; nothing that ends a line elsewhere; no two lengths. */
static void judge_head(char *head, uint32_t length, const struct moon_response *said)
{
    head[length] = '\0';
    EXPECT(strlen(head) == length && length > 4);
    EXPECT(strstr(head, "\r\n\r\n") == head + length - 4);
    EXPECT(count(head, "\r") == count(head, "\r\n"));
    EXPECT(count(head, "\n") == count(head, "\r\n"));
    bool has_body = said->status != 204 && said->status != 304;
    EXPECT(count(head, "\r\nContent-Length:") == has_body);
    EXPECT(count(head, "\r\nTransfer-Encoding:") == 0);
    EXPECT(count(head, "\r\nConnection:") == 1);
    EXPECT(count(head, "\r\nUpgrade:") == (said->status == 426));
}

static void respond(struct fuzz *fuzz)
{
    static const uint32_t statuses[] = {200, 204, 304, 401, 426, 503, 599, 404};
    uint32_t choice = fuzz_byte(fuzz);
    struct moon_response response = {
        .status = statuses[choice % 8],
        .retry_after_s = choice & 8 ? UINT32_MAX : 0,
        .body_bytes = choice & 16 ? UINT64_MAX : 0,
        .headers_bytes = UINT32_MAX,
    };
    response.headers = fuzz_bytes(fuzz, &response.headers_bytes);
    if (!moon_http_headers_are_valid(response.headers, response.headers_bytes)) {
        return;
    }
    uint32_t capacity = MOON_HTTP_HEAD_BYTES + response.headers_bytes;
    char *head = malloc(capacity + 1);
    uint32_t length = moon_http_head(head, capacity, &response);
    EXPECT(length > 0);
    judge_head(head, length, &response);
    EXPECT(moon_http_head(head, length, &response) == length);
    EXPECT(moon_http_head(head, length - 1, &response) == 0);
    free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fuzz fuzz = {data, data + bytes};
    char *path = fuzz_text(&fuzz, "\n");
    char *kind = fuzz_text(&fuzz, "\n");
    char *table = fuzz_text(&fuzz, "\n\n");
    find(table, kind, path);
    find(table, "ws", path);
    find_slowly(table, kind, path);
    find_slowly(table, "ws", path);
    list_methods(table, path);
    respond(&fuzz);
    free(path);
    free(kind);
    free(table);
    return 0;
}
