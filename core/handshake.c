/* SPDX-License-Identifier: MIT */
#include "handshake.h"
#include "route.h"
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

/* Takes the next element of a comma-separated list; NULL at the end. */
static const char *next_element(const char **list, size_t *length)
{
    *list += strspn(*list, ", \t");
    const char *element = *list;
    size_t end = strcspn(element, ",");
    *list += end;
    while (end > 0 && (element[end - 1] == ' ' || element[end - 1] == '\t')) {
        end--;
    }
    *length = end;
    return end == 0 ? NULL : element;
}

static bool list_has(const char *list, const char *wanted)
{
    size_t length = 0;
    const char *element = NULL;
    while ((element = next_element(&list, &length)) != NULL) {
        if (length == strlen(wanted) && strncasecmp(element, wanted, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_key(const char *key)
{
    return strlen(key) == KEY_BYTES && strspn(key, base64_chars) == KEY_BYTES - 2 &&
           strcmp(key + KEY_BYTES - 2, "==") == 0;
}

/* The server's own origin is http:// and what the Host header says. */
static bool is_welcome(const struct moon_handshake *handshake, const char *origins)
{
    static const char scheme[] = "http://";
    const char *origin = handshake->origin;
    if (origin == NULL) {
        return !handshake->has_cookie; /* not a browser: nothing to steal */
    }
    if (strncasecmp(origin, scheme, sizeof scheme - 1) == 0 &&
        handshake->host != NULL &&
        strcasecmp(origin + sizeof scheme - 1, handshake->host) == 0) {
        return true;
    }
    return list_has(origins, "*") || list_has(origins, origin);
}

/* The client's first choice that the route speaks; false when there is none, or no
 * list. */
static bool choose(const char *offered, const struct moon_route *route, char *chosen,
                   size_t capacity)
{
    size_t length = 0;
    const char *element = NULL;
    bool has_chosen = false;
    while ((element = next_element(&offered, &length)) != NULL) {
        if (strspn(element, token_chars) < length || length >= capacity) {
            chosen[0] = '\0';
            return false;
        }
        if (!has_chosen && moon_route_speaks(route, element, length)) {
            memcpy(chosen, element, length);
            chosen[length] = '\0';
            has_chosen = true;
        }
    }
    return has_chosen;
}

static void refuse(struct moon_verdict *verdict, uint32_t status, const char *message)
{
    verdict->status = status;
    verdict->message = message;
}

/* RFC 6455 section 4.2.1, in the order in which a client's author would look for the
 * fault. */
static bool is_well_formed(const struct moon_handshake *handshake,
                           struct moon_verdict *verdict)
{
    if (!handshake->is_get) {
        refuse(verdict, 405, "only GET can be upgraded");
    } else if (!handshake->is_http_1_1 || handshake->host == NULL) {
        refuse(verdict, 400, "an upgrade needs HTTP/1.1 and a Host header");
    } else if (handshake->upgrade == NULL ||
               !list_has(handshake->upgrade, "websocket")) {
        refuse(verdict, 400, "the Upgrade header does not say websocket");
    } else if (handshake->connection == NULL ||
               !list_has(handshake->connection, "Upgrade")) {
        refuse(verdict, 400, "the Connection header does not say Upgrade");
    } else if (handshake->version == NULL || strcmp(handshake->version, "13") != 0) {
        refuse(verdict, 426, "this server speaks Sec-WebSocket-Version 13");
    } else if (handshake->key == NULL || !is_key(handshake->key)) {
        refuse(verdict, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
    } else {
        return true;
    }
    return false;
}

void moon_handshake_judge(const struct moon_handshake *handshake, const char *routes,
                          const char *origins, struct moon_verdict *verdict)
{
    struct moon_route route;
    memset(verdict, 0, sizeof *verdict);
    if (!is_well_formed(handshake, verdict)) {
        return;
    }
    if (!moon_route_find(routes, handshake->path, &route)) {
        refuse(verdict, 404, "nothing is served at this path");
    } else if (!is_welcome(handshake, origins)) {
        refuse(verdict, 403, "this Origin may not connect");
    } else if (handshake->protocols != NULL &&
               !choose(handshake->protocols, &route, verdict->protocol,
                       sizeof verdict->protocol)) {
        refuse(verdict, 400, "none of the offered subprotocols is spoken here");
    } else if (handshake->is_stopping) {
        refuse(verdict, 503, "the server is stopping");
    } else if (handshake->is_full) {
        refuse(verdict, 503, "the server is full");
    } else {
        refuse(verdict, 101, "");
    }
}
