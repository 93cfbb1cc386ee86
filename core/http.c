/* SPDX-License-Identifier: MIT */
#include "http.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* A response has each of these from moongate, or has no use for it. */
static const char *const own_names[] = {
    "Connection", "Content-Length", "Transfer-Encoding", "Date", "Upgrade", "Trailer",
};

struct phrase {
    uint32_t status;
    const char *text;
};

static const struct phrase phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *moon_http_phrase(uint32_t status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (phrases[i].status == status) {
            return phrases[i].text;
        }
    }
    return "";
}

/* One header line without its CR LF. */
struct line {
    const char *bytes;
    uint64_t length, name_length;
};

/* Takes the next line; false at the end, and when it does not end in CR LF. One without
 * a colon is all name. */
static bool next_line(const char **at, const char *end, struct line *line)
{
    const char *newline = *at == end ? NULL : memchr(*at, '\n', (size_t)(end - *at));
    if (newline == NULL || newline == *at || newline[-1] != '\r') {
        return false;
    }
    line->bytes = *at;
    line->length = (uint64_t)(newline - 1 - *at);
    const char *colon = memchr(line->bytes, ':', line->length);
    line->name_length = colon == NULL ? line->length : (uint64_t)(colon - line->bytes);
    *at = newline + 1;
    return true;
}

static bool is_named(const struct line *line, const char *name)
{
    return line->name_length == strlen(name) &&
           strncasecmp(line->bytes, name, line->name_length) == 0;
}

static bool has_valid_name(const struct line *line)
{
    if (line->name_length == 0 || line->name_length == line->length) {
        return false;
    }
    for (uint64_t i = 0; i < line->name_length; i++) {
        if (memchr(token_chars, line->bytes[i], sizeof token_chars - 1) == NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++) {
        if (is_named(line, own_names[i])) {
            return false;
        }
    }
    return true;
}

static bool has_valid_value(const struct line *line)
{
    for (uint64_t i = line->name_length + 1; i < line->length; i++) {
        unsigned char c = (unsigned char)line->bytes[i];
        if (c < ' ' || c == 0x7f) {
            return false;
        }
    }
    return true;
}

bool moon_http_headers_are_valid(const char *headers, uint64_t bytes)
{
    if (bytes == 0) {
        return true;
    }
    const char *end = headers + bytes;
    struct line line;
    while (next_line(&headers, end, &line)) {
        if (!has_valid_name(&line) || !has_valid_value(&line)) {
            return false;
        }
    }
    return headers == end;
}

static bool has(const struct moon_response *response, const char *name)
{
    if (response->headers_bytes == 0) {
        return false;
    }
    const char *at = response->headers;
    const char *end = at + response->headers_bytes;
    struct line line;
    while (next_line(&at, end, &line)) {
        if (is_named(&line, name)) {
            return true;
        }
    }
    return false;
}

struct head {
    char *out;
    uint64_t capacity, length;
    bool is_cut;
};

static void append(struct head *head, const char *bytes, uint64_t length)
{
    if (head->is_cut || length > head->capacity - head->length) {
        head->is_cut = true;
    } else if (length > 0) {
        memcpy(head->out + head->length, bytes, length);
        head->length += length;
    }
}

static void append_text(struct head *head, const char *text)
{
    append(head, text, strlen(text));
}

static void append_header(struct head *head, const char *name, const char *value)
{
    append_text(head, name);
    append_text(head, ": ");
    append_text(head, value);
    append_text(head, "\r\n");
}

static void append_number(struct head *head, const char *name, uint64_t number)
{
    char digits[sizeof "18446744073709551615"];
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    append_header(head, name, digits);
}

/* What goes with the status, unless `headers` says otherwise. */
static void append_usual(struct head *head, const struct moon_response *response)
{
    if (response->status == 401 && !has(response, "WWW-Authenticate")) {
        append_header(head, "WWW-Authenticate", "Bearer");
    }
    if (response->status == 426 && !has(response, "Sec-WebSocket-Version")) {
        append_header(head, "Sec-WebSocket-Version", "13");
    }
    if (response->retry_after_s > 0 && !has(response, "Retry-After")) {
        append_number(head, "Retry-After", response->retry_after_s);
    }
    if (!has(response, "Cache-Control")) {
        append_header(head, "Cache-Control", "no-store");
    }
}

static void append_body_headers(struct head *head, const struct moon_response *response)
{
    if (response->status == 204 || response->status == 304) {
        return;
    }
    if (response->body_bytes > 0 && !has(response, "Content-Type")) {
        append_header(head, "Content-Type", "text/plain; charset=utf-8");
    }
    append_number(head, "Content-Length", response->body_bytes);
}

static void append_connection(struct head *head, const struct moon_response *response)
{
    bool is_upgrade = response->status == 426;
    if (is_upgrade) {
        append_header(head, "Upgrade", "websocket");
    }
    append_header(head, "Connection", is_upgrade ? "close, Upgrade" : "close");
}

uint32_t moon_http_head(char *out, uint32_t capacity,
                        const struct moon_response *response)
{
    assert(response->status >= 200 && response->status <= 599);
    assert(moon_http_headers_are_valid(response->headers, response->headers_bytes));
    struct head head = {.capacity = capacity};
    head.out = out;
    char status[sizeof "HTTP/1.1 200 "];
    (void)snprintf(status, sizeof status, "HTTP/1.1 %u ", response->status);
    append_text(&head, status);
    append_text(&head, moon_http_phrase(response->status));
    append_text(&head, "\r\n");
    append_usual(&head, response);
    append_body_headers(&head, response);
    append_connection(&head, response);
    append(&head, response->headers, response->headers_bytes);
    append_text(&head, "\r\n");
    return head.is_cut ? 0 : (uint32_t)head.length;
}
