/* SPDX-License-Identifier: MIT */
#include "crowd.h"
#include "../core/mem.h"
#include "clock.h"
#include "crowd_state.h"
#include "payload.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    BATCH = 128, /* events of one turn: few, so that nobody waits for long */
    RECEIVED_BYTES = 262144,
    WRAPPING_BYTES = 65536, /* the longest message of the server is so much longer */
    AT_ONCE = 200,          /* connections under way */
    HOPELESS = 100,         /* refused, and none opened: others need not try */
};

/* Different for each client, and never 0. */
static uint32_t mask_of(uint64_t seed, uint32_t number)
{
    uint64_t word = (seed + number) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(word >> 32) | 1;
}

struct moon_crowd *moon_crowd_create(const struct moon_bench_options *options,
                                     const struct moon_target *target, uint32_t count,
                                     const struct moon_scenario *scenario)
{
    struct moon_crowd *crowd = moon_alloc(sizeof *crowd);
    uint64_t seed = 0;
    (void)getrandom(&seed, sizeof seed, GRND_NONBLOCK);
    crowd->options = options;
    crowd->target = target;
    crowd->scenario = *scenario;
    crowd->count = count;
    crowd->clients = moon_alloc(count * sizeof *crowd->clients);
    crowd->listed = moon_alloc(count * sizeof *crowd->listed);
    crowd->inbox_bytes = RECEIVED_BYTES + options->bytes + WRAPPING_BYTES;
    crowd->outbox_bytes = 2 * crowd->inbox_bytes;
    crowd->inbox = moon_alloc(crowd->inbox_bytes);
    crowd->outbox = moon_alloc(crowd->outbox_bytes);
    crowd->pid = (uint32_t)getpid();
    if (target->is_tls) {
        crowd->tunnels = moon_tunnels_create(target->is_name ? target->host : NULL);
    }
    crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < count; i++) {
        crowd->clients[i].number = i;
        crowd->clients[i].mask = mask_of(seed, i);
        crowd->clients[i].stream.fd = -1;
    }
    return crowd;
}

void moon_crowd_destroy(struct moon_crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++) {
        moon_client_end(&crowd->clients[i]);
    }
    moon_tunnels_destroy(crowd->tunnels);
    (void)close(crowd->epoll_fd);
    moon_free(crowd->clients);
    moon_free(crowd->listed);
    moon_free(crowd->inbox);
    moon_free(crowd->outbox);
    moon_free(crowd);
}

void moon_crowd_note(struct moon_crowd *crowd, const char *format, ...)
{
    if (crowd->note[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(crowd->note, sizeof crowd->note, format, arguments);
        va_end(arguments);
        for (char *c = crowd->note; *c != '\0'; c++) {
            if ((unsigned char)*c < ' ' || *c == 0x7f) {
                *c = '?'; /* they are a server's words */
            }
        }
    }
}

void moon_crowd_watch(struct moon_crowd *crowd, const struct moon_client *client,
                      uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = client->number};
    (void)epoll_ctl(crowd->epoll_fd, EPOLL_CTL_MOD, client->stream.fd, &event);
}

static void count_code(struct moon_crowd *crowd, uint32_t code)
{
    for (uint32_t i = 0; i < MOON_CROWD_CODES; i++) {
        struct moon_close_code *entry = &crowd->codes[i];
        if (entry->count == 0 || entry->code == code) {
            entry->code = code;
            entry->count++;
            return;
        }
    }
}

void moon_crowd_end(struct moon_crowd *crowd, struct moon_client *client, uint32_t code,
                    uint64_t now_ns)
{
    bool was_open = client->state == MOON_CLIENT_OPEN;
    if (client->state == MOON_CLIENT_CLOSING) {
        crowd->closing--;
    } else if (was_open) {
        crowd->open--;
        if (!crowd->is_leaving) {
            crowd->closed++;
            count_code(crowd, code);
        }
    } else {
        crowd->underway--;
        crowd->refused++;
    }
    moon_client_end(client);
    crowd->scenario.ended(crowd->scenario.self, client, was_open, now_ns);
}

void moon_crowd_refuse(struct moon_crowd *crowd, struct moon_client *client,
                       const char *why, uint64_t now_ns)
{
    moon_crowd_note(crowd, "%s", why);
    moon_crowd_end(crowd, client, MOON_CROWD_NO_CODE, now_ns);
}

void moon_crowd_begin(struct moon_crowd *crowd, struct moon_client *client,
                      uint64_t now_ns)
{
    uint32_t sources = crowd->options->source_addresses;
    uint32_t source = sources > 1 ? 1 + client->number % sources : 0;
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = client->number};
    client->state = MOON_CLIENT_CONNECTING;
    client->stage = 0;
    client->begun_ns = now_ns;
    crowd->underway++;
    if (!moon_stream_open(&client->stream, crowd->target, source) ||
        epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, client->stream.fd, &event) != 0) {
        moon_crowd_refuse(crowd, client, strerror(errno), now_ns);
    }
}

bool moon_crowd_is_hopeless(const struct moon_crowd *crowd)
{
    return crowd->refused >= HOPELESS && crowd->opened == 0;
}

