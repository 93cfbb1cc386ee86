/* heartbeat.h - when to ping a connection, and when to give it up.
 *
 * Everything that arrives counts as life, not only a pong. It knows no socket and
 * no clock: the owner asks at the time it was told, and does what it is told.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_heartbeat {
    uint8_t heard; /* something arrived since the last ping; set by whoever receives */
    uint8_t awaiting; /* a ping is out */
};

struct moon_heartbeat_times {
    uint32_t ping_interval_ms;
    uint32_t pong_timeout_ms; /* less than the interval */
};

enum moon_beat {
    MOON_BEAT_WAIT, /* nothing to do */
    MOON_BEAT_PING, /* send a ping */
    MOON_BEAT_DEAD, /* nothing arrived in time: close it */
};

/* Milliseconds until the first ping: a random point in the second half of the interval,
 * so that ten thousand clients that came at once are not pinged at once. */
uint32_t moon_heartbeat_start(struct moon_heartbeat *beat,
                              const struct moon_heartbeat_times *times,
                              uint32_t random);

/* To be called when the time is over; *wait_ms is the time until the next call. */
enum moon_beat moon_heartbeat_due(struct moon_heartbeat *beat,
                                  const struct moon_heartbeat_times *times,
                                  uint32_t *wait_ms);
