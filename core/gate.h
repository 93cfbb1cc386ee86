/* gate.h - all I/O threads and the logic thread's side of them: events in, commands
 * out.
 *
 * Thread: main, which becomes the logic thread in moon_gate_run(). None of the calls
 * blocks but moon_gate_run() and moon_gate_destroy().
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "config.h"
#include "types.h"
#include <stdbool.h>
#include <uv.h>

struct moon_gate;

/* Opens the port and prepares all threads. NULL on failure, with one line on stderr. */
struct moon_gate *moon_gate_create(const struct moon_config *config);
void moon_gate_destroy(struct moon_gate *gate);

/* The port listened on. */
uint32_t moon_gate_port(const struct moon_gate *gate);

/* The logic thread's loop, for further handles; they must be closed before destroy. */
uv_loop_t *moon_gate_loop(struct moon_gate *gate);

/* Starts the threads and runs until moon_gate_stop() has been carried out. `enter` is
 * called whenever events may wait; it takes them with moon_gate_next(). */
void moon_gate_run(struct moon_gate *gate, void (*enter)(void *owner), void *owner);

/* Orderly: every client gets a Close 1001, every event is still handed out. */
void moon_gate_stop(struct moon_gate *gate);

/* Tells the scripts something that no I/O thread has to say. */
void moon_gate_post(struct moon_gate *gate, enum moon_event_kind kind,
                    uint64_t subject);

/* The same with something to read, which is copied. */
void moon_gate_post_bytes(struct moon_gate *gate, enum moon_event_kind kind,
                          uint64_t subject, const char *bytes, uint64_t length);

/* Takes the next event. False when there is none, or when commands must go out
 * first. */
bool moon_gate_next(struct moon_gate *gate, struct moon_event *event);

/* Has the certificate's files looked at now. Fine without TLS. */
void moon_gate_renew(struct moon_gate *gate);

/* What goes out, and to whom. */
struct moon_parcel {
    uint32_t opcode, class; /* enum moon_opcode, enum moon_class */
    uint64_t key;           /* of MOON_LATEST */
    const char *bytes;
    uint64_t length;
};

/* A script's answer to an HTTP request. */
struct moon_answer {
    uint32_t number; /* of the request */
    uint32_t status;
    const char *headers; /* lines */
    uint64_t headers_length;
    const char *body;
    uint64_t body_length;
};

/* What a script wants of the store. */
struct moon_errand {
    uint64_t ticket;
    uint32_t operation; /* enum moon_store_operation */
    const struct moon_query *query;
    const char *bytes; /* its texts */
    uint64_t length;
};

/* A password that a script wants hashed, or compared with a hash. */
struct moon_secret {
    uint64_t ticket;
    const char *password;
    uint64_t length;
    const char *hash;
    uint64_t hash_length; /* 0: one is to be made */
};

/* The commands, as bindings/api.h describes them. */
int moon_gate_send(struct moon_gate *gate, moon_conn_id conn,
                   const struct moon_parcel *parcel);
int moon_gate_publish(struct moon_gate *gate, moon_room_id room, moon_conn_id except,
                      const struct moon_parcel *parcel);
int moon_gate_has_room(const struct moon_gate *gate, uint64_t messages, uint64_t bytes);
uint64_t moon_gate_key(const struct moon_gate *gate, const char *bytes,
                       uint64_t length);
int moon_gate_look(struct moon_gate *gate, moon_conn_id conn);
int moon_gate_admit(struct moon_gate *gate, moon_conn_id conn);
int moon_gate_limit(struct moon_gate *gate, moon_conn_id conn,
                    const struct moon_limits *limits);
int moon_gate_charge(struct moon_gate *gate, moon_conn_id conn, uint32_t messages);
int moon_gate_respond(struct moon_gate *gate, moon_conn_id conn,
                      const struct moon_answer *answer);
int moon_gate_policy(struct moon_gate *gate, const struct moon_policy *policy,
                     const char *fields, uint64_t length);
int moon_gate_join(struct moon_gate *gate, moon_room_id room, moon_conn_id conn);
int moon_gate_leave(struct moon_gate *gate, moon_room_id room, moon_conn_id conn);
int moon_gate_close(struct moon_gate *gate, moon_conn_id conn, uint32_t code,
                    const char *reason, uint64_t length);
int moon_gate_report(struct moon_gate *gate, const char *text, uint64_t length);
int moon_gate_route(struct moon_gate *gate, const char *table, uint64_t length);
int moon_gate_store(struct moon_gate *gate, const struct moon_errand *errand);
int moon_gate_password(struct moon_gate *gate, const struct moon_secret *secret);
int moon_gate_fetch(struct moon_gate *gate, uint64_t ticket,
                    const struct moon_fetch_limits *limits, const char *request,
                    uint64_t length);
void moon_gate_abort_fetch(struct moon_gate *gate, uint64_t ticket);
uint64_t moon_gate_start_timer(struct moon_gate *gate, uint32_t delay_ms);
void moon_gate_stop_timer(struct moon_gate *gate, uint64_t token);
