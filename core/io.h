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
#include "handshake.h"
#include "http.h"
#include "lane.h"
#include "shared.h"
#include "wake.h"

struct moon_io;

/* `thread` counts from 1; `listener` is a listening socket, taken; `logic` is signalled
 * when events wait. Exits on failure, which has been logged. */
struct moon_io *moon_io_create(uint32_t thread, const struct moon_shared *shared,
                               int listener, struct moon_wake *logic);
void moon_io_start(struct moon_io *io);

/* Waits for the thread, which ends by itself after MOON_STOP. */
void moon_io_join(struct moon_io *io);
void moon_io_destroy(struct moon_io *io);

/* The lane for the logic thread's side. */
void moon_io_attach(struct moon_io *io, struct moon_lanes *lanes);

/* ---- for ws.c ---- */

/* The route table in force, as route.h wants it. */
const char *moon_io_routes(const struct moon_io *io);

/* What holds for this newcomer now; counts the attempt. */
void moon_io_describe(struct moon_io *io, const struct moon_conn *conn,
                      struct moon_admission *admission);

/* A trusted proxy says that the client is somebody else. */
void moon_io_rename(struct moon_io *io, struct moon_conn *conn,
                    const struct moon_address *address);

void moon_io_refused(struct moon_io *io, enum moon_refusal refusal);

/* The 101 is out. `fields` as in MOON_OPENED. */
void moon_io_opened(struct moon_io *io, struct moon_conn *conn, bool wants_auth,
                    const char *fields, uint64_t bytes);

/* NULL when it has gone. */
struct moon_conn *moon_io_find(const struct moon_io *io, moon_conn_id id);

/* It has sent `bytes` bytes, which are changed where they lie; the MOON_PARSER_REST
 * before them are free. */
void moon_io_received(struct moon_io *io, struct moon_conn *conn, char *at,
                      uint32_t bytes);

/* False when so much has been read that the logic thread has to catch up first. One
 * that is closing is read from all the same: it may answer our Close. */
bool moon_io_may_read(const struct moon_io *io, const struct moon_conn *conn);

void moon_io_writable(struct moon_io *io, struct moon_conn *conn);

/* It has broken RFC 6455: closes it. */
void moon_io_broke(struct moon_io *io, struct moon_conn *conn);

/* The peer has hung up, or the connection is broken. */
void moon_io_lost(struct moon_io *io, struct moon_conn *conn);

/* The socket is no more; `conn` is invalid afterwards. */
void moon_io_gone(struct moon_io *io, struct moon_conn *conn);

/* ---- HTTP: one request a connection ---- */

/* A request's head is there; its deadline begins. */
void moon_io_asked(struct moon_io *io, struct moon_conn *conn);

/* It is for a file: libwebsockets wants progress by itself. */
void moon_io_sends_file(struct moon_conn *conn);

/* Whether a script denies this address. */
bool moon_io_is_denied(const struct moon_io *io, const struct moon_address *address);

/* Whether the scripts are so late, or memory is so short, that no request can be kept.
 * */
bool moon_io_is_short(const struct moon_io *io);

/* It has got an error instead of being kept. */
void moon_io_refused_request(struct moon_io *io);

/* Keeps a part of a request for the scripts: first its head, as in MOON_REQUESTED and
 * of conn->head_bytes, then its body; then moon_io_ask(). */
void moon_io_keep(struct moon_io *io, struct moon_conn *conn, const char *bytes,
                  uint64_t length);

/* The request is whole: tells the scripts. What they answer, or a 504, goes out with
 * ws.h's moon_ws_respond(). */
void moon_io_ask(struct moon_io *io, struct moon_conn *conn);

/* Puts a response into conn->message: with the head that `response` describes. */
void moon_io_respond(struct moon_io *io, struct moon_conn *conn,
                     const struct moon_response *response, const char *body);

/* The text for Prometheus, of all threads; freed by the caller with moon_free(). */
char *moon_io_metrics(struct moon_io *io, uint64_t *bytes);

/* Why a load balancer should send nobody here now; NULL when it may. */
const char *moon_io_unready(const struct moon_io *io);
