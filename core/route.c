/* SPDX-License-Identifier: MIT */
#include "route.h"
#include <string.h>

static bool matches(const char *pattern, const char *pattern_end, const char *path)
{
    while (pattern < pattern_end) {
        if (*pattern == '{') {
            const char *close = memchr(pattern, '}', (size_t)(pattern_end - pattern));
            size_t segment = strcspn(path, "/");
            if (close == NULL || segment == 0) {
                return false;
            }
            pattern = close + 1;
            path += segment;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

bool moon_route_find(const char *table, const char *path, struct moon_route *route)
{
    while (*table != '\0') {
        const char *pattern_end = table + strcspn(table, " \n");
        const char *line_end = table + strcspn(table, "\n");
        if (matches(table, pattern_end, path)) {
            route->protocols = pattern_end;
            route->protocols_bytes = (uint32_t)(line_end - pattern_end);
            return true;
        }
        table = *line_end == '\n' ? line_end + 1 : line_end;
    }
    return false;
}

bool moon_route_speaks(const struct moon_route *route, const char *name, uint64_t bytes)
{
    const char *at = route->protocols;
    const char *end = at + route->protocols_bytes;
    while (at < end) {
        at++; /* the space before each name */
        const char *next = memchr(at, ' ', (size_t)(end - at));
        const char *stop = next == NULL ? end : next;
        if ((uint64_t)(stop - at) == bytes && memcmp(at, name, bytes) == 0) {
            return true;
        }
        at = stop;
    }
    return false;
}
