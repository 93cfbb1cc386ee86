/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "proxy.h"
#include "ws_state.h"
#include <string.h>

enum {
    PROTOCOLS_BYTES = 126,  /* libwebsockets itself gives up on a longer list */
    COOKIES_BYTES = 12288,  /* of all cookies */
    FORWARDED_BYTES = 4096, /* of X-Forwarded-For */
};

const char moon_ws_no_protocol[] = "no subprotocol"; /* a token has no space */

/* ---- headers ---- */

const char *moon_ws_header(struct lws *wsi, enum lws_token_indexes token, char *buffer,
                           int capacity, bool *is_bad)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0) {
        return NULL;
    }
    if (lws_hdr_copy(wsi, buffer, capacity, token) != length ||
        strlen(buffer) != (size_t)length) {
        *is_bad = true;
        length = 0;
    }
    while (length > 0 && (buffer[length - 1] == ' ' || buffer[length - 1] == '\t')) {
        length--; /* RFC 9112 section 5: blanks around a value are not of it */
    }
    buffer[length] = '\0';
    return buffer;
}

static char *append_clear(char *at, const char *part)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *part != '\0'; part++) {
        unsigned char c = (unsigned char)*part;
        if (c == '%' || c == '&' || c < ' ' || c == 0x7f) {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        } else {
            *at++ = *part;
        }
    }
    return at;
}

void moon_ws_query(struct lws *wsi, char *query, int capacity, bool *is_bad)
{
    char part[MOON_WS_PATH_BYTES];
    char *at = query;
    int length = 0;
    *is_bad = *is_bad ||
              lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= MOON_WS_PATH_BYTES;
    for (int i = 0;
         !*is_bad &&
         (length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i)) > 0;
         i++) {
        if (lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i) !=
                length ||
            strlen(part) != (size_t)length ||
            3 * length + 2 > capacity - (at - query)) {
            *is_bad = true;
            break;
        }
        if (i > 0) {
            *at++ = '&';
        }
        at = append_clear(at, part);
    }
    *at = '\0';
    if (strcmp(query, "/") == 0) { /* what libwebsockets has for "?" alone */
        *query = '\0';
    }
}

const char *moon_ws_target(struct lws *wsi, char *path, int capacity, bool *is_bad)
{
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } methods[] = {
        {WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
        {WSI_TOKEN_PUT_URI, "PUT"},         {WSI_TOKEN_PATCH_URI, "PATCH"},
        {WSI_TOKEN_DELETE_URI, "DELETE"},   {WSI_TOKEN_HEAD_URI, "HEAD"},
        {WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
    };

    path[0] = '\0';
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (moon_ws_header(wsi, methods[i].token, path, capacity, is_bad) != NULL) {
            return methods[i].name;
        }
    }
    return NULL;
}

/* Copies a NUL-terminated field with its NUL; returns where the next one goes. */
static char *append_field(char *at, const char *field)
{
    size_t length = strlen(field) + 1;
    memcpy(at, field, length);
    return at + length;
}

/* ---- handshake ---- */

int moon_ws_refuse(struct lws *wsi, uint32_t status, uint32_t retry_after_s,
                   const char *headers, const char *line)
{
    char bytes[LWS_PRE + 2 * MOON_HTTP_HEAD_BYTES]; /* lines have at most 200 bytes */
    char *response = bytes + LWS_PRE;
    uint32_t capacity = sizeof bytes - LWS_PRE;
    bool has_body = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) <= 0;
    const struct moon_response described = {
        .status = status,
        .retry_after_s = retry_after_s,
        .headers = headers,
        .headers_bytes = (uint32_t)strlen(headers),
        .body_bytes = strlen(line) + 1,
    };
    uint32_t length = moon_http_head(response, capacity, &described);
    if (has_body && length + described.body_bytes <= capacity) {
        memcpy(response + length, line, described.body_bytes - 1);
        response[length + described.body_bytes - 1] = '\n';
        length += (uint32_t)described.body_bytes;
    }
    (void)lws_write(wsi, (unsigned char *)response, length, LWS_WRITE_HTTP);
    return -1; /* and hang up */
}

static bool is_forwarded(struct lws *wsi)
{
    return moon_ws_conn_of(wsi)->is_proxied &&
           moon_ws_of(wsi)->config->proxy_protocol == 0;
}

bool moon_ws_client(struct lws *wsi, struct moon_address *client)
{
    char value[FORWARDED_BYTES];
    bool is_bad = false;
    *client = moon_ws_conn_of(wsi)->address;
    if (!is_forwarded(wsi) || moon_ws_header(wsi, WSI_TOKEN_X_FORWARDED_FOR, value,
                                             sizeof value, &is_bad) == NULL) {
        return true;
    }
    return !is_bad &&
           moon_forwarded_for(value, &moon_ws_of(wsi)->config->proxies, client);
}

/* Whether the client spoke TLS: to us, or to a trusted proxy that says so. */
static bool came_with_tls(struct lws *wsi)
{
    static const char name[] = "x-forwarded-proto:";
    char value[8] = "";
    if (moon_ws_of(wsi)->tls != NULL) {
        return true;
    }
    return is_forwarded(wsi) &&
           lws_hdr_custom_copy(wsi, value, sizeof value, name, sizeof name - 1) > 0 &&
           strcmp(value, "https") == 0;
}

