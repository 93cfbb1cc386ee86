/* metrics.h - what is counted, and its text form for Prometheus (text format 0.0.4).
 *
 * Each thread counts in a plain struct of its own and publishes it now and then to a
 * mirror, whose words are atomic; whoever writes the text adds the mirrors up. So
 * counting costs an addition, and no lock is held.
 * Thread: a struct moon_metrics and publishing: its owner's; everything else: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "letter.h"

/* Why a newcomer was refused; a label. */
enum moon_refusal {
    MOON_REFUSED_MALFORMED = 1, /* the request is no handshake of RFC 6455 */
    MOON_REFUSED_PATH,          /* nothing is served there */
    MOON_REFUSED_ORIGIN,
    MOON_REFUSED_PROTOCOL, /* none of the subprotocols offered is spoken there */
    MOON_REFUSED_TOKEN,    /* the route wants one, and there is none */
    MOON_REFUSED_FULL,     /* max_connections */
    MOON_REFUSED_ADDRESS,  /* max_per_address, or a denied network */
    MOON_REFUSED_RATE,     /* handshakes_per_second */
    MOON_REFUSED_MEMORY,   /* the governor */
    MOON_REFUSED_DRAINING, /* stopping, or a script refuses all */
    MOON_REFUSED_PROXY,    /* no PROXY header from a proxy, or a malformed one */
    MOON_REFUSED_TIMEOUT,  /* the handshake took too long */
    MOON_REFUSALS,
};

enum {
    MOON_RTT_FIRST_US = 250,
    MOON_RTT_BUCKETS = 14, /* to 1.024 s, and infinity */
    MOON_TURN_FIRST_US = 125,
    MOON_TURN_BUCKETS = 14, /* to 0.512 s, and infinity */
    MOON_COMMIT_FIRST_US = 250,
    MOON_COMMIT_BUCKETS = 14, /* to 1.024 s, and infinity */
    MOON_FETCH_FIRST_US = 8000,
    MOON_FETCH_BUCKETS = 14, /* to 32.768 s, and infinity */
};

/* All counters grow but the gauges. Only uint64_t, so that it can be copied word by
 * word. A new field is a new line in the table in metrics.c, too, next to which it says
 * which fields stay side by side. */
struct moon_metrics {
    /* gauges */
    uint64_t greeting, open, closing; /* connections by state */
    uint64_t queued[MOON_CLASSES];    /* messages in outboxes */
    uint64_t queued_bytes;
    uint64_t held_bytes; /* as reported to the governor */
    uint64_t events_ring_bytes, commands_ring_bytes;
    uint64_t events_ring_capacity, commands_ring_capacity; /* bytes */
    uint64_t store_pending; /* operations that have not been answered */
    uint64_t password_pending;
    uint64_t rooms; /* with members of this thread: the sum has a room once a thread */
    uint64_t fetches_waiting, fetches_running;
    /* counters */
    uint64_t accepted; /* sockets */
    uint64_t upgraded; /* handshakes granted */
    uint64_t refused[MOON_REFUSALS];
    uint64_t closed[MOON_REASONS];
    uint64_t received[2], received_bytes[2]; /* text, binary */
    uint64_t sent[MOON_CLASSES], sent_bytes[MOON_CLASSES];
    uint64_t delivered[MOON_CLASSES], delivered_bytes[MOON_CLASSES];
    uint64_t dropped[MOON_CLASSES], dropped_bytes[MOON_CLASSES];
    uint64_t dropped_by[MOON_DROPS]; /* the same messages */
    uint64_t flooded[4];             /* by enum moon_flood_action */
    uint64_t slowed, drained;        /* high and low marks passed */
    uint64_t culled;                 /* connections closed by the governor */
    uint64_t events_overflows;       /* times that the ring up was full */
    uint64_t commands_spills;        /* times that the ring down was full */
    uint64_t accept_failures;
    uint64_t http_requests, http_timeouts, http_refused;
    uint64_t pings, pongs;
    uint64_t store_operations[MOON_STORE_OPERATIONS];
    uint64_t store_failures;
    uint64_t store_expired; /* entries removed because their time was over */
    uint64_t passwords, passwords_refused;
    uint64_t rtt[MOON_RTT_BUCKETS], rtt_us_sum;
    uint64_t turn[MOON_TURN_BUCKETS], turn_us_sum;
    uint64_t commit[MOON_COMMIT_BUCKETS], commit_us_sum; /* of the store */
    uint64_t fetched[MOON_FETCH_OUTCOMES];
    uint64_t fetch_bytes[2]; /* sent, received; bodies only */
    uint64_t fetch[MOON_FETCH_BUCKETS], fetch_us_sum;
};

/* Adds one observation, in microseconds, to a histogram of `count` buckets whose first
 * upper bound is first_us; the others double, and the last has none. A bound belongs to
 * its bucket. Buckets are not cumulative here. */
void moon_metrics_observe(uint64_t *buckets, uint32_t count, uint64_t *sum,
                          uint64_t first_us, uint64_t value_us);

/* Adds `part` to `total`, word by word. */
void moon_metrics_add(struct moon_metrics *total, const struct moon_metrics *part);

struct moon_mirror;

/* Reads as all zero until something is published. */
struct moon_mirror *moon_mirror_create(void);
void moon_mirror_destroy(struct moon_mirror *mirror);

/* Thread: the one owner. */
void moon_mirror_publish(struct moon_mirror *mirror,
                         const struct moon_metrics *metrics);

/* Thread: any. Each word is whole; words may be of two publications. */
void moon_mirror_read(const struct moon_mirror *mirror, struct moon_metrics *metrics);

/* What is true of the process and is no counter. */
struct moon_metrics_facts {
    const char *version;
    uint64_t budget_bytes;
    double start_s;          /* seconds since 1970 UTC, as the two below */
    int64_t tls_not_after_s; /* 0 without TLS */
    int64_t now_s;
    uint64_t max_connections;
    uint32_t threads;
};

/* Writes the text, NUL-terminated, into out[capacity]. Returns its length; when that is
 * not less than capacity, the text has been cut short (as snprintf). */
uint64_t moon_metrics_render(const struct moon_metrics *total,
                             const struct moon_metrics_facts *facts, char *out,
                             uint64_t capacity);
