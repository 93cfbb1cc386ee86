/* ws_state.h - what ws.c (life, writing), ws_read.c (reading), ws_upgrade.c
 * (handshakes), ws_file.c and ws_http.c (HTTP) share. Nobody else includes it.
 *
 * Thread: the I/O thread.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "tls.h"
#include "ws.h"
#include <libwebsockets.h>

enum {
    MOON_WS_PATH_BYTES = 512,   /* longer paths and queries are refused with 400 */
    MOON_WS_HEADER_BYTES = 512, /* the same for most headers that are looked at */
    MOON_WS_QUERY_BYTES =
        3 * MOON_WS_PATH_BYTES, /* a query, written so as to be clear */
    MOON_WS_TOKEN_BYTES = 4608, /* the same for Authorization */
};

struct moon_ws {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct moon_io *io;
    const struct moon_config *config;
    uv_loop_t *loop;
    struct moon_tls *tls; /* the pair in force; NULL without TLS */
    void *ssl_ctx;        /* where it is in force */
    void *client_ssl_ctx; /* unused, or libwebsockets makes one of its own */
    /* libwebsockets chooses a subprotocol by name among these. The second one's name is
     * `chosen`: what the handshake under way has agreed on. */
    struct lws_protocols protocols[3];
    char chosen[MOON_PROTOCOL_BYTES];
    struct moon_verdict verdict; /* of the handshake under way, from judge to opened */
    char token[MOON_WS_TOKEN_BYTES];
    struct moon_reader *reader;
};

struct moon_ws *moon_ws_of(struct lws *wsi);
struct moon_conn *moon_ws_conn_of(struct lws *wsi);

/* Copies a header's value; NULL when there is none. Sets *is_bad when it is too long or
 * holds a NUL. */
const char *moon_ws_header(struct lws *wsi, enum lws_token_indexes token, char *buffer,
                           int capacity, bool *is_bad);

/* The same for a query. libwebsockets has decoded it and keeps it cut at its
 * ampersands: those within a part, percent signs and control characters are encoded
 * again. */
void moon_ws_query(struct lws *wsi, char *query, int capacity, bool *is_bad);

/* Copies the path and returns the method's name; NULL for a method without one. */
const char *moon_ws_target(struct lws *wsi, char *path, int capacity, bool *is_bad);

/* One whole response, after which the connection ends. */
int moon_ws_refuse(struct lws *wsi, uint32_t status, uint32_t retry_after_s,
                   const char *headers, const char *line);

/* The client as a trusted proxy names it, or else the peer. False when such a proxy
 * sends a malformed X-Forwarded-For. */
bool moon_ws_client(struct lws *wsi, struct moon_address *client);

/* ws_upgrade.c: grants (0) or refuses (not 0) an upgrade; a refusal is one HTTP
 * response. */
int moon_ws_judge(struct lws *wsi);

/* The 101 is out: tells the I/O thread who has come. */
void moon_ws_open(struct lws *wsi);

/* ws_read.c: reads the open connections, on an epoll of its own, which the loop
 * watches. */
struct moon_reader *moon_reader_create(struct moon_ws *ws);

/* Stops it; then, when the loop has let go of its handle, frees it. */
void moon_reader_close(struct moon_reader *reader);

/* Takes the reading of a connection over from libwebsockets; moon_ws_pause() begins it.
 * False when the client has sent more than its request. */
bool moon_reader_begin(struct lws *wsi);

/* The name of a protocol that nobody can ask for. */
extern const char moon_ws_no_protocol[];

/* ws_http.c: a whole response, after which the connection ends. */
int moon_ws_answer(struct lws *wsi, uint32_t status, const char *headers,
                   const char *body, uint64_t body_bytes);

/* ws_file.c: a file of the static folder, or a 404. */
int moon_ws_serve_file(struct lws *wsi, const char *path);

/* ws_http.c: the callbacks of HTTP; what they return is libwebsockets' 0 or -1. */
int moon_ws_on_http(struct lws *wsi, enum lws_callback_reasons reason, void *in,
                    size_t length);