/* The buffers that a handshake's header values are copied to. */
struct headers {
    char path[MOON_WS_PATH_BYTES], upgrade[MOON_WS_HEADER_BYTES];
    char connection[MOON_WS_HEADER_BYTES], version[MOON_WS_HEADER_BYTES];
    char key[MOON_WS_HEADER_BYTES], host[MOON_WS_HEADER_BYTES];
    char origin[MOON_WS_HEADER_BYTES], protocols[PROTOCOLS_BYTES];
    char authorization[MOON_WS_TOKEN_BYTES], cookie[COOKIES_BYTES], http[16];
    char query[MOON_WS_QUERY_BYTES];
};

/* False when a header is too long or malformed. */
static bool read_handshake(struct lws *wsi, struct headers *h,
                           struct moon_handshake *handshake)
{
    bool is_bad = false;
    const char *method = moon_ws_target(wsi, h->path, sizeof h->path, &is_bad);
#define HEADER(token, field) \
    moon_ws_header(wsi, token, h->field, sizeof h->field, &is_bad)
    const char *http = HEADER(WSI_TOKEN_HTTP, http);
    *handshake = (struct moon_handshake){
        .path = h->path,
        .upgrade = HEADER(WSI_TOKEN_UPGRADE, upgrade),
        .connection = HEADER(WSI_TOKEN_CONNECTION, connection),
        .version = HEADER(WSI_TOKEN_VERSION, version),
        .key = HEADER(WSI_TOKEN_KEY, key),
        .host = HEADER(WSI_TOKEN_HOST, host),
        .origin = HEADER(WSI_TOKEN_ORIGIN, origin),
        .protocols = HEADER(WSI_TOKEN_PROTOCOL, protocols),
        .authorization = HEADER(WSI_TOKEN_HTTP_AUTHORIZATION, authorization),
        .cookie = HEADER(WSI_TOKEN_HTTP_COOKIE, cookie),
        .is_get = method != NULL && strcmp(method, "GET") == 0,
        .is_http_1_1 = http != NULL && strcmp(http, "HTTP/1.1") == 0,
        .is_tls = came_with_tls(wsi),
    };
#undef HEADER
    moon_ws_query(wsi, h->query, sizeof h->query, &is_bad);
    return !is_bad;
}

/* What opened() will want to know; the header values go with the buffers. */
static void remember(struct moon_ws *ws, const struct moon_verdict *verdict)
{
    ws->verdict = *verdict;
    ws->token[0] = '\0';
    if (verdict->token != NULL) {
        memcpy(ws->token, verdict->token, verdict->token_bytes);
        ws->token[verdict->token_bytes] = '\0';
    }
    const char *chosen =
        verdict->protocol[0] == '\0' ? moon_ws_no_protocol : verdict->protocol;
    memcpy(ws->chosen, chosen, strlen(chosen) + 1);
}

int moon_ws_judge(struct lws *wsi)
{
    struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    struct headers headers;
    struct moon_handshake handshake;
    struct moon_admission admission;
    struct moon_verdict verdict;
    struct moon_address client;
    if (!read_handshake(wsi, &headers, &handshake) || !moon_ws_client(wsi, &client)) {
        moon_io_refused(ws->io, MOON_REFUSED_MALFORMED);
        return moon_ws_refuse(wsi, 400, 0, "", "a header is too long or malformed");
    }
    if (is_forwarded(wsi)) {
        moon_io_rename(ws->io, conn, &client);
    }
    moon_io_describe(ws->io, conn, &admission);
    moon_handshake_judge(&handshake, moon_io_routes(ws->io), &admission, &verdict);
    if (verdict.status != 101) {
        moon_log(MOON_DEBUG, "ws", "refused an upgrade of %s: %u %s", handshake.path,
                 verdict.status, verdict.message);
        moon_io_refused(ws->io, (enum moon_refusal)verdict.refusal);
        return moon_ws_refuse(wsi, verdict.status, verdict.retry_after_s,
                              verdict.status == 405 ? "Allow: GET\r\n" : "",
                              verdict.message);
    }
    remember(ws, &verdict);
    return 0;
}

void moon_ws_open(struct lws *wsi)
{
    char path[MOON_WS_PATH_BYTES] = "", query[MOON_WS_QUERY_BYTES];
    char host[MOON_WS_HEADER_BYTES] = "", address[MOON_ADDRESS_TEXT];
    char fields[sizeof path + sizeof query + sizeof host + sizeof address +
                MOON_PROTOCOL_BYTES + MOON_WS_TOKEN_BYTES];
    struct moon_ws *ws = moon_ws_of(wsi);
    struct moon_conn *conn = moon_ws_conn_of(wsi);
    bool is_bad = false;
    moon_ws_header(wsi, WSI_TOKEN_GET_URI, path, sizeof path, &is_bad);
    moon_ws_header(wsi, WSI_TOKEN_HOST, host, sizeof host, &is_bad);
    moon_ws_query(wsi, query, sizeof query, &is_bad); /* judged by now */
    moon_address_format(&conn->address, address);
    char *at = append_field(fields, path);
    at = append_field(at, query);
    at = append_field(at, ws->verdict.protocol);
    at = append_field(at, address);
    at = append_field(at, ws->token);
    at = append_field(at, host);
    moon_io_opened(ws->io, conn, ws->verdict.wants_auth, fields,
                   (uint64_t)(at - fields));
}
