/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "ws_state.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    HEADERS_BYTES = 16384, /* of a request in all; lws hangs up on more */
    RX_BUFFER_BYTES = 128, /* per connection, for a parser that gets nothing to do */
    WHOLE_SEND = 1 << 20,  /* lws must not cut what it is given */
    GRACE_S = 5,           /* lws' own deadlines come after ours */
};

struct moon_ws *moon_ws_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

struct moon_conn *moon_ws_conn_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

static void writable(struct lws *wsi)
{
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    if (conn != NULL && !lws_partial_buffered(wsi)) {
        moon_io_writable(moon_ws_of(wsi)->io, conn);
    }
}

/* Puts the pair of the files into force. False when they are not right. */
static bool load_tls(struct moon_ws *ws, char *problem)
{
    struct moon_tls *tls = moon_tls_load(ws->config->tls_cert, ws->config->tls_key,
                                         (int64_t)time(NULL), problem);
    if (tls == NULL || !moon_tls_install(tls, ws->ssl_ctx, problem)) {
        moon_tls_destroy(tls);
        return false;
    }
    moon_tls_destroy(ws->tls);
    ws->tls = tls;
    return true;
}

/* libwebsockets has made the SSL_CTX that all its connections will come from. */
static int begin_tls(struct moon_ws *ws, void *ssl_ctx)
{
    char problem[MOON_TLS_PROBLEM_BYTES];
    ws->ssl_ctx = ssl_ctx;
    if (!load_tls(ws, problem)) {
        moon_log(MOON_ERROR, "tls", "%s", problem);
        return -1;
    }
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                    void *in, size_t length)
{
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
        return begin_tls(moon_ws_of(wsi), user); /* a wsi without a socket */
    }
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return moon_ws_judge(wsi);
    case LWS_CALLBACK_ESTABLISHED:
        if (!moon_reader_begin(wsi)) {
            return -1;
        }
        moon_ws_open(wsi);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        writable(wsi);
        return 0;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: /* also what never was a WebSocket */
        if (conn != NULL) {
            lws_set_opaque_user_data(wsi, NULL);
            moon_io_gone(moon_ws_of(wsi)->io, conn);
        }
        return 0;
    case LWS_CALLBACK_RAW_ADOPT: /* what lws makes of a CONNECT request */
        return -1;
    default:
        return conn == NULL ? 0 : moon_ws_on_http(wsi, reason, in, length);
    }
}

static const struct lws_protocol_vhost_options file_headers[] = {
    {&file_headers[1], NULL, "content-security-policy:", "default-src 'self'"},
    {&file_headers[2], NULL, "x-content-type-options:", "nosniff"},
    {NULL, NULL, "referrer-policy:", "no-referrer"},
};

/* Its complaints are about clients; what concerns us comes back from the calls. */
static void log_line(int level, const char *line)
{
    (void)level;
    moon_log(MOON_DEBUG, "lws", "%.*s", (int)strcspn(line, "\n"), line);
}

/* lws counts its allocations without a lock, in all threads; this one does not
 * count. */
static void *allocate(void *memory, size_t bytes, const char *reason)
{
    (void)reason;
    if (bytes == 0) {
        moon_free(memory);
        return NULL;
    }
    return moon_realloc(memory, bytes);
}

void moon_ws_renew(struct moon_ws *ws)
{
    char problem[MOON_TLS_PROBLEM_BYTES];
    /* gate.c has checked the pair: if it is not right, it has changed since. */
    if (!load_tls(ws, problem)) {
        moon_log(MOON_ERROR, "tls", "not renewed, the old certificate stays: %s",
                 problem);
    }
}

int64_t moon_ws_not_after_s(const struct moon_ws *ws)
{
    return ws->tls == NULL ? 0 : moon_tls_not_after_s(ws->tls);
}

