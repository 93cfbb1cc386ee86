/* io.h - one I/O thread: its loop, its connections, its rooms, its two rings.
 *
 * It takes commands from the logic thread and carries them out, and tells it what has
 * happened. It never waits for the logic thread: heartbeats, writes and closes go on
 * while a script hangs. At the end of each turn every connection with something to say
 * gets one send.
 * Thread: create and destroy on the main thread while the thread does not run; the
 * moon_io_* calls below the line are ws.c's, on the I/O thread.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "config.h"
#include "conn.h"
#include "handshake.h"
#include "ring.h"
#include "wake.h"

struct moon_io;

/* `thread` counts from 1; `listener` is a listening socket, taken; `logic` is signalled
 * when events wait. NULL on failure, which has been logged. */
struct moon_io *moon_io_create(uint32_t thread, const struct moon_config *config,
                               int listener, struct moon_wake *logic);
void moon_io_start(struct moon_io *io);

/* Waits for the thread, which ends by itself after MOON_STOP. */
void moon_io_join(struct moon_io *io);
void moon_io_destroy(struct moon_io *io);

/* The rings, and whom to signal after pushing a command. Thread: any. */
struct moon_ring *moon_io_events(struct moon_io *io);
struct moon_ring *moon_io_commands(struct moon_io *io);
struct moon_wake *moon_io_wake(struct moon_io *io);

/* Whether the thread has ended and every event it will ever send is in its ring.
 * Thread: any. */
bool moon_io_has_ended(const struct moon_io *io);

/* ---- for ws.c ---- */

/* A part of a message as the library delivers it. */
struct moon_part {
    const char *bytes;
    uint64_t length;
    uint64_t still_to_come; /* of this frame */
    uint8_t opcode;
    bool is_last; /* the message is complete with it */
};

/* The route table in force, as route.h wants it. */
const char *moon_io_routes(const struct moon_io *io);

/* Fills in what the handshake wants to know of the server. */
void moon_io_describe(const struct moon_io *io, struct moon_handshake *handshake);

/* `fields` as in MOON_OPENED. NULL when there is no place. */
struct moon_conn *moon_io_opened(struct moon_io *io, void *socket, const char *fields,
                                 uint64_t bytes);
void moon_io_received(struct moon_io *io, struct moon_conn *conn,
                      const struct moon_part *part);
void moon_io_ponged(struct moon_conn *conn);
void moon_io_writable(struct moon_io *io, struct moon_conn *conn);

/* A Close frame with this payload has arrived; answers it. */
void moon_io_peer_closed(struct moon_io *io, struct moon_conn *conn,
                         const char *payload, uint64_t bytes);

/* The socket is no more; `conn` is invalid afterwards. */
void moon_io_gone(struct moon_io *io, struct moon_conn *conn);
