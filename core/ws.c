/* SPDX-License-Identifier: MIT */
#include "ws.h"
#include "handshake.h"
#include "http.h"
#include "log.h"
#include "mem.h"
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PATH_BYTES = 512,       /* longer paths and queries are refused with 400 */
    HEADER_BYTES = 256,     /* the same for each header that is looked at */
    PROTOCOLS_BYTES = 126,  /* lws itself gives up on a longer list */
    HEADERS_BYTES = 16384,  /* of a request in all; lws hangs up on more */
    RX_BUFFER_BYTES = 2048, /* per connection, and the most one recv() takes */
    WHOLE_SEND = 1 << 20,   /* lws must not cut what it is given */
};

struct moon_ws {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct moon_io *io;
    const struct moon_config *config;
    uv_loop_t *loop;
};

static struct moon_ws *ws_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static struct moon_conn *conn_of(struct lws *wsi)
{
    return lws_get_opaque_user_data(wsi);
}

/* Copies a header's value; NULL when there is none. Sets *is_bad when it is too long or
 * holds a NUL. */
static const char *header(struct lws *wsi, enum lws_token_indexes token, char *buffer,
                          int capacity, bool *is_bad)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0) {
        return NULL;
    }
    if (lws_hdr_copy(wsi, buffer, capacity, token) != length ||
        strlen(buffer) != (size_t)length) {
        *is_bad = true;
        buffer[0] = '\0';
    }
    return buffer;
}

/* lws keeps the query cut at its ampersands. */
static void copy_query(struct lws *wsi, char *query, int capacity)
{
    int used = 0, length = 0;
    for (int i = 0;
         (length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i)) > 0; i++) {
        if (used + length + 2 > capacity) {
            return;
        }
        if (i > 0) {
            query[used++] = '&';
        }
        (void)lws_hdr_copy_fragment(wsi, query + used, capacity - used,
                                    WSI_TOKEN_HTTP_URI_ARGS, i);
        used += length;
    }
}

static int answer(struct lws *wsi, uint32_t status, const char *line, bool has_body)
{
    char response[LWS_PRE + MOON_HTTP_MAX_BYTES];
    uint32_t length = moon_http_response(response + LWS_PRE, status, line);
    if (!has_body) {
        length -= (uint32_t)strlen(line) + 1;
    }
    (void)lws_write(wsi, (unsigned char *)response + LWS_PRE, length, LWS_WRITE_HTTP);
    return -1; /* and hang up */
}

/* A request that is neither a file nor an upgrade. */
static int answer_plain(struct lws *wsi)
{
    char path[PATH_BYTES] = "";
    bool is_bad = false;
    bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    (void)header(wsi, is_head ? WSI_TOKEN_HEAD_URI : WSI_TOKEN_GET_URI, path,
                 sizeof path, &is_bad);
    uint32_t status = moon_http_status(path);
    const char *line = status == 200 ? "ok" : "nothing is served at this path";
    return answer(wsi, status, line, !is_head);
}

/* Grants (0) or refuses (not 0) an upgrade; a refusal is one HTTP response. */
static int judge(struct lws *wsi)
{
    static const char too_long[] = "a header is too long or malformed";
    char path[PATH_BYTES], upgrade[HEADER_BYTES], connection[HEADER_BYTES];
    char version[HEADER_BYTES], key[HEADER_BYTES], host[HEADER_BYTES];
    char origin[HEADER_BYTES], protocols[PROTOCOLS_BYTES];
    struct moon_ws *ws = ws_of(wsi);
    struct moon_verdict verdict;
    bool is_bad = false;
    char http[16];
    struct moon_handshake handshake = {
        .path = header(wsi, WSI_TOKEN_GET_URI, path, sizeof path, &is_bad),
        .upgrade = header(wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof upgrade, &is_bad),
        .connection =
            header(wsi, WSI_TOKEN_CONNECTION, connection, sizeof connection, &is_bad),
        .version = header(wsi, WSI_TOKEN_VERSION, version, sizeof version, &is_bad),
        .key = header(wsi, WSI_TOKEN_KEY, key, sizeof key, &is_bad),
        .host = header(wsi, WSI_TOKEN_HOST, host, sizeof host, &is_bad),
        .origin = header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin, &is_bad),
        .protocols =
            header(wsi, WSI_TOKEN_PROTOCOL, protocols, sizeof protocols, &is_bad),
        .is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0,
        .has_cookie = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_COOKIE) > 0,
    };
    const char *http_version = header(wsi, WSI_TOKEN_HTTP, http, sizeof http, &is_bad);
    handshake.is_http_1_1 =
        http_version != NULL && strcmp(http_version, "HTTP/1.1") == 0;
    if (is_bad || lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= PATH_BYTES) {
        return answer(wsi, 400, too_long, true);
    }
    moon_io_describe(ws->io, &handshake);
    moon_handshake_judge(&handshake, moon_io_routes(ws->io), ws->config->origins,
                         &verdict);
    if (verdict.status != 101) {
        moon_log(MOON_DEBUG, "ws", "refused an upgrade of %s: %u %s",
                 handshake.path == NULL ? "?" : handshake.path, verdict.status,
                 verdict.message);
        return answer(wsi, verdict.status, verdict.message, true);
    }
    return 0;
}

