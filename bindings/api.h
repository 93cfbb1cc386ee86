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

/* Queues one message for one client; `class` is enum moon_class, `key` what moon_key()
 * made for MOON_LATEST, else 0. MOON_EGONE, MOON_EFULL, MOON_EBIG, MOON_EUTF8,
 * MOON_EINVAL. */
int moon_send(moon_conn_id conn, uint32_t opcode, uint32_t class, uint64_t key,
              const char *bytes, uint64_t length);

/* Queues one message for all members of a room but `except` (0 for none); not of
 * MOON_CONTROL. Failures as moon_send() but MOON_EGONE: a room without members is no
 * mistake. */
int moon_publish(moon_room_id room, moon_conn_id except, uint32_t opcode,
                 uint32_t class, uint64_t key, const char *bytes, uint64_t length);

/* Whether so many publications of so many bytes in all would be taken if they came now:
 * MOON_OK or MOON_EFULL. For what goes to several rooms or to none. */
int moon_has_room(uint64_t messages, uint64_t bytes);

/* A number for a key of MOON_LATEST: the same for the same bytes while the process
 * lives. */
uint64_t moon_key(const char *bytes, uint64_t length);

/* A connection that closes leaves its rooms by itself. MOON_EGONE; joining may also be
 * refused with MOON_EFULL. */
int moon_join(moon_room_id room, moon_conn_id conn);
int moon_leave(moon_room_id room, moon_conn_id conn);

/* Sends what is queued, then a Close with this code and reason (at most 123 bytes of
 * UTF-8). MOON_EGONE, MOON_EINVAL, MOON_EUTF8. */
int moon_close(moon_conn_id conn, uint32_t code, const char *reason, uint64_t length);

/* The connection has authenticated itself: its deadline for that is lifted. MOON_EGONE.
 * */
int moon_admit(moon_conn_id conn);

/* Asks for a MOON_FIGURES event of the connection; MOON_CLOSED comes in its place when
 * it has gone. MOON_EGONE, MOON_EFULL. */
int moon_look(moon_conn_id conn);

/* Changes what the connection may cost; fields of 0 stay. MOON_EGONE, MOON_EINVAL. */
int moon_limit(moon_conn_id conn, const struct moon_limits *limits);

/* The rate of the connection counts so many messages more than it has sent. MOON_EGONE,
 * MOON_EFULL. */
int moon_charge(moon_conn_id conn, uint32_t messages);

/* Answers the HTTP request `number` of the connection that asked; a second answer, and
 * one after the deadline, misses quietly. `headers` are lines ended by CR LF, as
 * core/http.h allows them. MOON_EGONE, MOON_EFULL, MOON_EBIG (headers and body together
 * over MOON_MAX_FRAME_BYTES), MOON_EINVAL (status not 200 to 599, or headers). */
int moon_respond(moon_conn_id conn, uint32_t number, uint32_t status,
                 const char *headers, uint64_t headers_length, const char *body,
                 uint64_t body_length);

/* Replaces the table of WebSocket and HTTP paths, as core/route.h describes it.
 * MOON_EBIG. */
int moon_route(const char *table, uint64_t length);

/* Replaces the metrics of the scripts: text as /metrics prints it. MOON_EBIG. */
int moon_report(const char *text, uint64_t length);

/* Changes who may come in. `fields` are three texts, each ended by NUL: the origins
 * (comma-separated; "*" for all), the denied networks ("192.0.2.0/24, 2001:db8::/32"),
 * and why all are refused. A text of one byte 1 leaves that one as it is. MOON_EINVAL
 * for a network that is none, MOON_EBIG. */
int moon_policy(const struct moon_policy *policy, const char *fields, uint64_t length);

/* Whether these bytes are text, as everything that came as JSON is: 1 or 0. */
int moon_is_utf8(const char *bytes, uint64_t length);

/* Asks the store for `operation` (enum moon_store_operation); a MOON_STORED event with
 * this ticket will answer, of a write when it is as safe as --store-sync says. `bytes`
 * are the texts of the query. MOON_EFULL, MOON_EINVAL (also without --store). */
int moon_store(uint64_t ticket, uint32_t operation, const struct moon_query *query,
               const char *bytes, uint64_t length);

/* Asks another server by HTTP. What has become of it comes as MOON_FETCHED, once, maybe
 * after some MOON_ARRIVED; `ticket` is the caller's, never the same twice. `request` is
 * method, URL and header lines as core/inquiry.h allows them, each ended by NUL, then
 * the body. MOON_EFULL, MOON_EBIG, MOON_EINVAL. */
int moon_fetch(uint64_t ticket, const struct moon_fetch_limits *limits,
               const char *request, uint64_t length);

/* Gives it up: nothing comes any more but what is on its way already. */
void moon_abort_fetch(uint64_t ticket);

/* Has another thread make the hash of a password, or compare it with `hash` when that
 * is not empty; a MOON_HASHED event with this ticket will answer. MOON_EFULL,
 * MOON_EBIG. */
