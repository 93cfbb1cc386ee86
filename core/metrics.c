/* SPDX-License-Identifier: MIT */
#include "metrics.h"
#include "mem.h"
#include "reason.h"
#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    WORDS = sizeof(struct moon_metrics) / sizeof(uint64_t),
    LABEL_BYTES = 256, /* of one label's value, escaped */
};

static const double us_per_s = 1e6;

/* A word stands for nothing but itself, so no order of memory is asked for. */
struct moon_mirror {
    _Atomic uint64_t words[WORDS];
};

void moon_metrics_observe(uint64_t *buckets, uint32_t count, uint64_t *sum,
                          uint64_t first_us, uint64_t value_us)
{
    uint32_t i = 0;
    for (uint64_t bound = first_us; i + 1 < count && value_us > bound; bound *= 2) {
        i++;
    }
    buckets[i]++;
    *sum += value_us;
}

void moon_metrics_add(struct moon_metrics *total, const struct moon_metrics *part)
{
    uint64_t *to = (uint64_t *)total;
    const uint64_t *from = (const uint64_t *)part;
    for (uint32_t i = 0; i < WORDS; i++) {
        to[i] += from[i];
    }
}

struct moon_mirror *moon_mirror_create(void)
{
    return moon_alloc(sizeof(struct moon_mirror));
}

void moon_mirror_destroy(struct moon_mirror *mirror)
{
    moon_free(mirror);
}

void moon_mirror_publish(struct moon_mirror *mirror, const struct moon_metrics *metrics)
{
    const uint64_t *from = (const uint64_t *)metrics;
    for (uint32_t i = 0; i < WORDS; i++) {
        atomic_store_explicit(&mirror->words[i], from[i], memory_order_relaxed);
    }
}

void moon_mirror_read(const struct moon_mirror *mirror, struct moon_metrics *metrics)
{
    uint64_t *to = (uint64_t *)metrics;
    for (uint32_t i = 0; i < WORDS; i++) {
        to[i] = atomic_load_explicit(&mirror->words[i], memory_order_relaxed);
    }
}

/* The values of a label, by their numbers, which are the places of the words in the
 * field that is shown. */
struct label {
    const char *name;
    const char *const *words; /* NULL: moon_reason_name() has them */
    uint32_t first, end;
};

static const struct label state = {
    "state", (const char *const[]){"greeting", "open", "closing"}, 0, 3};

static const struct label class = {"class",
                                   (const char *const[]){[MOON_RELIABLE] = "reliable",
                                                         [MOON_LATEST] = "latest",
                                                         [MOON_VOLATILE] = "volatile",
                                                         [MOON_CONTROL] = "control"},
                                   0, MOON_CLASSES};

static const struct label refusal = {
    "reason",
    (const char *const[]){[MOON_REFUSED_MALFORMED] = "malformed",
                          [MOON_REFUSED_PATH] = "path",
                          [MOON_REFUSED_ORIGIN] = "origin",
                          [MOON_REFUSED_PROTOCOL] = "protocol",
                          [MOON_REFUSED_TOKEN] = "token",
                          [MOON_REFUSED_FULL] = "full",
                          [MOON_REFUSED_ADDRESS] = "address",
                          [MOON_REFUSED_RATE] = "rate",
                          [MOON_REFUSED_MEMORY] = "memory",
                          [MOON_REFUSED_DRAINING] = "draining",
                          [MOON_REFUSED_PROXY] = "proxy",
                          [MOON_REFUSED_TIMEOUT] = "timeout"},
    MOON_REFUSED_MALFORMED, MOON_REFUSALS};

static const struct label reason = {"reason", NULL, MOON_BY_CLIENT, MOON_REASONS};

static const struct label opcode = {"opcode", (const char *const[]){"text", "binary"},
                                    0, 2};

static const struct label cause = {
    "cause",
    (const char *const[]){[MOON_DROP_FULL] = "full",
                          [MOON_DROP_REPLACED] = "replaced",
                          [MOON_DROP_SHED] = "shed",
                          [MOON_DROP_GONE] = "gone"},
    0, MOON_DROPS};

static const struct label action = {
    "action",
    (const char *const[]){[MOON_FLOOD_PAUSE] = "pause",
                          [MOON_FLOOD_REFUSE] = "refuse",
                          [MOON_FLOOD_CLOSE] = "close"},
    MOON_FLOOD_PAUSE, MOON_FLOOD_CLOSE + 1};

static const struct label direction = {
    "direction", (const char *const[]){"events", "commands"}, 0, 2};