static void describe_context(struct moon_ws *ws, void **loops,
                             struct lws_context_creation_info *info)
{
    static const lws_retry_bo_t no_validity_checks; /* heartbeat.h has its own */
    const struct moon_config *config = ws->config;
    memset(info, 0, sizeof *info);
    info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info->protocols = ws->protocols;
    info->headers = file_headers;
    info->options = LWS_SERVER_OPTION_LIBUV;
    info->foreign_loops = loops;
    info->alpn = "http/1.1";
    info->retry_and_idle_policy = &no_validity_checks;
    info->max_http_header_data = HEADERS_BYTES;
    info->timeout_secs = config->handshake_timeout_ms / 1000 + GRACE_S;
    info->timeout_secs_ah_idle = info->timeout_secs;
    info->keepalive_timeout = (int)info->timeout_secs;
    info->user = ws;
    if (config->tls_cert != NULL) {
        info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                         LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
        ws->client_ssl_ctx = moon_tls_client_create();
        info->provided_client_ssl_ctx = ws->client_ssl_ctx;
    }
}

static void describe_protocols(struct moon_ws *ws)
{
    static const struct lws_protocols none = {
        moon_ws_no_protocol, on_event, 0, RX_BUFFER_BYTES, 0, NULL, WHOLE_SEND};
    ws->protocols[0] = ws->protocols[1] = none;
    ws->protocols[1].name = ws->chosen;
    memcpy(ws->chosen, moon_ws_no_protocol, strlen(moon_ws_no_protocol) + 1);
}

struct moon_ws *moon_ws_create(struct moon_io *io, const struct moon_config *config,
                               uv_loop_t *loop)
{
    struct moon_ws *ws = moon_alloc(sizeof *ws);
    void *loops[] = {loop};
    struct lws_context_creation_info info;
    ws->io = io;
    ws->config = config;
    ws->loop = loop;
    describe_protocols(ws);
    describe_context(ws, loops, &info);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    lws_set_allocator(allocate);
    ws->context = lws_create_context(&info);
    ws->vhost =
        ws->context == NULL ? NULL : lws_get_vhost_by_name(ws->context, "default");
    if (ws->vhost == NULL) {
        moon_log(MOON_ERROR, "ws",
                 "libwebsockets did not start: are there enough descriptors (ulimit "
                 "-n), and is libwebsockets-evlib-uv installed?");
        moon_free(ws);
        return NULL;
    }
    ws->reader = moon_reader_create(ws);
    return ws;
}

void moon_ws_destroy(struct moon_ws *ws)
{
    /* lws ends in two steps on a loop that is not its own: after the first call its
     * handles close on the loop's turns, and with them its connections; the second
     * frees the rest. */
    uv_loop_t *loop = ws->loop;
    moon_reader_close(ws->reader);
    lws_context_destroy(ws->context);
    for (int i = 0; i < 100 && uv_run(loop, UV_RUN_NOWAIT) != 0; i++) {
    }
    lws_context_destroy(ws->context);
    moon_tls_destroy(ws->tls);
    moon_tls_client_destroy(ws->client_ssl_ctx);
    moon_free(ws);
}

void *moon_ws_adopt(struct moon_ws *ws, int fd, struct moon_conn *conn)
{
    struct lws *wsi = lws_adopt_socket_vhost(ws->vhost, fd); /* or has closed it */
    if (wsi != NULL) {
        lws_set_opaque_user_data(wsi, conn);
    }
    return wsi;
}

int moon_ws_write(void *socket, const char *bytes, uint32_t length)
{
    struct lws *wsi = socket;
    /* LWS_WRITE_HTTP on a WebSocket goes to the socket as it is: the frames are
     * finished, and neither the bytes nor those before them are touched. */
    if (lws_write(wsi, (unsigned char *)(uintptr_t)bytes, length, LWS_WRITE_HTTP) < 0) {
        return MOON_EGONE;
    }
    return lws_partial_buffered(wsi) ? MOON_EFULL : MOON_OK;
}

uint32_t moon_ws_silence_ms(void *socket)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    int fd = lws_get_socket_fd(socket);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
        return UINT32_MAX;
    }
    return info.tcpi_last_data_recv;
}

void moon_ws_end(void *socket)
{
    moon_ws_pause(socket, true);
    lws_set_timeout(socket, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

void moon_ws_kill(void *socket)
{
    struct lws *wsi = socket;
    const struct linger at_once = {1, 0};
    int fd = lws_get_socket_fd(wsi);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)shutdown(fd, SHUT_RDWR); /* lws may be waiting to flush: that fails now */
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}
