/* SPDX-License-Identifier: MIT */
#include "reason.h"

struct reason {
    const char *name;
    uint16_t code;
};

/* By enum moon_reason, which begins with 1. */
static const struct reason reasons[MOON_REASONS] = {
    {"unknown", 0},
    [MOON_BY_CLIENT] = {"client", 0},
    [MOON_LOST] = {"lost", 1006},
    [MOON_BY_SCRIPT] = {"script", 0},
    [MOON_SLOW] = {"slow", 4008},
    [MOON_NO_PONG] = {"no_pong", 4009},
    [MOON_TOO_BIG] = {"too_big", 1009},
    [MOON_BAD_UTF8] = {"bad_utf8", 1007},
    [MOON_PROTOCOL] = {"protocol", 1002},
    [MOON_SHUTDOWN] = {"shutdown", 1001},
    [MOON_FLOOD] = {"flood", 4010},
    [MOON_OVERLOAD] = {"overload", 4011},
    [MOON_AUTH_TIMEOUT] = {"auth_timeout", 4408},
};

static const struct reason *find(uint32_t reason)
{
    return &reasons[reason < MOON_REASONS ? reason : 0];
}

const char *moon_reason_name(uint32_t reason)
{
    return find(reason)->name;
}

uint16_t moon_reason_code(uint32_t reason)
{
    return find(reason)->code;
}
