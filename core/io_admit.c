/* SPDX-License-Identifier: MIT */
#include "greet.h"
#include "io_state.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RETRY_AFTER_S = 5,
    /* Of an address that has all its connections: so many more get an answer, those
     * after them are hung up on. */
    CROWD = 16,
};

uint32_t moon_io_share(const struct moon_io *io, uint32_t number)
{
    return number / io->config->threads + (number % io->config->threads != 0);
}

void moon_io_set_state(struct moon_io *io, struct moon_conn *conn,
                       enum moon_conn_state state)
{
    io->states[conn->state]--;
    io->states[state]++;
    conn->state = (uint8_t)state;
}

void moon_io_refused(struct moon_io *io, enum moon_refusal refusal)
{
    io->metrics.refused[refusal]++;
}

/* ---- addresses ---- */

static struct moon_address counted_address(const struct moon_io *io,
                                           const struct moon_conn *conn)
{
    struct moon_address address = conn->address;
    moon_address_mask(&address, io->config->address_bits_v4,
                      io->config->address_bits_v6);
    return address;
}

/* Returns how many there are now from its address. */
static uint32_t count_in(struct moon_io *io, struct moon_conn *conn)
{
    struct moon_address address = counted_address(io, conn);
    conn->is_counted = true;
    return moon_census_add(io->census, &address);
}

void moon_io_count_out(struct moon_io *io, struct moon_conn *conn)
{
    if (conn->is_counted) {
        struct moon_address address = counted_address(io, conn);
        moon_census_remove(io->census, &address);
        conn->is_counted = false;
    }
}

void moon_io_rename(struct moon_io *io, struct moon_conn *conn,
                    const struct moon_address *address)
{
    moon_io_count_out(io, conn);
    conn->address = *address;
    (void)count_in(io, conn);
}

/* ---- sockets ---- */

static void give_to_ws(struct moon_io *io, struct moon_conn *conn, int fd)
{
    conn->is_greeted = true;
    conn->socket = moon_ws_adopt(io->ws, fd, conn);
    if (conn->socket == NULL) {
        moon_io_gone(io, conn);
    }
}

static void on_greeted(void *owner, uint64_t id, int fd,
                       const struct moon_proxied *said)
{
    struct moon_io *io = owner;
    struct moon_conn *conn = moon_conns_find(io->conns, id);
    if (fd < 0) {
        moon_io_refused(io, MOON_REFUSED_PROXY);
        moon_io_gone(io, conn);
        return;
    }
    if (said->has_address) {
        moon_io_rename(io, conn, &said->address);
    }
    give_to_ws(io, conn, fd);
}

void moon_io_adopt(void *owner, int fd, const struct moon_address *peer)
{
    struct moon_io *io = owner;
    struct moon_conn *conn = NULL;
    io->metrics.accepted++;
    if (io->states[MOON_CONN_GREETING] <
        moon_io_share(io, io->config->max_handshakes)) {
        conn = moon_conns_add(io->conns);
    }
    if (conn == NULL) {
        moon_io_refused(io, MOON_REFUSED_FULL);
        close(fd);
        return;
    }
    io->states[MOON_CONN_GREETING]++;
    conn->limits = &io->config->limits;
    conn->address = *peer;
    conn->is_proxied = moon_networks_have(&io->config->proxies, peer);
    moon_wheel_set(io->wheel, &conn->deadline,
                   moon_io_now_ms(io) + io->config->handshake_timeout_ms);
    if (!conn->is_proxied &&
        count_in(io, conn) > moon_io_share(io, io->policy.max_per_address) + CROWD) {
        moon_io_refused(io, MOON_REFUSED_ADDRESS);
        close(fd);
        moon_io_gone(io, conn);
    } else if (conn->is_proxied && io->config->proxy_protocol == 1) {
        conn->socket = moon_greeting_start(&io->loop.uv, fd, conn->id, on_greeted, io);
    } else {
        give_to_ws(io, conn, fd);
    }
}

/* ---- policy ---- */

void moon_io_describe(struct moon_io *io, const struct moon_conn *conn,
                      struct moon_admission *admission)
{
    uint32_t there = io->states[MOON_CONN_OPEN] + io->states[MOON_CONN_CLOSING];
    uint32_t per_second = moon_io_share(io, io->policy.handshakes_per_second);
    struct moon_address address = counted_address(io, conn);
    *admission = (struct moon_admission){
        .origins = io->origins,
        .token_cookie = io->config->token_cookie,
        .reason = io->reason,
        .is_stopping = io->is_stopping,
        .is_full = there >= moon_io_share(io, io->policy.max_connections),
        .is_crowded =
            conn->is_counted && moon_census_count(io->census, &address) >
                                    moon_io_share(io, io->policy.max_per_address),
        .is_denied = moon_networks_have(&io->denied, &conn->address),
        .is_too_fast = moon_bucket_take(&io->handshakes, per_second, per_second, 1,
                                        moon_io_now_ms(io)) > 0,
        .is_out_of_room = moon_governor_pressure(io->shared->governor) >= MOON_REFUSE,
        .retry_after_s = io->policy.retry_after_s,
    };
}

