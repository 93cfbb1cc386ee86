/* tunnel.h - TLS on a connected, non-blocking socket, as a client that trusts any
 * certificate: what it talks to is under measurement, not under suspicion.
 *
 * TLS 1.2 or newer. Every handshake is a full one: no session is resumed.
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* What all tunnels have in common. */
struct moon_tunnels;

/* One connection's. */
struct moon_tunnel;

enum moon_tunnel_step {
    MOON_TUNNEL_DONE = 0,
    MOON_TUNNEL_READS,  /* once the socket is readable */
    MOON_TUNNEL_WRITES, /* once it is writable */
    MOON_TUNNEL_FAILED,
};

/* `name` is what the server is told it is called (SNI), borrowed; NULL: nothing. NULL
 * is returned when OpenSSL cannot be used. */
struct moon_tunnels *moon_tunnels_create(const char *name);
void moon_tunnels_destroy(struct moon_tunnels *tunnels);

/* Borrows the socket. NULL when OpenSSL cannot be used. */
struct moon_tunnel *moon_tunnel_create(struct moon_tunnels *tunnels, int fd);

/* Says nothing to the server: WebSocket's Close has said it. */
void moon_tunnel_destroy(struct moon_tunnel *tunnel);

/* Goes on with the handshake; when it has failed, `why` is written. */
enum moon_tunnel_step moon_tunnel_shake(struct moon_tunnel *tunnel, char *why,
                                        uint32_t capacity);

/* As moon_stream_receive() and moon_stream_send(). *has_more: there is more, or the
 * end, which the socket will not tell of. */
int64_t moon_tunnel_receive(struct moon_tunnel *tunnel, char *out, uint64_t capacity,
                            bool *has_more);

/* What has not been sent has to be offered again, first. */
int64_t moon_tunnel_send(struct moon_tunnel *tunnel, const char *bytes,
                         uint64_t length);