int moon_password(uint64_t ticket, const char *password, uint64_t length,
                  const char *hash, uint64_t hash_length);

/* The same for tests, which have no threads: it does block, for tens of milliseconds.
 * Returns enum moon_password_outcome; what is made goes to `made`, ended by NUL, of at
 * most MOON_MAX_HASH_BYTES. */
uint32_t moon_password_now(const char *password, uint64_t length, const char *hash,
                           uint64_t hash_length, char *made);

/* Write 64 hexadecimal digits. */
void moon_sha256(const char *bytes, uint64_t length, char *digits);
void moon_hmac_sha256(const char *key, uint64_t key_length, const char *bytes,
                      uint64_t length, char *digits);

/* 1 or 0; how long that takes does not tell where they differ. */
int moon_is_same(const char *one, uint64_t one_length, const char *other,
                 uint64_t other_length);

/* Fills it with random bytes, fit for keys. */
void moon_random(char *bytes, uint64_t length);

/* URL-safe, without padding: core/base64.h. */
uint64_t moon_to_base64(const char *bytes, uint64_t length, char *text);
int64_t moon_from_base64(const char *text, uint64_t length, char *bytes);

/* Returns enum moon_key_kind of a public key's PEM; its length goes to *bits. */
uint32_t moon_key_kind(const char *pem, uint64_t length, uint32_t *bits);

/* Make the PEM of a public key, ended by NUL, of its numbers: core/public_key.h.
 * MOON_EINVAL. */
int moon_rsa_key(const char *modulus, uint64_t modulus_length, const char *exponent,
                 uint64_t exponent_length, char *pem);
int moon_ec_key(const char *curve, const char *point, uint64_t length, char *pem);

/* Whether there is such an algorithm for tokens: 1 or 0. */
int moon_has_jwt_algorithm(const char *algorithm);

/* Whether a token, which ends with NUL, says that it is signed by this algorithm, and
 * is so with this key: 1 or 0. */
int moon_is_signed(const char *token, const char *algorithm, const char *key,
                   uint64_t key_length);

/* Asks for a MOON_FIRED event, once, `delay_ms` from now. Returns the token that it
 * will carry, at most 53 bits, never the same twice and never 0. */
uint64_t moon_timer_start(uint32_t delay_ms);

/* Nothing comes any more but what is on its way. Fine for one that has fired. */
void moon_timer_stop(uint64_t token);

/* Answers an operator's request with one line, given without its end. MOON_EGONE when
 * that client has gone or has its answer, MOON_EBIG (over MOON_MAX_ANSWER_BYTES),
 * MOON_EINVAL when it is more than one line. */
int moon_tell(uint64_t ticket, const char *bytes, uint64_t length);

/* Who waits for the answer to an operator's request. MOON_EGONE when that client has
 * gone or has its answer. */
int moon_asker(uint64_t ticket, struct moon_asker *asker);

/* Whether there is a regular file at `path`, which ends with NUL: 1; 0 for nothing,
 * MOON_EINVAL for something else, which might block whoever opens it. */
int moon_is_file(const char *path);

/* 1 when much of the thread's stack is used up, by Lua that C has called, which Lua has
 * called, and so on: LuaJIT does not count how often. */
int moon_stack_is_deep(void);

/* Milliseconds since 1970 UTC. */
double moon_time_ms(void);

/* Milliseconds since some moment, with decimals; never set back. */
double moon_clock_ms(void);

/* Writes one line to the log; `level` is 0 error, 1 warn, 2 info, 3 debug. */
void moon_log_line(uint32_t level, const char *bytes, uint64_t length);

/* Borrowed, as long as the process lives. */
const struct moon_facts *moon_facts(void);

/* The one run there is: the scripts write it, and the watchdog's thread looks at it.
 * Borrowed, as long as the process lives. */
struct moon_turn *moon_turn(void);

/* Borrowed, as long as the process lives. */
struct moon_heap *moon_heap(void);

/* Tells who `who` of struct moon_turn is. */
void moon_name_plugin(uint32_t who, const char *name, uint64_t length);

/* How often the profiler has seen each `who` of struct moon_turn run, in ticks of 10 ms
 * of CPU time: MOON_MAX_SAMPLED numbers. Borrowed, as long as the process lives. */
const double *moon_samples(void);

/* Begins to collect where the logic thread spends its time; of what runs as `who` of
 * struct moon_turn only, unless that is 0. MOON_EFULL when that is under way already,
 * MOON_EINVAL when the system has no timer for it. */
int moon_profile_start(uint32_t who);

/* Ends that. MOON_EGONE when it is not under way. */
int moon_profile_stop(struct moon_profile *profile);

/* The word for an enum moon_reason: "slow". Borrowed, as long as the process lives. */
const char *moon_reason_word(uint32_t reason);

/* sizeof(struct moon_event), for the spec that compares both sides. */
uint64_t moon_event_size(void);
