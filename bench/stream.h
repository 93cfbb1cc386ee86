/* stream.h - one TCP connection to the server, non-blocking, with or without TLS.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "target.h"
#include "tunnel.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_STREAM_LATER = 0, /* wait until it is readable or writable */
    MOON_STREAM_GONE = -1,
};

struct moon_stream {
    int fd;                     /* -1: not open */
    bool has_more;              /* received, and epoll will not tell of it */
    struct moon_tunnel *tunnel; /* NULL: no TLS, or not yet */
};

/* Begins to connect, from 127.0.0.`source` unless that is 0. False when it cannot
 * even begin: errno says why. */
bool moon_stream_open(struct moon_stream *stream, const struct moon_target *target,
                      uint32_t source);

/* Whether connecting, which has ended, went well; otherwise errno says why. */
bool moon_stream_is_connected(const struct moon_stream *stream);

/* Connected: the handshake can begin, with the first moon_stream_shake(). False when
 * OpenSSL cannot be used. */
bool moon_stream_secure(struct moon_stream *stream, struct moon_tunnels *tunnels);

/* As moon_tunnel_shake(). */
enum moon_tunnel_step moon_stream_shake(const struct moon_stream *stream, char *why,
                                        uint32_t capacity);

/* The number of bytes, or MOON_STREAM_LATER, or MOON_STREAM_GONE. Fewer bytes than
 * asked for mean that there are no more now, unless the stream has_more. */
int64_t moon_stream_receive(struct moon_stream *stream, char *out, uint64_t capacity);
int64_t moon_stream_send(struct moon_stream *stream, const char *bytes,
                         uint64_t length);

/* Fine when it is not open. */
void moon_stream_close(struct moon_stream *stream);
