/* SPDX-License-Identifier: MIT */
#include "http.h"
#include <stdio.h>
#include <string.h>

struct status {
    uint32_t code;
    const char *reason;
    const char *headers; /* those that RFC 9110 or 6455 want with it */
};

static const struct status statuses[] = {
    {200, "OK", ""},
    {400, "Bad Request", ""},
    {403, "Forbidden", ""},
    {404, "Not Found", ""},
    {405, "Method Not Allowed", "Allow: GET\r\n"},
    {426, "Upgrade Required", "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"},
    {500, "Internal Server Error", ""},
    {503, "Service Unavailable", "Retry-After: 5\r\n"},
};

uint32_t moon_http_response(char *out, uint32_t status, const char *line)
{
    const struct status *found = &statuses[6];
    for (unsigned i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i].code == status) {
            found = &statuses[i];
        }
    }
    int length =
        snprintf(out, MOON_HTTP_MAX_BYTES,
                 "HTTP/1.1 %u %s\r\n"
                 "Content-Type: text/plain; charset=utf-8\r\n"
                 "Content-Length: %zu\r\n"
                 "Cache-Control: no-store\r\n"
                 "Connection: %s\r\n"
                 "%s\r\n%s\n",
                 found->code, found->reason, strlen(line) + 1,
                 found->code == 426 ? "close, Upgrade" : "close", found->headers, line);
    return length < MOON_HTTP_MAX_BYTES ? (uint32_t)length : MOON_HTTP_MAX_BYTES - 1;
}

uint32_t moon_http_status(const char *path)
{
    return strcmp(path, "/healthz") == 0 ? 200 : 404;
}
