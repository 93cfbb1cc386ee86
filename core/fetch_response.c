/* SPDX-License-Identifier: MIT */
#include "fetch_state.h"
#include "mem.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_HEAD_BYTES = 32 << 10, /* of a response: what is longer is too big */
    FIRST_PILE_BYTES = 4 << 10,
};

/* False, and the errand is too big, when it would become longer than that. */
static bool collect(struct moon_errand *errand, struct moon_pile *pile,
                    uint64_t max_bytes, const char *bytes, uint64_t length)
{
    if (length > max_bytes - pile->length) {
        errand->is_too_big = true;
        return false;
    }
    while (pile->length + length > pile->capacity) {
        pile->capacity = pile->capacity == 0 ? FIRST_PILE_BYTES : pile->capacity * 2;
        pile->bytes = moon_realloc(pile->bytes, pile->capacity);
    }
    memcpy(pile->bytes + pile->length, bytes, length);
    pile->length += length;
    return true;
}

static size_t on_body(char *bytes, size_t one, size_t length, void *owner)
{
    struct moon_errand *errand = owner;
    bool has_room = collect(errand, &errand->body, errand->inquiry.limits.max_bytes,
                            bytes, one * length);
    return has_room ? one * length : 0;
}

/* One line. Those of an interim response, such as 100, give way to what follows; those
 * behind the body do not count. */
static size_t on_header(char *bytes, size_t one, size_t length, void *owner)
{
    struct moon_errand *errand = owner;
    size_t total = one * length;
    if (total >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        errand->head.length = 0;
        return total;
    }
    bool counts = errand->body.length == 0 && total > 2;
    return !counts || collect(errand, &errand->head, MAX_HEAD_BYTES, bytes, total)
               ? total
               : 0;
}

void moon_errand_listen(struct moon_errand *errand)
{
    CURL *easy = errand->easy;
    errand->head.length = errand->body.length = 0;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, errand);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, errand);
}

/* ---- what came of it ---- */

static enum moon_fetch_outcome outcome_of(const struct moon_errand *errand,
                                          CURLcode code)
{
    static const struct {
        CURLcode code;
        enum moon_fetch_outcome outcome;
    } table[] = {
        {CURLE_OPERATION_TIMEDOUT, MOON_FETCH_TIMEOUT},
        {CURLE_COULDNT_RESOLVE_HOST, MOON_FETCH_DNS},
        {CURLE_COULDNT_RESOLVE_PROXY, MOON_FETCH_DNS},
        {CURLE_COULDNT_CONNECT, MOON_FETCH_CONNECT},
        {CURLE_PROXY, MOON_FETCH_CONNECT},
        {CURLE_SSL_CONNECT_ERROR, MOON_FETCH_TLS},
        {CURLE_PEER_FAILED_VERIFICATION, MOON_FETCH_TLS},
        {CURLE_SSL_CACERT_BADFILE, MOON_FETCH_TLS},
        {CURLE_SSL_CIPHER, MOON_FETCH_TLS},
        {CURLE_SSL_CERTPROBLEM, MOON_FETCH_TLS},
        {CURLE_SSL_ISSUER_ERROR, MOON_FETCH_TLS},
        {CURLE_URL_MALFORMAT, MOON_FETCH_BAD_URL},
    };

    if (errand->is_too_big) {
        return MOON_FETCH_TOO_BIG;
    }
    if (code == CURLE_COULDNT_CONNECT && errand->has_refused && errand->connects == 0) {
        return MOON_FETCH_REFUSED_ADDRESS;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].code == code) {
            return table[i].outcome;
        }
    }
    return MOON_FETCH_PROTOCOL;
}

static void fail(struct moon_errand *errand, CURLcode code)
{
    enum moon_fetch_outcome outcome = outcome_of(errand, code);
    char address[MOON_ADDRESS_TEXT];
    char text[CURL_ERROR_SIZE];
    if (outcome == MOON_FETCH_REFUSED_ADDRESS) {
        moon_address_format(&errand->refused, address);
        (void)snprintf(text, sizeof text, "%s is not public, and not in --fetch-allow",
                       address);
    } else if (outcome == MOON_FETCH_TOO_BIG) {
        (void)snprintf(text, sizeof text,
                       "the body is longer than %u bytes, or its headers than %d",
                       errand->inquiry.limits.max_bytes, MAX_HEAD_BYTES);
    } else {
        (void)snprintf(text, sizeof text, "%s",
                       errand->problem[0] == '\0' ? curl_easy_strerror(code)
                                                  : errand->problem);
    }
    moon_errand_end(errand, outcome, text);
}

/* The method changes where browsers change it (RFC 9110 section 15.4), and then the
 * request has no body any more. */
static void change_method(struct moon_errand *errand, long status)
{
    struct moon_inquiry *inquiry = &errand->inquiry;
    bool was_post = strcmp(inquiry->method, "POST") == 0;
    bool is_head = strcmp(inquiry->method, "HEAD") == 0;
    if ((status == 303 && !is_head) || ((status == 301 || status == 302) && was_post)) {
        inquiry->method = "GET";
        inquiry->body_length = 0;
        errand->has_lost_body = true;
    }
}

static bool is_same_site(const struct moon_target *one, const struct moon_target *other)
{
    return strcmp(one->scheme, other->scheme) == 0 &&
           strcasecmp(one->host, other->host) == 0 &&
           strcmp(one->port, other->port) == 0;
}

/* NULL, or why it is not followed. */
static const char *redirect(struct moon_errand *errand, const char *url)
{
    struct moon_target next;
    if (errand->redirects == errand->inquiry.limits.redirects) {
        return "more redirects than are allowed";
    }
    const char *problem = moon_target_init(&next, url);
    if (problem == NULL && strcmp(errand->target.scheme, "https") == 0 &&
        strcmp(next.scheme, "https") != 0) {
        problem = "a redirect from https to http";
    }
    if (problem != NULL) {
        moon_target_fini(&next);
        return problem;
    }
    errand->redirects++;
    errand->has_left = errand->has_left || !is_same_site(&errand->target, &next);
    moon_errand_wait(errand); /* libcurl lets the old target go */
    moon_target_fini(&errand->target);
    errand->target = next;
    return NULL;
}

static bool is_redirect(long status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

void moon_errand_conclude(struct moon_errand *errand, CURLcode code)
{
    long status = 0;
    char *url = NULL;
    if (code != CURLE_OK) {
        fail(errand, code);
        return;
    }
    curl_easy_getinfo(errand->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(errand->easy, CURLINFO_REDIRECT_URL, &url);
    if (!is_redirect(status) || url == NULL || errand->inquiry.limits.redirects == 0) {
        moon_errand_end(errand, MOON_FETCH_OK, "");
        return;
    }
    const char *problem = redirect(errand, url);
    if (problem != NULL) {
        moon_errand_end(errand, MOON_FETCH_REDIRECTS, problem);
    } else {
        change_method(errand, status);
    }
}
