/* ws.h - libwebsockets, behind one door: sockets, TLS, HTTP, the WebSocket handshake.
 *
 * The ws files, through their ws_state.h, are the only ones that include libwebsockets.
 * What arrives it gives to the I/O thread (io.h, moon_io_*), from open connections just
 * as it was read; what leaves is given to moon_ws_write() as finished frames, which go
 * out in one send. Keeps no queue but the
 * rest of a write the kernel did not take. Thread: the I/O thread; create on the main
 * thread, one after the other, before any runs.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "config.h"
#include "io.h"
#include <uv.h>

struct moon_ws;

/* NULL when libwebsockets cannot start; it has logged why. Borrows all arguments. */
struct moon_ws *moon_ws_create(struct moon_io *io, const struct moon_config *config,
                               uv_loop_t *loop);

/* Closes what is still open, turning the loop until libwebsockets is through with it.
 * Thread: main, once the I/O thread has ended and the loop's own handles are closed. */
void moon_ws_destroy(struct moon_ws *ws);

/* Takes a freshly accepted socket. Returns what the calls below know it by, or NULL
 * when there is no room for it and it is closed. */
void *moon_ws_adopt(struct moon_ws *ws, int fd, struct moon_conn *conn);

/* Reads the certificate files again; keeps the old pair when they are not right. */
void moon_ws_renew(struct moon_ws *ws);

/* End of the certificate's validity, in seconds since 1970 UTC; 0 without TLS. */
int64_t moon_ws_not_after_s(const struct moon_ws *ws);

/* Sends the HTTP response in conn->message to a client that has been asked to wait; the
 * connection may be gone then. */
void moon_ws_respond(void *socket);

/* One send. MOON_OK: the kernel has taken all; MOON_EFULL: ws keeps the rest and will
 * call moon_io_writable(), write nothing before; MOON_EGONE: the socket has failed. */
int moon_ws_write(void *socket, const char *bytes, uint32_t length);

/* Stops or resumes reading; an open connection is not read from at first. */
void moon_ws_pause(void *socket, bool pause);

/* Milliseconds since the kernel last received data for it, read or not. */
uint32_t moon_ws_silence_ms(void *socket);

/* Closes the socket after what has been written; calls moon_io_gone() now or soon. */
void moon_ws_end(void *socket);

/* Drops the socket without a word; calls moon_io_gone() now or soon. */
void moon_ws_kill(void *socket);
