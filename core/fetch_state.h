/* fetch_state.h - the fetcher from the inside: what fetch.c (life, commands, who has a
 * turn), fetch_request.c (what goes out), fetch_response.c (what comes of it) and
 * fetch_poll.c (libcurl on the loop) share. Nobody else includes it, and nobody else
 * knows libcurl.
 *
 * Thread: the fetcher's own.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "fetch.h"
#include "inquiry.h"
#include "worker.h"
#include <curl/curl.h>

enum {
    MOON_MAX_RUNNING = 64, /* fetches under way */
};

/* Bytes that are collected. */
struct moon_pile {
    char *bytes;
    uint64_t length, capacity;
};

/* Where a request goes: a URL and its parts. */
struct moon_target {
    CURLU *url;
    char *scheme, *host, *port;
};

/* One request, from its MOON_FETCH to its MOON_FETCHED. */
struct moon_errand {
    struct moon_errand *next, *previous; /* all there are, oldest first */
    struct moon_fetcher *fetcher;
    uint64_t ticket, begun_ns;
    uv_timer_t deadline;
    char *record; /* what the inquiry borrows from */
    uint64_t record_bytes;
    struct moon_inquiry inquiry;
    struct moon_target target;
    CURL *easy; /* NULL: it waits for its turn */
    struct curl_slist *lines;
    char problem[CURL_ERROR_SIZE]; /* what libcurl says of a failure */
    struct moon_pile head, body;   /* of the response */
    uint32_t redirects;            /* followed so far */
    uint32_t connects;             /* addresses tried that may be reached */
    struct moon_address refused;   /* and the last one that may not */
    bool has_refused, is_too_big;
    bool has_lost_body; /* a redirect has made a GET of it */
    bool has_left;      /* a redirect has led to another site: no credentials */
};

struct moon_fetcher {
    struct moon_worker worker;
    const struct moon_config *config;
    CURLM *multi;
    uv_timer_t timer; /* libcurl's */
    struct moon_errand *first, *last;
    struct moon_errand *running[MOON_MAX_RUNNING];
    uint32_t count, running_count;
    uint32_t closing;       /* that have ended, but not their timers */
    uint64_t waiting_bytes; /* records of those that wait for their turn */
    bool has_room;          /* somebody who waits may have a turn now */
    bool has_counted;       /* since the metrics were published */
    struct moon_metrics metrics;
    struct moon_mirror *mirror;
};

/* fetch.c: the errand has ended: tells the scripts, and frees it. `text` says more of a
 * failure. */
void moon_errand_end(struct moon_errand *errand, enum moon_fetch_outcome outcome,
                     const char *text);

/* fetch.c: it has to wait for another turn. */
void moon_errand_wait(struct moon_errand *errand);

/* fetch_request.c: NULL, or what is wrong with the URL; to be ended by fini either way.
 */
const char *moon_target_init(struct moon_target *target, const char *url);
void moon_target_fini(struct moon_target *target);

/* fetch_request.c: hands it to libcurl, and takes it back. */
void moon_errand_begin(struct moon_errand *errand);
void moon_errand_detach(struct moon_errand *errand);

/* fetch_request.c: frees what it holds beside itself. */
void moon_errand_empty(struct moon_errand *errand);

/* fetch_response.c: collects what comes. */
void moon_errand_listen(struct moon_errand *errand);

/* fetch_response.c: libcurl is done with it: it ends, or follows a redirect. */
void moon_errand_conclude(struct moon_errand *errand, CURLcode code);

/* fetch_poll.c: libcurl waits by the loop from now on. */
void moon_fetcher_open(struct moon_fetcher *fetcher);

/* fetch_poll.c: no errand is left; the loop does not run. */
void moon_fetcher_close(struct moon_fetcher *fetcher);
