/* SPDX-License-Identifier: MIT */
#include "inquiry.h"
#include <string.h>
#include <strings.h>

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
};

/* What says how the request travels is said by the fetcher. Without Host a request
 * cannot be meant for another site than its URL says. */
static const char *const own_names[] = {
    "Host",
    "Connection",
    "Content-Length",
    "Transfer-Encoding",
    "Upgrade",
    "Trailer",
    "TE",
    "Expect",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authorization",
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

bool moon_inquiry_next_line(const char **at, const char **line, uint64_t *length)
{
    const char *end = strstr(*at, "\r\n");
    if (end == NULL) {
        return false;
    }
    *line = *at;
    *length = (uint64_t)(end - *at);
    *at = end + 2;
    return true;
}

bool moon_inquiry_is_named(const char *line, const char *name)
{
    size_t length = strlen(name);
    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

static bool is_valid_line(const char *line, uint64_t length)
{
    uint64_t name = strspn(line, token_chars);
    if (name == 0 || line[name] != ':') {
        return false;
    }
    for (uint64_t i = name + 1; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    for (size_t i = 0; i < COUNT(own_names); i++) {
        if (moon_inquiry_is_named(line, own_names[i])) {
            return false;
        }
    }
    return true;
}

static bool are_valid_lines(const char *headers)
{
    const char *line = NULL;
    uint64_t length = 0;
    while (moon_inquiry_next_line(&headers, &line, &length)) {
        if (!is_valid_line(line, length)) {
            return false;
        }
    }
    return *headers == '\0';
}

static bool is_method(const char *word)
{
    for (size_t i = 0; i < COUNT(methods); i++) {
        if (strcmp(word, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool are_limits(const struct moon_fetch_limits *limits)
{
    return limits->timeout_ms >= 1 && limits->timeout_ms <= MOON_MAX_FETCH_MS &&
           limits->max_bytes >= 1 && limits->max_bytes <= MOON_MAX_FETCH_BYTES &&
           limits->redirects <= MOON_MAX_FETCH_REDIRECTS;
}

/* The text at *at, which goes on behind its NUL; NULL when there is none. */
static const char *take_text(const char **at, const char *end)
{
    const char *text = *at;
    const char *nul = memchr(text, '\0', (size_t)(end - text));
    if (nul == NULL) {
        return NULL;
    }
    *at = nul + 1;
    return text;
}

int moon_inquiry_read(struct moon_inquiry *inquiry,
                      const struct moon_fetch_limits *limits, const char *bytes,
                      uint64_t length)
{
    const char *at = bytes;
    const char *end = bytes + length;
    inquiry->limits = *limits;
    inquiry->method = take_text(&at, end);
    inquiry->url = inquiry->method == NULL ? NULL : take_text(&at, end);
    inquiry->headers = inquiry->url == NULL ? NULL : take_text(&at, end);
    if (inquiry->headers == NULL || !are_limits(limits)) {
        return MOON_EINVAL;
    }
    inquiry->body = at;
    inquiry->body_length = (uint64_t)(end - at);
    if (strlen(inquiry->url) > MOON_MAX_FETCH_URL_BYTES ||
        strlen(inquiry->headers) > MOON_MAX_FETCH_HEADERS_BYTES ||
        inquiry->body_length > MOON_MAX_FETCH_BODY_BYTES) {
        return MOON_EBIG;
    }
    bool is_valid = is_method(inquiry->method) && are_valid_lines(inquiry->headers);
    return is_valid ? MOON_OK : MOON_EINVAL;
}