static char *append_field(char *at, const char *field)
{
    size_t length = strlen(field) + 1;
    memcpy(at, field, length);
    return at + length;
}

/* The 101 is out: tells the I/O thread who has come. -1 when it has no place. */
static int open_conn(struct lws *wsi)
{
    char path[PATH_BYTES] = "", query[PATH_BYTES] = "", address[64] = "";
    char fields[2 * PATH_BYTES + 64 + 64];
    struct moon_ws *ws = ws_of(wsi);
    bool is_bad = false;
    header(wsi, WSI_TOKEN_GET_URI, path, sizeof path, &is_bad);
    copy_query(wsi, query, sizeof query);
    lws_get_peer_simple(wsi, address, sizeof address);
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    char *at = append_field(fields, path);
    at = append_field(at, query);
    at = append_field(at, protocol->id == 0 ? "" : protocol->name);
    at = append_field(at, address);
    struct moon_conn *conn =
        moon_io_opened(ws->io, wsi, fields, (uint64_t)(at - fields));
    lws_set_opaque_user_data(wsi, conn);
    return conn == NULL ? -1 : 0;
}

static void receive(struct lws *wsi, const char *bytes, size_t length)
{
    struct moon_conn *conn = conn_of(wsi);
    if (conn == NULL) {
        return;
    }
    const struct moon_part part = {
        .bytes = bytes,
        .length = length,
        .still_to_come = lws_remaining_packet_payload(wsi),
        .opcode = lws_frame_is_binary(wsi) ? MOON_BINARY : MOON_TEXT,
        .is_last = lws_is_final_fragment(wsi) != 0,
    };
    moon_io_received(ws_of(wsi)->io, conn, &part);
}

static void writable(struct lws *wsi)
{
    struct moon_conn *conn = conn_of(wsi);
    if (conn != NULL && !lws_partial_buffered(wsi)) {
        moon_io_writable(ws_of(wsi)->io, conn);
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                    void *in, size_t length)
{
    (void)user;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return judge(wsi);
    case LWS_CALLBACK_HTTP:
        return answer_plain(wsi);
    case LWS_CALLBACK_HTTP_FILE_COMPLETION: /* ready for the next on this connection */
        return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
    case LWS_CALLBACK_ESTABLISHED:
        return open_conn(wsi);
    case LWS_CALLBACK_RECEIVE:
        receive(wsi, in, length);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        if (conn_of(wsi) != NULL) {
            moon_io_ponged(conn_of(wsi));
        }
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        writable(wsi);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (conn_of(wsi) != NULL) {
            moon_io_peer_closed(ws_of(wsi)->io, conn_of(wsi), in, length);
        }
        return -1; /* our own Close is out: lws must not send another */
    case LWS_CALLBACK_CLOSED:
        if (conn_of(wsi) != NULL) {
            moon_io_gone(ws_of(wsi)->io, conn_of(wsi));
            lws_set_opaque_user_data(wsi, NULL);
        }
        return 0;
    case LWS_CALLBACK_RAW_ADOPT: /* what lws makes of a CONNECT request */
        return -1;
    default:
        return 0;
    }
}

/* The first name cannot be asked for: a token has no space. Those after it are
 * spoken by routes that say so. */
