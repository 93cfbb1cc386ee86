/* SPDX-License-Identifier: MIT */
/* The functions of api.h are the only symbols the executable exports: this file and
 * api_crypto.c are the list. */
#pragma GCC visibility push(default)
#include "api.h"
#include "c_stack.h"
#pragma GCC visibility pop
#include "../core/admin.h"
#include "../core/frame.h"
#include "../core/gate.h"
#include "../core/log.h"
#include "../core/reason.h"
#include "memory.h"
#include "profile.h"
#include "vm.h"
#include "watchdog.h"
#include <sys/stat.h>
#include <time.h>

static struct moon_gate
    *gate; /* FFI functions have no context; there is one gate a process */
static struct moon_admin *admin; /* NULL without such a socket */
static struct moon_facts facts;

void moon_api_bind(struct moon_gate *the_gate, const struct moon_config *config)
{
    gate = the_gate;
    facts = (struct moon_facts){
        .version = MOONGATE_VERSION,
        .max_message_bytes = config->max_message_bytes,
        .ping_interval_ms = config->ping_interval_ms,
        .pong_timeout_ms = config->pong_timeout_ms,
        .http_timeout_ms = config->http_timeout_ms,
        .development = config->development,
        .has_store = config->store != NULL,
        .max_rooms = config->max_rooms_per_connection,
        .auth_timeout_ms = config->auth_timeout_ms,
    };
}

void moon_api_bind_admin(struct moon_admin *the_admin)
{
    admin = the_admin;
}

int moon_event_next(struct moon_event *event)
{
    return moon_gate_next(gate, event);
}

int moon_send(moon_conn_id conn, uint32_t opcode, uint32_t class, uint64_t key,
              const char *bytes, uint64_t length)
{
    const struct moon_parcel parcel = {opcode, class, key, bytes, length};
    return moon_gate_send(gate, conn, &parcel);
}

int moon_publish(moon_room_id room, moon_conn_id except, uint32_t opcode,
                 uint32_t class, uint64_t key, const char *bytes, uint64_t length)
{
    const struct moon_parcel parcel = {opcode, class, key, bytes, length};
    return moon_gate_publish(gate, room, except, &parcel);
}

int moon_has_room(uint64_t messages, uint64_t bytes)
{
    return moon_gate_has_room(gate, messages, bytes);
}

uint64_t moon_key(const char *bytes, uint64_t length)
{
    return moon_gate_key(gate, bytes, length);
}

int moon_join(moon_room_id room, moon_conn_id conn)
{
    return moon_gate_join(gate, room, conn);
}

int moon_leave(moon_room_id room, moon_conn_id conn)
{
    return moon_gate_leave(gate, room, conn);
}

int moon_close(moon_conn_id conn, uint32_t code, const char *reason, uint64_t length)
{
    return moon_gate_close(gate, conn, code, reason, length);
}

int moon_look(moon_conn_id conn)
{
    return moon_gate_look(gate, conn);
}

int moon_admit(moon_conn_id conn)
{
    return moon_gate_admit(gate, conn);
}

int moon_limit(moon_conn_id conn, const struct moon_limits *limits)
{
    return moon_gate_limit(gate, conn, limits);
}

int moon_charge(moon_conn_id conn, uint32_t messages)
{
    return moon_gate_charge(gate, conn, messages);
}

int moon_respond(moon_conn_id conn, uint32_t number, uint32_t status,
                 const char *headers, uint64_t headers_length, const char *body,
                 uint64_t body_length)
{
    const struct moon_answer answer = {number,         status, headers,
                                       headers_length, body,   body_length};
    return moon_gate_respond(gate, conn, &answer);
}

int moon_policy(const struct moon_policy *policy, const char *fields, uint64_t length)
{
    return moon_gate_policy(gate, policy, fields, length);
}

const char *moon_reason_word(uint32_t reason)
{
    return moon_reason_name(reason);
}

int moon_route(const char *table, uint64_t length)
{
    return moon_gate_route(gate, table, length);
}

int moon_report(const char *text, uint64_t length)
{
    return moon_gate_report(gate, text, length);
}

int moon_is_utf8(const char *bytes, uint64_t length)
{
    return moon_utf8_is_valid(bytes, length);
}

int moon_store(uint64_t ticket, uint32_t operation, const struct moon_query *query,
               const char *bytes, uint64_t length)
{
    const struct moon_errand errand = {ticket, operation, query, bytes, length};
    return moon_gate_store(gate, &errand);
}

int moon_fetch(uint64_t ticket, const struct moon_fetch_limits *limits,
               const char *request, uint64_t length)
{
    return moon_gate_fetch(gate, ticket, limits, request, length);
}

void moon_abort_fetch(uint64_t ticket)
{
    moon_gate_abort_fetch(gate, ticket);
}

int moon_password(uint64_t ticket, const char *password, uint64_t length,
                  const char *hash, uint64_t hash_length)
{
    const struct moon_secret secret = {ticket, password, length, hash, hash_length};
    return moon_gate_password(gate, &secret);
}

uint64_t moon_timer_start(uint32_t delay_ms)
{
    return moon_gate_start_timer(gate, delay_ms);
}

void moon_timer_stop(uint64_t token)
{
    moon_gate_stop_timer(gate, token);
}

int moon_tell(uint64_t ticket, const char *bytes, uint64_t length)
{
    return moon_admin_tell(admin, ticket, bytes, length);
}

int moon_asker(uint64_t ticket, struct moon_asker *asker)
{
    return moon_admin_asker(admin, ticket, asker);
}

int moon_is_file(const char *path)
{
    struct stat there;
    if (stat(path, &there) != 0) {
        return 0;
    }
    return S_ISREG(there.st_mode) ? 1 : MOON_EINVAL;
}

int moon_stack_is_deep(void)
{
    return moon_c_stack_is_deep();
}

double moon_time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return (double)ms;
}

double moon_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void moon_log_line(uint32_t level, const char *bytes, uint64_t length)
{
    moon_log_text(level <= MOON_DEBUG ? (enum moon_level)level : MOON_DEBUG, bytes,
                  length);
}

struct moon_turn *moon_turn(void)
{
    return moon_watchdog_turn();
}

void moon_name_plugin(uint32_t who, const char *name, uint64_t length)
{
    moon_watchdog_name(who, name, length);
}

const double *moon_samples(void)
{
    return moon_watchdog_samples();
}

int moon_profile_start(uint32_t who)
{
    return moon_profiler_start(moon_watchdog_turn(), who);
}

int moon_profile_stop(struct moon_profile *profile)
{
    return moon_profiler_stop(profile);
}

struct moon_heap *moon_heap(void)
{
    return moon_memory_heap();
}

const struct moon_facts *moon_facts(void)
{
    return &facts;
}

uint64_t moon_event_size(void)
{
    return sizeof(struct moon_event);
}