static const struct label operation = {
    "operation",
    (const char *const[]){[MOON_STORE_GET] = "get",
                          [MOON_STORE_PUT] = "put",
                          [MOON_STORE_DELETE] = "delete",
                          [MOON_STORE_SWAP] = "swap",
                          [MOON_STORE_SCAN] = "scan"},
    0, MOON_STORE_OPERATIONS};

static const struct label fetches = {"state",
                                     (const char *const[]){"waiting", "running"}, 0, 2};

static const struct label outcome = {
    "outcome",
    (const char *const[]){[MOON_FETCH_OK] = "ok",
                          [MOON_FETCH_TIMEOUT] = "timeout",
                          [MOON_FETCH_REFUSED_ADDRESS] = "refused_address",
                          [MOON_FETCH_CONNECT] = "connect",
                          [MOON_FETCH_DNS] = "dns",
                          [MOON_FETCH_TLS] = "tls",
                          [MOON_FETCH_TOO_BIG] = "too_big",
                          [MOON_FETCH_REDIRECTS] = "redirects",
                          [MOON_FETCH_FULL] = "full",
                          [MOON_FETCH_BAD_URL] = "bad_url",
                          [MOON_FETCH_PROTOCOL] = "protocol",
                          [MOON_FETCH_ABORTED] = "aborted"},
    MOON_FETCH_OK, MOON_FETCH_OUTCOMES};

static const struct label way = {"direction", (const char *const[]){"sent", "received"},
                                 0, 2};

/* The number of a field's first word. */
#define WORD(field) (offsetof(struct moon_metrics, field) / sizeof(uint64_t))

#define ARE_NEIGHBOURS(first, second) (WORD(first) + 1 == WORD(second))

_Static_assert(ARE_NEIGHBOURS(greeting, open) && ARE_NEIGHBOURS(open, closing),
               "states are one field to the table");
_Static_assert(ARE_NEIGHBOURS(events_ring_bytes, commands_ring_bytes) &&
                   ARE_NEIGHBOURS(events_ring_capacity, commands_ring_capacity) &&
                   ARE_NEIGHBOURS(events_overflows, commands_spills),
               "and so are directions");
_Static_assert(ARE_NEIGHBOURS(fetches_waiting, fetches_running),
               "and so are the states of fetches");
_Static_assert(ARE_NEIGHBOURS(rtt[MOON_RTT_BUCKETS - 1], rtt_us_sum) &&
                   ARE_NEIGHBOURS(turn[MOON_TURN_BUCKETS - 1], turn_us_sum) &&
                   ARE_NEIGHBOURS(commit[MOON_COMMIT_BUCKETS - 1], commit_us_sum) &&
                   ARE_NEIGHBOURS(fetch[MOON_FETCH_BUCKETS - 1], fetch_us_sum),
               "a histogram ends with its sum");

