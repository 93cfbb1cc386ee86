/* SPDX-License-Identifier: MIT */
#include "handshake.h"
#include "origin.h"
#include "route.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

enum {
    KEY_BYTES = 24, /* 16 random bytes in base64 */
};

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char base64_chars[] = "0123456789+/"
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* RFC 6750 section 2.1: b64token without the "=" at its end. */
static const char b64token_chars[] = "0123456789-._~+/"
                                     "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char bearer_prefix[] = "bearer.";

/* A part of a header value. */
struct part {
    const char *bytes;
    size_t length;
};

static bool is(const struct part *part, const char *text)
{
    return part->length == strlen(text) && memcmp(part->bytes, text, part->length) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the next part before a separator, without the blanks around it; false at the
 * end. Empty ones are skipped (RFC 9110 section 5.6.1). */
static bool next_part(const char **list, char separator, struct part *part)
{
    const char separators[] = {separator, '\0'};
    const char skipped[] = {separator, ' ', '\t', '\0'};
    *list += strspn(*list, skipped);
    part->bytes = *list;
    part->length = strcspn(*list, separators);
    *list += part->length;
    while (part->length > 0 && is_space(part->bytes[part->length - 1])) {
        part->length--;
    }
    return part->length > 0;
}

static bool list_has(const char *list, const char *wanted)
{
    struct part element;
    while (next_part(&list, ',', &element)) {
        if (element.length == strlen(wanted) &&
            strncasecmp(element.bytes, wanted, element.length) == 0) {
            return true;
        }
    }
    return false;
}

static void refuse(struct moon_verdict *verdict, uint32_t status,
                   enum moon_refusal refusal, const char *message)
{
    memset(verdict, 0, sizeof *verdict);
    verdict->status = status;
    verdict->refusal = refusal;
    verdict->message = message;
}

static bool is_key(const char *key)
{
    return strlen(key) == KEY_BYTES && strspn(key, base64_chars) == KEY_BYTES - 2 &&
           strcmp(key + KEY_BYTES - 2, "==") == 0;
}

/* Two of them arrive as one with a comma, which is in no host. */
static bool is_one_host(const struct moon_handshake *handshake)
{
    struct moon_origin own;
    return handshake->host != NULL &&
           moon_origin_of_host(handshake->host, handshake->is_tls, &own);
}

/* RFC 6455 section 4.2.1, in the order in which a client's author would look for the
 * fault. */
static bool is_well_formed(const struct moon_handshake *handshake,
                           struct moon_verdict *verdict)
{
    uint32_t status = 400;
    const char *message = NULL;
    if (!handshake->is_get) {
        status = 405;
        message = "only GET can be upgraded";
    } else if (!handshake->is_http_1_1 || !is_one_host(handshake)) {
        message = "an upgrade needs HTTP/1.1 and one Host header";
    } else if (handshake->upgrade == NULL ||
               !list_has(handshake->upgrade, "websocket")) {
        message = "the Upgrade header does not say websocket";
    } else if (handshake->connection == NULL ||
               !list_has(handshake->connection, "Upgrade")) {
        message = "the Connection header does not say Upgrade";
    } else if (handshake->version == NULL || strcmp(handshake->version, "13") != 0) {
        status = 426;
        message = "this server speaks Sec-WebSocket-Version 13";
    } else if (handshake->key == NULL || !is_key(handshake->key)) {
        message = "Sec-WebSocket-Key is not 16 bytes in base64";
    } else {
        return true;
    }
    refuse(verdict, status, MOON_REFUSED_MALFORMED, message);
    return false;
}

static void refuse_for_now(struct moon_verdict *verdict,
                           const struct moon_admission *admission, uint32_t status,
                           enum moon_refusal refusal, const char *message)
{
    refuse(verdict, status, refusal, message);
    verdict->retry_after_s =
        admission->retry_after_s == 0 ? 1 : admission->retry_after_s;
}

static bool has_room(const struct moon_admission *admission,
                     struct moon_verdict *verdict)
{
    if (admission->is_stopping) {
        refuse_for_now(verdict, admission, 503, MOON_REFUSED_DRAINING,
                       "the server is stopping");
    } else if (admission->reason != NULL) {
        bool is_silent = admission->reason[0] == '\0';
        refuse_for_now(verdict, admission, 503, MOON_REFUSED_DRAINING,
                       is_silent ? "nobody is let in now" : admission->reason);
    } else if (admission->is_denied) {
        refuse(verdict, 403, MOON_REFUSED_ADDRESS, "this address may not connect");
    } else if (admission->is_out_of_room) {
        refuse_for_now(verdict, admission, 503, MOON_REFUSED_MEMORY,
                       "the server is short of memory");
    } else if (admission->is_full) {
        refuse_for_now(verdict, admission, 503, MOON_REFUSED_FULL,
                       "the server is full");
    } else if (admission->is_crowded) {
        refuse_for_now(verdict, admission, 429, MOON_REFUSED_ADDRESS,
                       "too many connections from this address");
    } else if (admission->is_too_fast) {
        refuse_for_now(verdict, admission, 503, MOON_REFUSED_RATE,
                       "too many newcomers at once");
    } else {
        return true;
    }
    return false;
}

static bool is_listed(const char *list, const char *text,
                      const struct moon_origin *origin)
{
    struct part element;
    struct moon_origin listed;
    while (next_part(&list, ',', &element)) {
        bool is_same = origin != NULL &&
                       moon_origin_read(element.bytes, element.length, &listed) &&
                       moon_origin_equals(&listed, origin);
        bool is_null = is(&element, "null") && strcmp(text, "null") == 0;
        if (is_same || is_null || is(&element, "*")) {
            return true;
        }
    }
    return false;
}

static bool is_welcome(const struct moon_handshake *handshake, const char *origins)
{
    const char *text = handshake->origin;
    struct moon_origin own, origin;
    if (text == NULL) {
        return handshake->cookie == NULL; /* not a browser: nothing to steal */
    }
    bool is_origin = moon_origin_read(text, strlen(text), &origin);
    if (is_origin && moon_origin_of_host(handshake->host, handshake->is_tls, &own) &&
        moon_origin_equals(&own, &origin)) {
        return true;
    }
    return is_listed(origins, text, is_origin ? &origin : NULL);
}

static bool is_bearer(const struct part *element)
{
    size_t length = sizeof bearer_prefix - 1;
    return element->length >= length &&
           memcmp(element->bytes, bearer_prefix, length) == 0;
}

static const char *fault_of(bool has_bearer, bool has_name)
{
    if (has_name) {
        return "none of the offered subprotocols is spoken here";
    }
    return has_bearer ? "offer a subprotocol beside bearer.<token>"
                      : "Sec-WebSocket-Protocol is malformed";
}

/* Chooses the client's first subprotocol that the route speaks. Returns why there is
 * none, or NULL. */
static const char *choose(const char *offered, const struct moon_route *route,
                          char *chosen)
{
    struct part name;
    bool has_bearer = false, has_name = false;
    chosen[0] = '\0';
    while (next_part(&offered, ',', &name)) {
        if (strspn(name.bytes, token_chars) < name.length) {
            return fault_of(false, false);
        }
        if (is_bearer(&name)) {
            has_bearer = true;
            continue;
        }
        if (name.length >= MOON_PROTOCOL_BYTES) {
            return "the name of a subprotocol is too long";
        }
        has_name = true;
        if (chosen[0] == '\0' && moon_route_speaks(route, name.bytes, name.length)) {
            memcpy(chosen, name.bytes, name.length);
            chosen[name.length] = '\0';
        }
    }
    return chosen[0] == '\0' ? fault_of(has_bearer, has_name) : NULL;
}

static bool is_usable(const struct part *token)
{
    return token->length > 0 && token->length <= MOON_TOKEN_BYTES;
}

/* RFC 6750 section 2.1. */
static bool is_authorized(const char *authorization, struct part *token)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL ||
        strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    token->bytes = authorization + sizeof scheme - 1;
    token->bytes += strspn(token->bytes, " ");
    token->length = strspn(token->bytes, b64token_chars);
    if (token->length > 0) {
        token->length += strspn(token->bytes + token->length, "=");
    }
    const char *end = token->bytes + token->length;
    return end[strspn(end, " \t")] == '\0' && is_usable(token);
}

