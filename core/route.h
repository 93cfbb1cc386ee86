/* route.h - the paths that the scripts serve, WebSocket and HTTP, as they have declared
 * them.
 *
 * Text, one route a line: what kind it is, the pattern, then words after spaces. A
 * segment in braces matches any one segment that is not empty:
 *     ws /ws +auth moongate.v1.json
 *     ws /relay/{room}
 *     GET /api/rooms/{name}
 * A word with a plus is a flag: "+auth", connections must be admitted in time;
 * "+token", the handshake must bring a token. The others are the subprotocols spoken
 * there.
 * Thread: any, on the caller's memory.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct moon_route {
    const char *words; /* borrowed from the table: what follows the pattern */
    uint32_t words_bytes;
    bool wants_auth, wants_token;
};

/* Finds the first route of the NUL-terminated table with this kind ("ws", "GET") whose
 * pattern matches `path`. */
bool moon_route_find(const char *table, const char *kind, const char *path,
                     struct moon_route *route);

/* The methods with which `path` is served over HTTP, as the Allow header wants them:
 * "GET, POST". "" when it is not served; cut when they do not fit. */
void moon_route_methods(const char *table, const char *path, char *out,
                        uint32_t capacity);

/* Whether the route speaks this subprotocol. */
bool moon_route_speaks(const struct moon_route *route, const char *name,
                       uint64_t bytes);