static void replace_text(char **text, const char *with)
{
    if (with[0] != MOON_KEEP) {
        moon_free(*text);
        size_t length = strlen(with) + 1;
        *text = moon_alloc(length);
        memcpy(*text, with, length);
    }
}

static void replace_number(uint32_t *number, uint32_t with)
{
    *number = with == 0 ? *number : with;
}

void moon_io_begin_admission(struct moon_io *io)
{
    const struct moon_config *config = io->config;
    io->policy = (struct moon_policy){
        .max_connections = config->max_connections,
        .max_per_address = config->max_per_address,
        .handshakes_per_second = config->handshakes_per_second,
        .retry_after_s = RETRY_AFTER_S,
    };
    replace_text(&io->origins, config->origins);
    moon_bucket_init(&io->handshakes, moon_io_share(io, config->handshakes_per_second),
                     moon_io_now_ms(io));
    uint64_t seed = 0;
    if (uv_random(NULL, NULL, &seed, sizeof seed, 0, NULL) != 0) {
        seed = uv_hrtime();
    }
    io->census = moon_census_create(seed);
}

void moon_io_end_admission(struct moon_io *io)
{
    moon_census_destroy(io->census);
    moon_free(io->origins);
    moon_free(io->reason);
}

void moon_io_drop_greetings(struct moon_io *io)
{
    uint32_t cursor = 0;
    struct moon_conn *conn = NULL;
    while ((conn = moon_conns_next(io->conns, &cursor)) != NULL) {
        if (conn->state == MOON_CONN_GREETING && !conn->is_greeted) {
            moon_greeting_stop(conn->socket);
            moon_io_gone(io, conn);
        }
    }
}

/* gate_command.c has checked the fields. */
void moon_io_set_policy(struct moon_io *io, const char *bytes)
{
    struct moon_policy policy;
    const char *origins = bytes + sizeof policy;
    const char *denied = origins + strlen(origins) + 1;
    const char *reason = denied + strlen(denied) + 1;
    const char *bad = NULL;
    memcpy(&policy, bytes, sizeof policy);
    replace_number(&io->policy.max_connections, policy.max_connections);
    replace_number(&io->policy.max_per_address, policy.max_per_address);
    replace_number(&io->policy.handshakes_per_second, policy.handshakes_per_second);
    replace_number(&io->policy.retry_after_s, policy.retry_after_s);
    replace_text(&io->origins, origins);
    if (denied[0] != MOON_KEEP) {
        (void)moon_networks_parse(denied, &io->denied, &bad);
    }
    if (policy.refuse_all == 1) {
        replace_text(&io->reason, reason);
    } else if (policy.refuse_all == 2) {
        moon_free(io->reason);
        io->reason = NULL;
    }
}

const char *moon_io_unready(const struct moon_io *io)
{
    return io->is_stopping ? "the server is stopping" : io->reason;
}

/* ---- opened ---- */

void moon_io_opened(struct moon_io *io, struct moon_conn *conn, bool wants_auth,
                    const char *fields, uint64_t bytes)
{
    const struct moon_record opened = {.kind = MOON_OPENED, .subject = conn->id};
    uint64_t now_ms = moon_io_now_ms(io);
    moon_io_set_state(io, conn, MOON_CONN_OPEN);
    io->metrics.upgraded++;
    moon_bucket_init(&conn->messages, conn->limits->burst_messages, now_ms);
    moon_bucket_init(&conn->bytes, conn->limits->burst_bytes, now_ms);
    moon_bucket_init(&conn->refusals, conn->limits->burst_messages, now_ms);
    conn->admit_by_ms = wants_auth ? now_ms + io->config->auth_timeout_ms : 0;
    moon_io_watch(io, conn);
    uint32_t wait_ms = moon_heartbeat_start(&conn->heartbeat, &io->heartbeat,
                                            (uint32_t)rand_r(&io->random));
    moon_wheel_set(io->wheel, &conn->deadline, now_ms + wait_ms);
    moon_io_emit(io, &opened, fields, bytes);
    conn->is_paused = true;
    moon_id_list_add(&io->pausing, conn->id); /* it is read from when the turn ends */
    if (io->is_congested) {
        moon_io_pause(io, conn, MOON_PAUSED_BY_RING, true);
    }
    if (io->is_stopping) {
        moon_io_close_for(io, conn, MOON_SHUTDOWN);
    }
}
