/* SPDX-License-Identifier: MIT */
#include "heartbeat.h"

uint32_t moon_heartbeat_start(struct moon_heartbeat *beat,
                              const struct moon_heartbeat_times *times, uint32_t random)
{
    uint32_t half_ms = times->ping_interval_ms / 2;
    beat->heard = 1;
    beat->awaiting = 0;
    return half_ms + random % (half_ms + 1);
}

enum moon_beat moon_heartbeat_due(struct moon_heartbeat *beat,
                                  const struct moon_heartbeat_times *times,
                                  uint32_t *wait_ms)
{
    if (!beat->awaiting) {
        beat->awaiting = 1;
        beat->heard = 0;
        *wait_ms = times->pong_timeout_ms;
        return MOON_BEAT_PING;
    }
    beat->awaiting = 0;
    *wait_ms = times->ping_interval_ms - times->pong_timeout_ms;
    return beat->heard ? MOON_BEAT_WAIT : MOON_BEAT_DEAD;
}
