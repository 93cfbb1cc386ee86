/* handshake.h - whether an upgrade to WebSocket is granted: RFC 6455 section 4.2 and
 * who may come in. Decides on header values alone; writes nothing.
 *
 * Origin: the server's own (scheme, and what Host says) and those listed are let in,
 * compared as origin.h does; "null" only when "null" is listed. "*" lets in whatever
 * the header says. Without the header only who sends no cookie is let in.
 * Token: from "Authorization: Bearer", else from the first subprotocol
 * "bearer.<token>", else from the cookie. A malformed one counts as none. "bearer."
 * names are never chosen, so there has to be another beside it: a browser drops the
 * connection when it has offered some and none is chosen.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "metrics.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_PROTOCOL_BYTES = 64, /* longest subprotocol name, with its NUL */
    MOON_TOKEN_BYTES = 4096,  /* longest token; a longer one counts as none */
};

/* Header values without blanks at either end, NUL-terminated; NULL when the client did
 * not send that header. One that came several times is joined with commas, Cookie with
 * semicolons. */
struct moon_handshake {
    const char *path;
    const char *upgrade, *connection, *version, *key, *host, *origin, *protocols;
    const char *authorization, *cookie;
    bool is_get, is_http_1_1;
    bool is_tls; /* the client came with TLS, to us or to a trusted proxy */
};

/* What holds for newcomers now. */
struct moon_admission {
    const char *origins;      /* comma-separated, beside the own; "*" for all */
    const char *token_cookie; /* name of the cookie that may hold a token, or NULL */
    const char *reason;       /* why all are refused, or NULL */
    bool is_stopping;
    bool is_full;        /* max_connections is reached */
    bool is_crowded;     /* max_per_address is reached */
    bool is_denied;      /* the address is in a denied network */
    bool is_too_fast;    /* handshakes_per_second is reached */
    bool is_out_of_room; /* the governor refuses */
    uint32_t retry_after_s;
};

struct moon_verdict {
    uint32_t status;        /* HTTP status code; 101 grants */
    uint32_t refusal;       /* enum moon_refusal, 0 when granted */
    uint32_t retry_after_s; /* 0: no Retry-After */
    const char *message;    /* for the client, one line; borrowed from the admission, or
                               static */
    char protocol[MOON_PROTOCOL_BYTES]; /* the subprotocol chosen, "" for none */
    const char *token; /* borrowed from a header; NULL when there is none */
    uint32_t token_bytes;
    bool wants_auth; /* the route's connections must be admitted in time */
};

/* `routes` as in route.h. */
void moon_handshake_judge(const struct moon_handshake *handshake, const char *routes,
                          const struct moon_admission *admission,
                          struct moon_verdict *verdict);
