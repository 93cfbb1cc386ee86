/* handshake.h - whether an upgrade to WebSocket is granted: RFC 6455 section 4.2 and
 * who may come in. Decides on header values alone; writes nothing.
 *
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Header values, NUL-terminated; NULL when the client did not send that header. */
struct moon_handshake {
    const char *path;
    const char *upgrade, *connection, *version, *key, *host, *origin, *protocols;
    bool is_get, is_http_1_1, has_cookie;
    bool is_full, is_stopping; /* of the server */
};

struct moon_verdict {
    uint32_t status;     /* HTTP status code; 101 grants */
    const char *message; /* for the client, one line */
    char protocol[64];   /* the subprotocol chosen, "" for none */
};

/* `routes` as in route.h; `origins` is a comma-separated list of origins that may
 * come in beside the server's own ("*" for all). */
void moon_handshake_judge(const struct moon_handshake *handshake, const char *routes,
                          const char *origins, struct moon_verdict *verdict);
