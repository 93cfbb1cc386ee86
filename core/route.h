/* route.h - the WebSocket paths that something serves, as the scripts have declared
 * them.
 *
 * Text, one route a line: the pattern, then the subprotocols it speaks, each after a
 * space. A segment in braces matches any one segment that is not empty:
 *     /ws moongate.v1.json
 *     /relay/{room}
 * Thread: any, on the caller's memory.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct moon_route {
    const char
        *protocols; /* borrowed from the table: space-separated, not terminated */
    uint32_t protocols_bytes;
};

/* Finds the first route of the NUL-terminated table whose pattern matches `path`. */
bool moon_route_find(const char *table, const char *path, struct moon_route *route);

/* Whether the route speaks this subprotocol. */
bool moon_route_speaks(const struct moon_route *route, const char *name,
                       uint64_t bytes);