/* For browsers, whose scripts may set no other header. */
static bool is_among_protocols(const char *protocols, struct part *token)
{
    while (protocols != NULL && next_part(&protocols, ',', token)) {
        if (is_bearer(token)) {
            token->bytes += sizeof bearer_prefix - 1;
            token->length -= sizeof bearer_prefix - 1;
            return is_usable(token);
        }
    }
    return false;
}

static bool has_cookie_octets(const struct part *value)
{
    for (size_t i = 0; i < value->length; i++) {
        char c = value->bytes[i];
        if (c <= ' ' || c > '~' || c == '"' || c == ',' || c == ';' || c == '\\') {
            return false;
        }
    }
    return true;
}

/* RFC 6265 section 4.1.1. The first cookie of this name counts: that of the longest
 * path. */
static bool is_in_cookie(const char *cookies, const char *name, struct part *token)
{
    if (cookies == NULL || name == NULL || name[0] == '\0') {
        return false;
    }
    size_t prefix = strlen(name) + 1;
    while (next_part(&cookies, ';', token)) {
        if (token->length < prefix || token->bytes[prefix - 1] != '=' ||
            memcmp(token->bytes, name, prefix - 1) != 0) {
            continue;
        }
        token->bytes += prefix;
        token->length -= prefix;
        if (token->length >= 2 && token->bytes[0] == '"' &&
            token->bytes[token->length - 1] == '"') {
            token->bytes++;
            token->length -= 2;
        }
        return has_cookie_octets(token) && is_usable(token);
    }
    return false;
}