static const struct lws_protocols protocols[] = {
    {"no subprotocol", on_event, 0, RX_BUFFER_BYTES, 0, NULL, WHOLE_SEND},
    {"moongate.v1.json", on_event, 0, RX_BUFFER_BYTES, 1, NULL, WHOLE_SEND},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static const struct lws_http_mount health_mount = {
    .mountpoint = "/healthz",
    .origin = "no subprotocol",
    .origin_protocol = LWSMPRO_CALLBACK,
    .mountpoint_len = 8,
    .protocol = "no subprotocol",
};

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

struct moon_ws *moon_ws_create(struct moon_io *io, const struct moon_config *config,
                               uv_loop_t *loop)
{
    static const lws_retry_bo_t no_validity_checks; /* heartbeat.h has its own */
    static struct lws_http_mount file_mount;        /* the same for all threads */
    struct moon_ws *ws = moon_alloc(sizeof *ws);
    void *loops[] = {loop};
    struct lws_context_creation_info info;
    ws->io = io;
    ws->config = config;
    ws->loop = loop;
    if (config->static_dir != NULL) {
        file_mount = (struct lws_http_mount){
            .mount_next = &health_mount,
            .mountpoint = "/",
            .origin = config->static_dir,
            .def = "index.html",
            .origin_protocol = LWSMPRO_FILE,
            .mountpoint_len = 1,
        };
    }
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    lws_set_allocator(allocate);
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.mounts = config->static_dir != NULL ? &file_mount : &health_mount;
    info.headers = file_headers;
    info.options = LWS_SERVER_OPTION_LIBUV;
    info.foreign_loops = loops;
    info.alpn = "http/1.1";
    info.retry_and_idle_policy = &no_validity_checks;
    info.max_http_header_data = HEADERS_BYTES;
    info.timeout_secs = 10;
    info.timeout_secs_ah_idle = 10;
    info.keepalive_timeout = 10;
    info.user = ws;
    ws->context = lws_create_context(&info);
    ws->vhost =
        ws->context == NULL ? NULL : lws_get_vhost_by_name(ws->context, "default");
    if (ws->vhost == NULL) {
        moon_log(MOON_ERROR, "ws",
                 "libwebsockets did not start: are there enough descriptors (ulimit "
                 "-n), and "
                 "is libwebsockets-evlib-uv installed?");
        moon_free(ws);
        return NULL;
    }
    return ws;
}

void moon_ws_destroy(struct moon_ws *ws)
{
    /* lws ends in two steps on a loop that is not its own: after the first call its
     * handles close on the loop's turns, and with them its connections; the second
     * frees the rest. */
    uv_loop_t *loop = ws->loop;
    lws_context_destroy(ws->context);
    for (int i = 0; i < 100 && uv_run(loop, UV_RUN_NOWAIT) != 0; i++) {
    }
    lws_context_destroy(ws->context);
    moon_free(ws);
}

void moon_ws_adopt(struct moon_ws *ws, int fd)
{
    (void)lws_adopt_socket_vhost(ws->vhost, fd); /* closes it when it fails */
}

int moon_ws_write(void *socket, const char *bytes, uint32_t length)
{
    struct lws *wsi = socket;
    if (moon_ws_is_refused(socket)) {
        return MOON_EINVAL;
    }
    /* LWS_WRITE_HTTP on a WebSocket goes to the socket as it is: the frames are
     * finished, and neither the bytes nor those before them are touched. */
    if (lws_write(wsi, (unsigned char *)(uintptr_t)bytes, length, LWS_WRITE_HTTP) < 0) {
        return MOON_EGONE;
    }
    return lws_partial_buffered(wsi) ? MOON_EFULL : MOON_OK;
}

bool moon_ws_is_refused(void *socket)
{
    /* Only lws' own parser prepares a close payload: our Close frames go out raw. */
    return lws_get_close_length(socket) > 0;
}

void moon_ws_pause(void *socket, bool pause)
{
    (void)lws_rx_flow_control(socket, pause ? 0 : 1);
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

void moon_ws_kill(void *socket)
{
    struct lws *wsi = socket;
    const struct linger at_once = {1, 0};
    int fd = lws_get_socket_fd(wsi);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)shutdown(fd, SHUT_RDWR); /* lws may be waiting to flush: that fails now */
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}
