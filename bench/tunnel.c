/* SPDX-License-Identifier: MIT */
#include "tunnel.h"
#include "../core/mem.h"
#include "stream.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

enum {
    READ_BYTES = 65536, /* of several records, in one system call */
};

struct moon_tunnels {
    SSL_CTX *ctx;
    const char *name; /* borrowed; may be NULL */
};

struct moon_tunnel {
    SSL *ssl;
};

struct moon_tunnels *moon_tunnels_create(const char *name)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_BYTES);
    struct moon_tunnels *tunnels = moon_alloc(sizeof *tunnels);
    tunnels->ctx = ctx;
    tunnels->name = name;
    return tunnels;
}

void moon_tunnels_destroy(struct moon_tunnels *tunnels)
{
    if (tunnels != NULL) {
        SSL_CTX_free(tunnels->ctx);
        moon_free(tunnels);
    }
}

struct moon_tunnel *moon_tunnel_create(struct moon_tunnels *tunnels, int fd)
{
    SSL *ssl = SSL_new(tunnels->ctx);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
        (tunnels->name != NULL && SSL_set_tlsext_host_name(ssl, tunnels->name) != 1)) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_connect_state(ssl);
    struct moon_tunnel *tunnel = moon_alloc(sizeof *tunnel);
    tunnel->ssl = ssl;
    return tunnel;
}

void moon_tunnel_destroy(struct moon_tunnel *tunnel)
{
    if (tunnel != NULL) {
        SSL_free(tunnel->ssl);
        moon_free(tunnel);
    }
}

/* What OpenSSL says of a server without TLS is "wrong version number". */
static void explain(int problem, int error, char *why, uint32_t capacity)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    bool is_ssl = problem == SSL_ERROR_SSL && ERR_GET_LIB(code) == ERR_LIB_SSL;
    if (is_ssl && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
        reason = "the answer is not TLS's: is it a ws:// server?";
    } else if (is_ssl && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        reason = "the connection was cut: is it a ws:// server?";
    } else if (problem == SSL_ERROR_SYSCALL && error != 0) {
        reason = strerror(error);
    }
    (void)snprintf(why, capacity, "the TLS handshake failed: %s",
                   reason == NULL ? "no reason given" : reason);
}

enum moon_tunnel_step moon_tunnel_shake(struct moon_tunnel *tunnel, char *why,
                                        uint32_t capacity)
{
    int result = SSL_do_handshake(tunnel->ssl);
    int error = errno;
    if (result == 1) {
        return MOON_TUNNEL_DONE;
    }
    int problem = SSL_get_error(tunnel->ssl, result);
    if (problem == SSL_ERROR_WANT_READ) {
        return MOON_TUNNEL_READS;
    }
    if (problem == SSL_ERROR_WANT_WRITE) {
        return MOON_TUNNEL_WRITES;
    }
    explain(problem, error, why, capacity);
    ERR_clear_error(); /* or the next connection's call takes it for its own */
    return MOON_TUNNEL_FAILED;
}

/* After a call that has moved no bytes. */
static int64_t outcome(struct moon_tunnel *tunnel, int result)
{
    int problem = SSL_get_error(tunnel->ssl, result);
    bool is_later = problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    return is_later ? MOON_STREAM_LATER : MOON_STREAM_GONE;
}

/* One call gives one record at most, so it goes on while any bytes wait in OpenSSL; the
 * socket is asked again only for the rest of a record. */
int64_t moon_tunnel_receive(struct moon_tunnel *tunnel, char *out, uint64_t capacity,
                            bool *has_more)
{
    uint64_t used = 0;
    *has_more = false;
    do {
        size_t got = 0;
        int result = SSL_read_ex(tunnel->ssl, out + used, capacity - used, &got);
        if (result != 1) {
            int64_t end = outcome(tunnel, result);
            *has_more = used > 0 && end == MOON_STREAM_GONE;
            return used > 0 ? (int64_t)used : end;
        }
        used += got;
    } while (used < capacity && SSL_has_pending(tunnel->ssl) == 1);
    *has_more = used == capacity;
    return (int64_t)used;
}

int64_t moon_tunnel_send(struct moon_tunnel *tunnel, const char *bytes, uint64_t length)
{
    uint64_t used = 0;
    while (used < length) {
        size_t sent = 0;
        int result = SSL_write_ex(tunnel->ssl, bytes + used, length - used, &sent);
        if (result != 1) {
            int64_t end = outcome(tunnel, result);
            return used > 0 && end == MOON_STREAM_LATER ? (int64_t)used : end;
        }
        used += sent;
    }
    return (int64_t)used;
}