/* False when the route wants a token and there is none. */
static bool grant(const struct moon_handshake *handshake,
                  const struct moon_admission *admission,
                  const struct moon_route *route, struct moon_verdict *verdict)
{
    struct part token;
    bool has_token = is_authorized(handshake->authorization, &token) ||
                     is_among_protocols(handshake->protocols, &token) ||
                     is_in_cookie(handshake->cookie, admission->token_cookie, &token);
    if (has_token) {
        verdict->token = token.bytes;
        verdict->token_bytes = (uint32_t)token.length;
    }
    verdict->status = 101;
    verdict->message = "";
    verdict->wants_auth = route->wants_auth;
    return has_token || !route->wants_token;
}

void moon_handshake_judge(const struct moon_handshake *handshake, const char *routes,
                          const struct moon_admission *admission,
                          struct moon_verdict *verdict)
{
    struct moon_route route;
    assert(handshake->path != NULL || !handshake->is_get);
    memset(verdict, 0, sizeof *verdict);
    if (!is_well_formed(handshake, verdict)) {
        return;
    }
    if (!moon_route_find(routes, "ws", handshake->path, &route)) {
        refuse(verdict, 404, MOON_REFUSED_PATH, "nothing is served at this path");
        return;
    }
    if (!has_room(admission, verdict)) {
        return;
    }
    if (!is_welcome(handshake, admission->origins)) {
        refuse(verdict, 403, MOON_REFUSED_ORIGIN, "this Origin may not connect");
        return;
    }
    const char *fault = handshake->protocols == NULL
                            ? NULL
                            : choose(handshake->protocols, &route, verdict->protocol);
    if (fault != NULL) {
        refuse(verdict, 400, MOON_REFUSED_PROTOCOL, fault);
    } else if (!grant(handshake, admission, &route, verdict)) {
        refuse(verdict, 401, MOON_REFUSED_TOKEN, "a token is needed here");
    }
}