static const struct metric {
    const char *name, *type, *help;
    uint32_t word;
    const struct label *label; /* NULL: one word, without any */
} table[] = {
    {"moongate_connections", "gauge", "Connections by state.", WORD(greeting), &state},
    {"moongate_rooms", "gauge",
     "Rooms with members, counted once for each I/O thread that has some of them.",
     WORD(rooms), NULL},
    {"moongate_accepted_total", "counter", "Sockets accepted.", WORD(accepted), NULL},
    {"moongate_upgraded_total", "counter", "WebSocket handshakes granted.",
     WORD(upgraded), NULL},
    {"moongate_refused_total", "counter", "Newcomers refused.", WORD(refused),
     &refusal},
    {"moongate_accept_failures_total", "counter",
     "Times that a socket could not be accepted.", WORD(accept_failures), NULL},
    {"moongate_closed_total", "counter", "WebSocket connections ended.", WORD(closed),
     &reason},
    {"moongate_received_messages_total", "counter", "Messages from clients.",
     WORD(received), &opcode},
    {"moongate_received_bytes_total", "counter",
     "Payload of the messages from clients.", WORD(received_bytes), &opcode},
    {"moongate_sent_messages_total", "counter",
     "Messages to clients, one for each that is to get it.", WORD(sent), &class},
    {"moongate_sent_bytes_total", "counter", "Frames of the messages counted as sent.",
     WORD(sent_bytes), &class},
    {"moongate_delivered_messages_total", "counter",
     "Messages to clients that the kernel has accepted.", WORD(delivered), &class},
    {"moongate_delivered_bytes_total", "counter",
     "Frames of the messages counted as delivered.", WORD(delivered_bytes), &class},
    {"moongate_dropped_messages_total", "counter",
     "Messages to clients that were given up.", WORD(dropped), &class},
    {"moongate_dropped_bytes_total", "counter",
     "Frames of the messages counted as dropped.", WORD(dropped_bytes), &class},
    {"moongate_dropped_by_total", "counter",
     "The messages counted as dropped, by cause.", WORD(dropped_by), &cause},
    {"moongate_queued_messages", "gauge", "Messages that wait in write queues.",
     WORD(queued), &class},
    {"moongate_queued_bytes", "gauge",
     "Frames in write queues, with those the kernel has not accepted yet.",
     WORD(queued_bytes), NULL},
    {"moongate_slow_total", "counter", "Times that a write queue passed its high mark.",
     WORD(slowed), NULL},
    {"moongate_drained_total", "counter",
     "Times that a write queue fell below its low mark again.", WORD(drained), NULL},
    {"moongate_flood_total", "counter",
     "Times that a client sent more than its rate allows.", WORD(flooded), &action},
    {"moongate_memory_held_bytes", "gauge",
     "Memory counted against the budget, as last reported by each thread.",
     WORD(held_bytes), NULL},
    {"moongate_culled_total", "counter", "Connections closed for want of memory.",
     WORD(culled), NULL},
    {"moongate_ring_bytes", "gauge",
     "Bytes that wait in the rings between the logic thread and the I/O threads.",
     WORD(events_ring_bytes), &direction},
    {"moongate_ring_capacity_bytes", "gauge",
     "What the rings between the logic thread and the I/O threads hold when full.",
     WORD(events_ring_capacity), &direction},
    {"moongate_ring_overflows_total", "counter",
     "Times that a ring between the logic thread and an I/O thread was full.",
     WORD(events_overflows), &direction},
    {"moongate_http_requests_total", "counter", "HTTP requests, without upgrades.",
     WORD(http_requests), NULL},
    {"moongate_http_refused_total", "counter",
     "HTTP requests that got an error before any script or file was asked.",
     WORD(http_refused), NULL},
    {"moongate_http_timeouts_total", "counter",
     "HTTP requests that were not complete, or not answered, in time.",
     WORD(http_timeouts), NULL},
    {"moongate_pings_total", "counter", "Pings to clients.", WORD(pings), NULL},
    {"moongate_pongs_total", "counter", "Pongs from clients.", WORD(pongs), NULL},
    {"moongate_store_operations_total", "counter",
     "What scripts have asked of the store.", WORD(store_operations), &operation},
    {"moongate_store_failures_total", "counter",
     "Operations of the store that could not be carried out.", WORD(store_failures),
     NULL},
    {"moongate_store_expired_total", "counter",
     "Entries removed from the store because their time was over.", WORD(store_expired),
     NULL},
    {"moongate_store_pending", "gauge",
     "Operations of the store that have not been answered.", WORD(store_pending), NULL},
    {"moongate_passwords_total", "counter",
     "Passwords that scripts have had hashed or compared.", WORD(passwords), NULL},
    {"moongate_passwords_refused_total", "counter",
     "Passwords that were not, as too many waited.", WORD(passwords_refused), NULL},
    {"moongate_passwords_pending", "gauge",
     "Passwords that are being hashed or compared, or wait for it.",
     WORD(password_pending), NULL},
    {"moongate_fetches", "gauge", "Requests of gate:fetch that have not ended.",
     WORD(fetches_waiting), &fetches},
    {"moongate_fetched_total", "counter", "Requests of gate:fetch that have ended.",
     WORD(fetched), &outcome},
    {"moongate_fetch_bytes_total", "counter",
     "Bodies of gate:fetch; those received are counted decompressed, and whole.",
     WORD(fetch_bytes), &way},
};

static const struct histogram {
    const char *name, *help;
    uint32_t word; /* of the first bucket; after the last comes the sum */
    uint32_t buckets;
    uint64_t first_us;
} histograms[] = {
    {"moongate_rtt_seconds", "Time from a ping to its pong.", WORD(rtt),
     MOON_RTT_BUCKETS, MOON_RTT_FIRST_US},
    {"moongate_turn_seconds", "Time that an I/O thread works in one turn of its loop.",
     WORD(turn), MOON_TURN_BUCKETS, MOON_TURN_FIRST_US},
    {"moongate_store_commit_seconds",
     "Time that the store takes to commit a group of writes.", WORD(commit),
     MOON_COMMIT_BUCKETS, MOON_COMMIT_FIRST_US},
    {"moongate_fetch_seconds", "Time from a gate:fetch to its end, waiting included.",
     WORD(fetch), MOON_FETCH_BUCKETS, MOON_FETCH_FIRST_US},
};

/* What is being written. */
struct text {
    char *out;
    uint64_t capacity, length;
};

