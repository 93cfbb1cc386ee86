/* SPDX-License-Identifier: MIT */
#include "mem.h"
#include "route.h"
#include "ws_state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a path is to us; a static file is what is left. */
enum target {
    TARGET_FILE,
    TARGET_HEALTH,
    TARGET_READINESS,
    TARGET_METRICS,
    TARGET_SCRIPT, /* served by a script, perhaps with another method */
};

static enum target target_of(const struct moon_ws *ws, const char *path)
{
    char methods[8];
    if (strcmp(path, "/healthz") == 0) {
        return TARGET_HEALTH;
    }
    if (strcmp(path, "/readyz") == 0) {
        return TARGET_READINESS;
    }
    if (strcmp(path, "/metrics") == 0) {
        return TARGET_METRICS;
    }
    moon_route_methods(moon_io_routes(ws->io), path, methods, sizeof methods);
    return methods[0] == '\0' ? TARGET_FILE : TARGET_SCRIPT;
}

static bool is_reading(const char *method)
{
    return method != NULL &&
           (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

/* A request's head is there: the only one of its connection. libwebsockets 4.1 reads
 * freed memory, or goes round for ever, when requests with bodies lie one behind the
 * other in what it has read; so what comes behind the first one is never looked at. */
static int begin(struct lws *wsi)
{
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    if (conn->request > 0) {
        return -1;
    }
    moon_io_asked(moon_ws_of(wsi)->io, conn);
    return 0;
}

/* Sends what is in conn->message. -1 when the connection is to end now. */
static int write_response(struct lws *wsi)
{
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    unsigned char *bytes = (unsigned char *)conn->message.bytes;
    if (lws_write(wsi, bytes, conn->message.length, LWS_WRITE_HTTP) < 0 ||
        !lws_partial_buffered(wsi)) {
        return -1;
    }
    (void)lws_callback_on_writable(wsi); /* when the rest is out */
    return 0;
}

void moon_ws_respond(void *socket)
{
    struct lws *wsi = socket;
    if (write_response(wsi) != 0) {
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    }
}

int moon_ws_answer(struct lws *wsi, uint32_t status, const char *headers,
                   const char *body, uint64_t body_bytes)
{
    const struct moon_response response = {
        .status = status,
        .headers = headers,
        .headers_bytes = (uint32_t)strlen(headers),
        .body_bytes = body_bytes,
    };
    moon_io_respond(moon_ws_of(wsi)->io, moon_ws_conn_of(wsi), &response, body);
    return write_response(wsi);
}

static int refuse(struct lws *wsi, uint32_t status, const char *headers,
                  const char *line)
{
    moon_io_refused_request(moon_ws_of(wsi)->io);
    return moon_ws_refuse(wsi, status, status == 503, headers, line);
}

static int respond_metrics(struct lws *wsi)
{
    static const char headers[] =
        "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
    struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_address client;
    if (!moon_ws_client(wsi, &client) ||
        !moon_networks_have(&ws->config->metrics_from, &client)) {
        return refuse(wsi, 403, "",
                      "this address may not read the metrics (--metrics-from)");
    }
    uint64_t bytes = 0;
    char *text = moon_io_metrics(ws->io, &bytes);
    int result = moon_ws_answer(wsi, 200, headers, text, bytes);
    moon_free(text);
    return result;
}

static int respond_readiness(struct lws *wsi)
{
    const char *reason = moon_io_unready(moon_ws_of(wsi)->io);
    return reason == NULL ? moon_ws_answer(wsi, 200, "", "ready\n", 6)
                          : refuse(wsi, 503, "", reason);
}

/* ---- requests for scripts ---- */

/* Length of the body that is announced; -1 when that cannot be known. */
static long long body_bytes(struct lws *wsi, const char *method)
{
    char length[24] = "";
    bool is_bad = false;
    char *end = NULL;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return -1;
    }
    if (moon_ws_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length,
                       &is_bad) == NULL) {
        return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                       strcmp(method, "PATCH") == 0
                   ? -1
                   : 0;
    }
    long long bytes = strtoll(length, &end, 10);
    bool is_number = !is_bad && length[0] >= '0' && length[0] <= '9' && *end == '\0';
    return is_number ? bytes : -1;
}

/* Keeps the head as MOON_REQUESTED has it; returns its length, 0 when a header is too
 * long or malformed. */
