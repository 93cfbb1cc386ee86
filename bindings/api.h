/* api.h - the verbs: everything Lua may ask of C, and nothing else.
 *
 * Dialect as in core/types.h. Thread: logic. No function here blocks, keeps a
 * pointer it was given, raises, or calls back into Lua. A command that returns
 * MOON_OK will be carried out in the order of the calls; one for a connection that
 * has gone meanwhile misses quietly, its MOON_CLOSED is on the way.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../core/types.h"

/* Takes the next event, oldest first. Returns 1, or 0 when there is none now. */
int moon_event_next(struct moon_event *event);

/* Queues one message for one client. MOON_EGONE, MOON_EFULL, MOON_EBIG, MOON_EUTF8. */
int moon_send(moon_conn_id conn, uint32_t opcode, const char *bytes, uint64_t length);

/* Queues one message for all members of a room but `except` (0 for none). Failures as
 * moon_send() but MOON_EGONE: a room without members is no mistake. */
int moon_publish(moon_room_id room, moon_conn_id except, uint32_t opcode,
                 const char *bytes, uint64_t length);

/* A connection that closes leaves its rooms by itself. MOON_EGONE; joining may also be
 * refused with MOON_EFULL. */
int moon_join(moon_room_id room, moon_conn_id conn);
int moon_leave(moon_room_id room, moon_conn_id conn);

/* Sends what is queued, then a Close with this code and reason (at most 123 bytes of
 * UTF-8). MOON_EGONE, MOON_EINVAL, MOON_EUTF8. */
int moon_close(moon_conn_id conn, uint32_t code, const char *reason, uint64_t length);

/* Replaces the table of WebSocket paths, as core/route.h describes it.
 * MOON_EBIG. */
int moon_route(const char *table, uint64_t length);

/* Asks for a MOON_FIRED event carrying `token`, once, `delay_ms` from now. */
void moon_timer_start(uint64_t token, uint32_t delay_ms);

/* Milliseconds since 1970 UTC. */
double moon_time_ms(void);

/* Writes one line to the log; `level` is 0 error, 1 warn, 2 info, 3 debug. */
void moon_log_line(uint32_t level, const char *bytes, uint64_t length);

/* Borrowed, as long as the process lives. */
const struct moon_facts *moon_facts(void);

/* sizeof(struct moon_event), for the spec that compares both sides. */
uint64_t moon_event_size(void);