bool moon_crowd_gather(struct moon_crowd *crowd, uint64_t since_ns, uint64_t now_ns)
{
    uint64_t allowed =
        1 + (now_ns - since_ns) * crowd->options->connect_rate / MOON_NS_PER_S;
    while (crowd->begun < crowd->count && crowd->begun < allowed &&
           crowd->underway < AT_ONCE && !moon_crowd_is_hopeless(crowd)) {
        moon_crowd_begin(crowd, &crowd->clients[crowd->begun++], now_ns);
    }
    return crowd->underway > 0 ||
           (crowd->begun < crowd->count && !moon_crowd_is_hopeless(crowd));
}

void moon_crowd_open(struct moon_crowd *crowd, struct moon_client *client,
                     uint64_t now_ns)
{
    client->state = MOON_CLIENT_OPEN;
    crowd->underway--;
    crowd->open++;
    crowd->opened++;
    crowd->scenario.opened(crowd->scenario.self, client, now_ns);
}

void moon_crowd_list(struct moon_crowd *crowd, struct moon_client *client)
{
    if (!client->is_listed) {
        client->is_listed = true;
        crowd->listed[crowd->listed_count++] = client->number;
    }
}

static int wait_for_events(int epoll_fd, struct epoll_event *events, uint64_t wait_ns)
{
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / MOON_NS_PER_S),
                            .tv_nsec = (long)(wait_ns % MOON_NS_PER_S)};
    int count = epoll_pwait2(epoll_fd, events, BATCH, &wait, NULL);
    if (count < 0 && errno == ENOSYS) { /* before Linux 5.11 */
        count = epoll_wait(epoll_fd, events, BATCH, (int)(wait_ns / MOON_NS_PER_MS));
    }
    return count;
}

static void secure_on(struct moon_crowd *crowd, struct moon_client *client)
{
    char why[MOON_CROWD_NOTE];
    switch (moon_stream_shake(&client->stream, why, sizeof why)) {
    case MOON_TUNNEL_DONE:
        moon_crowd_upgrade(crowd, client);
        break;
    case MOON_TUNNEL_READS:
        moon_crowd_watch(crowd, client, EPOLLIN);
        break;
    case MOON_TUNNEL_WRITES:
        moon_crowd_watch(crowd, client, EPOLLOUT);
        break;
    case MOON_TUNNEL_FAILED:
        moon_crowd_refuse(crowd, client, why, moon_clock_ns());
        break;
    }
}

static void connect_on(struct moon_crowd *crowd, struct moon_client *client)
{
    if (!moon_stream_is_connected(&client->stream)) {
        moon_crowd_refuse(crowd, client, strerror(errno), moon_clock_ns());
    } else if (!crowd->target->is_tls) {
        moon_crowd_upgrade(crowd, client);
    } else if (moon_stream_secure(&client->stream, crowd->tunnels)) {
        client->state = MOON_CLIENT_SECURING;
        secure_on(crowd, client);
    } else {
        moon_crowd_refuse(crowd, client, "OpenSSL cannot be used", moon_clock_ns());
    }
}

static void flush_listed(struct moon_crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->listed_count; i++) {
        struct moon_client *client = &crowd->clients[crowd->listed[i]];
        client->is_listed = false;
        if (!client->is_blocked && client->state == MOON_CLIENT_OPEN) {
            moon_crowd_flush(crowd, client);
        }
    }
    crowd->listed_count = 0;
}

static void notice(struct moon_crowd *crowd, struct moon_client *client,
                   uint32_t events)
{
    if (client->state == MOON_CLIENT_ABSENT) {
        return; /* ended by what another one has heard in this turn */
    }
    if (client->state == MOON_CLIENT_CONNECTING) {
        connect_on(crowd, client);
        return;
    }
    if (client->state == MOON_CLIENT_SECURING) {
        secure_on(crowd, client);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        moon_crowd_flush(crowd, client);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && client->state != MOON_CLIENT_ABSENT) {
        moon_crowd_receive(crowd, client);
    }
}

void moon_crowd_turn(struct moon_crowd *crowd, uint64_t wait_ns)
{
    struct epoll_event events[BATCH];
    flush_listed(crowd);
    int count = wait_for_events(crowd->epoll_fd, events, wait_ns);
    for (int i = 0; i < count; i++) {
        notice(crowd, &crowd->clients[events[i].data.u32], events[i].events);
    }
    flush_listed(crowd);
}

void moon_crowd_cull(struct moon_crowd *crowd, uint64_t now_ns)
{
    uint64_t patience_ns = (uint64_t)crowd->options->timeout_ms * MOON_NS_PER_MS;
    if (crowd->underway + crowd->closing == 0) {
        return;
    }
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct moon_client *client = &crowd->clients[i];
        bool waits =
            client->state != MOON_CLIENT_ABSENT && client->state != MOON_CLIENT_OPEN;
        if (waits && now_ns > client->begun_ns + patience_ns) {
            if (client->state != MOON_CLIENT_CLOSING) {
                moon_crowd_note(crowd, "no answer within --timeout-s");
            }
            moon_crowd_end(crowd, client, MOON_CROWD_NO_CODE, now_ns);
        }
    }
}