static uint32_t keep_head(struct lws *wsi, const char *method, const char *path)
{
    char query[MOON_WS_QUERY_BYTES], type[MOON_WS_HEADER_BYTES] = "";
    char authorization[MOON_WS_TOKEN_BYTES] = "", host[MOON_WS_HEADER_BYTES] = "";
    char address[MOON_ADDRESS_TEXT];
    struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    struct moon_address client;
    bool is_bad = !moon_ws_client(wsi, &client);
    moon_ws_query(wsi, query, sizeof query, &is_bad);
    moon_ws_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof type, &is_bad);
    moon_ws_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, authorization,
                   sizeof authorization, &is_bad);
    moon_ws_header(wsi, WSI_TOKEN_HOST, host, sizeof host, &is_bad);
    moon_address_format(&client, address);
    const char *const fields[] = {method,        path,    query, type,
                                  authorization, address, host};
    for (size_t i = 0; !is_bad && i < sizeof fields / sizeof *fields; i++) {
        moon_io_keep(ws->io, conn, fields[i], strlen(fields[i]) + 1);
    }
    return is_bad ? 0 : conn->message.length;
}

static int ask(struct lws *wsi)
{
    struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* the deadline is in our wheel */
    moon_io_ask(ws->io, conn);
    return 0;
}

static int begin_request(struct lws *wsi, const char *method, const char *path)
{
    struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    long long bytes = body_bytes(wsi, method);
    if (bytes < 0) {
        return refuse(wsi, 411, "", "a body needs a Content-Length");
    }
    if (bytes > ws->config->max_body_bytes) {
        return refuse(wsi, 413, "", "the body is longer than max_body_bytes");
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP) <= 0) { /* what was behind is lost */
        return refuse(wsi, 400, "", "an encoded line break in the request line");
    }
    struct moon_address client;
    if (moon_ws_client(wsi, &client) && moon_io_is_denied(ws->io, &client)) {
        return refuse(wsi, 403, "", "this address may not come in");
    }
    if (moon_io_is_short(ws->io)) {
        return refuse(wsi, 503, "", "the server is short of memory or late");
    }
    conn->head_bytes = keep_head(wsi, method, path);
    if (conn->head_bytes == 0) {
        return refuse(wsi, 400, "", "a header is too long or malformed");
    }
    conn->is_head = strcmp(method, "HEAD") == 0;
    return bytes == 0 ? ask(wsi) : 0; /* else the body comes first */
}

static int route(struct lws *wsi, const char *method, const char *path)
{
    char methods[128], allow[160];
    struct moon_route found;
    const char *routes = moon_io_routes(moon_ws_of(wsi)->io);
    if (method != NULL && moon_route_find(routes, method, path, &found)) {
        return begin_request(wsi, method, path);
    }
    moon_route_methods(routes, path, methods, sizeof methods);
    (void)snprintf(allow, sizeof allow, "Allow: %s\r\n",
                   methods[0] == '\0' ? "GET, HEAD" : methods);
    return refuse(wsi, 405, allow, "this path is not served with this method");
}

/* A request that no file answers. */
static int dispatch(struct lws *wsi)
{
    char path[MOON_WS_PATH_BYTES];
    bool is_bad = false;
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    const char *method = moon_ws_target(wsi, path, sizeof path, &is_bad);
    enum target target = target_of(moon_ws_of(wsi), path);
    conn->is_head = method != NULL && strcmp(method, "HEAD") == 0;
    if (is_bad) {
        return refuse(wsi, 414, "", "the path is too long");
    }
    if (target == TARGET_SCRIPT || !is_reading(method)) {
        return route(wsi, method, path);
    }
    switch (target) {
    case TARGET_HEALTH:
        return moon_ws_answer(wsi, 200, "", "ok\n", 3);
    case TARGET_READINESS:
        return respond_readiness(wsi);
    case TARGET_METRICS:
        return respond_metrics(wsi);
    default:
        return moon_ws_serve_file(wsi, path);
    }
}

/* ---- what follows ---- */

static int take_body(struct lws *wsi, const char *bytes, size_t length)
{
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    struct moon_ws *ws = moon_ws_of(wsi);
    uint64_t most = (uint64_t)conn->head_bytes + ws->config->max_body_bytes;
    if (conn->head_bytes == 0 || conn->message.length + length > most) {
        return 0; /* of a request that nobody has asked to keep */
    }
    moon_io_keep(ws->io, conn, bytes, length);
    if (ws->tls != NULL) {
        (void)lws_callback_on_writable(wsi); /* as moon_ws_pause() does */
    }
    return 0;
}

int moon_ws_on_http(struct lws *wsi, enum lws_callback_reasons reason, void *in,
                    size_t length)
{
    const struct moon_conn *conn = moon_ws_conn_of(wsi);
    if (conn->state != MOON_CONN_GREETING) {
        return 0;
    }
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
        return begin(wsi);
    case LWS_CALLBACK_HTTP:
        return dispatch(wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return take_body(wsi, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return conn->head_bytes == 0 ? 0 : ask(wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return conn->is_answered && !lws_partial_buffered(wsi) ? -1 : 0;
    case LWS_CALLBACK_HTTP_FILE_COMPLETION:
        return -1; /* and the connection ends */
    default:
        return 0;
    }
}
