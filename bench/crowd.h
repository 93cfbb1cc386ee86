/* crowd.h - all the connections of the generator, in one thread on one epoll.
 *
 * Opens them at a measured pace, brings them through TLS, upgrade and greeting, takes
 * apart what arrives in one buffer that all share, sends what the scenario has to say
 * in one send per connection and turn, and answers pings. What is said and what it
 * means is the scenario's business.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "client.h"
#include "options.h"
#include "target.h"
#include "wire.h"

enum {
    MOON_CROWD_CODES = 16, /* different close codes that are told apart */
    MOON_CROWD_NOTE = 160,
};

struct moon_crowd;

/* What the crowd tells, and asks. `self` is the scenario's own. */
struct moon_scenario {
    void *self;
    /* The client is open: upgraded, and greeted unless it is a storm. */
    void (*opened)(void *self, struct moon_client *client, uint64_t now_ns);
    /* A text or binary frame has arrived; it is borrowed until the return. */
    void (*heard)(void *self, struct moon_client *client,
                  const struct moon_wire_frame *frame, uint64_t now_ns);
    /* It has not become open, or is no longer: it is absent. */
    void (*ended)(void *self, struct moon_client *client, bool was_open,
                  uint64_t now_ns);
    /* Writes whole frames that the client has to send now; returns their length. */
    uint32_t (*say)(void *self, struct moon_client *client, char *out,
                    uint32_t capacity);
    /* The load begins; it ends, and nothing more is said. */
    void (*start)(void *self, uint64_t now_ns);
    void (*stop)(void *self, uint64_t now_ns);
    /* Lists, or begins, those whose time has come; returns when to be called again. */
    uint64_t (*due)(void *self, uint64_t now_ns);
    /* Whether all that was said has arrived, where it still can. */
    bool (*is_settled)(void *self);
};

struct moon_close_code {
    uint32_t code; /* 1006: gone without one */
    uint32_t count;
};

struct moon_crowd {
    const struct moon_bench_options *options;
    const struct moon_target *target;
    struct moon_scenario scenario;
    struct moon_client *clients;
    struct moon_tunnels *tunnels; /* NULL for ws:// */
    uint32_t *listed; /* clients that may have something to say in this turn */
    char *inbox, *outbox;
    uint32_t count; /* of clients */
    uint32_t listed_count;
    uint32_t inbox_bytes, outbox_bytes;
    uint32_t pid; /* of this process, in names */
    int epoll_fd;
    bool is_leaving;   /* a Close from the server is no loss */
    uint32_t begun;    /* by moon_crowd_gather() */
    uint32_t underway; /* connecting, securing, upgrading or greeting */
    uint32_t open;
    uint32_t closing;
    uint64_t opened;  /* in all */
    uint64_t refused; /* that did not become open */
    uint64_t closed;  /* that were open, and ended unasked */
    uint64_t pings;   /* answered */
    struct moon_close_code codes[MOON_CROWD_CODES];
    char note[MOON_CROWD_NOTE]; /* what went wrong first; empty when nothing did */
};

/* Borrows all but the scenario, which it copies. Each client's room is to be set before
 * it is begun. */
struct moon_crowd *moon_crowd_create(const struct moon_bench_options *options,
                                     const struct moon_target *target, uint32_t count,
                                     const struct moon_scenario *scenario);
void moon_crowd_destroy(struct moon_crowd *crowd);

/* Begins one absent client. */
void moon_crowd_begin(struct moon_crowd *crowd, struct moon_client *client,
                      uint64_t now_ns);

/* Begins as many clients as the pace allows, in order; `since_ns` is when that was
 * first called. False when all are begun and none is under way. */
bool moon_crowd_gather(struct moon_crowd *crowd, uint64_t since_ns, uint64_t now_ns);

/* Many were refused, and none has ever become open. */
bool moon_crowd_is_hopeless(const struct moon_crowd *crowd);

/* The client may have something to say, which is asked for at the end of the turn. */
void moon_crowd_list(struct moon_crowd *crowd, struct moon_client *client);

/* One turn: says what there is, waits for at most `wait_ns`, hears, and answers. */
void moon_crowd_turn(struct moon_crowd *crowd, uint64_t wait_ns);

/* Asks the client what it has to say, now. */
void moon_crowd_flush(struct moon_crowd *crowd, struct moon_client *client);

/* Sends Close 1000; the server's answer is waited for. */
void moon_crowd_close(struct moon_crowd *crowd, struct moon_client *client);

/* Ends those that have been under way, or closing, for longer than --timeout-s. To be
 * called now and then. */
void moon_crowd_cull(struct moon_crowd *crowd, uint64_t now_ns);

/* Keeps the first one. */
void moon_crowd_note(struct moon_crowd *crowd, const char *format, ...);