static void put(struct text *text, const char *format, ...)
{
    bool has_room = text->length < text->capacity;
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(has_room ? text->out + text->length : NULL,
                  has_room ? text->capacity - text->length : 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    text->length += (uint64_t)length;
}

static void put_head(struct text *text, const char *name, const char *type,
                     const char *help)
{
    put(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Prometheus takes all values for doubles, and every double keeps fifteen digits. */
static void put_gauge(struct text *text, const char *name, const char *help,
                      double value)
{
    put_head(text, name, "gauge", help);
    put(text, "%s %.15g\n", name, value);
}

/* A backslash, a quote and the end of a line are the three that have to be escaped. */
static void escape(const char *value, char escaped[LABEL_BYTES])
{
    uint32_t length = 0;
    for (; *value != '\0' && length + 2 < LABEL_BYTES; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n') {
            escaped[length++] = '\\';
        }
        escaped[length++] = *value;
        if (*value == '\n') {
            escaped[length - 1] = 'n';
        }
    }
    escaped[length] = '\0';
}

static void put_labelled(struct text *text, const char *name, const char *label,
                         const char *word, uint64_t value)
{
    char escaped[LABEL_BYTES];
    escape(word, escaped);
    put(text, "%s{%s=\"%s\"} %llu\n", name, label, escaped, (unsigned long long)value);
}

static void put_metric(struct text *text, const struct metric *metric,
                       const uint64_t *words)
{
    const struct label *label = metric->label;
    put_head(text, metric->name, metric->type, metric->help);
    if (label == NULL) {
        put(text, "%s %llu\n", metric->name, (unsigned long long)words[metric->word]);
        return;
    }
    for (uint32_t i = label->first; i < label->end; i++) {
        const char *word = label->words == NULL ? moon_reason_name(i) : label->words[i];
        put_labelled(text, metric->name, label->name, word, words[metric->word + i]);
    }
}

/* The count is taken from the buckets, so that it is that of the last one even if they
 * are of two publications. */
static void put_histogram(struct text *text, const struct histogram *histogram,
                          const uint64_t *words)
{
    const uint64_t *buckets = words + histogram->word;
    uint32_t last = histogram->buckets - 1;
    uint64_t count = 0;
    put_head(text, histogram->name, "histogram", histogram->help);
    for (uint32_t i = 0; i < last; i++) {
        count += buckets[i];
        put(text, "%s_bucket{le=\"%.15g\"} %llu\n", histogram->name,
            (double)(histogram->first_us << i) / us_per_s, (unsigned long long)count);
    }
    count += buckets[last];
    put(text, "%s_bucket{le=\"+Inf\"} %llu\n", histogram->name,
        (unsigned long long)count);
    put(text, "%s_sum %.15g\n", histogram->name, (double)buckets[last + 1] / us_per_s);
    put(text, "%s_count %llu\n", histogram->name, (unsigned long long)count);
}

static void put_facts(struct text *text, const struct moon_metrics_facts *facts)
{
    put_head(text, "moongate_build_info", "gauge", "Always 1; the version is a label.");
    put_labelled(text, "moongate_build_info", "version", facts->version, 1);
    put_gauge(text, "moongate_start_time_seconds",
              "When the process started, since 1970 UTC.", facts->start_s);
    put_gauge(text, "moongate_io_threads", "I/O threads.", facts->threads);
    put_gauge(text, "moongate_connections_max",
              "Most WebSocket connections that are let in at once.",
              (double)facts->max_connections);
    put_gauge(text, "moongate_memory_budget_bytes",
              "Limit for moongate_memory_held_bytes.", (double)facts->budget_bytes);
    if (facts->tls_not_after_s != 0) {
        put_gauge(text, "moongate_tls_not_after_seconds",
                  "When the certificate expires, since 1970 UTC.",
                  (double)facts->tls_not_after_s);
        put_gauge(text, "moongate_tls_remaining_seconds",
                  "Time until the certificate expires; negative when it has.",
                  (double)(facts->tls_not_after_s - facts->now_s));
    }
}

uint64_t moon_metrics_render(const struct moon_metrics *total,
                             const struct moon_metrics_facts *facts, char *out,
                             uint64_t capacity)
{
    struct text text = {NULL, capacity, 0};
    text.out = out;
    const uint64_t *words = (const uint64_t *)total;
    put_facts(&text, facts);
    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        put_metric(&text, &table[i], words);
    }
    for (uint32_t i = 0; i < sizeof histograms / sizeof histograms[0]; i++) {
        put_histogram(&text, &histograms[i], words);
    }
    return text.length;
}
