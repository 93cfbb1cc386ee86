/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "gate_state.h"
#include <string.h>

int moon_gate_password(struct moon_gate *gate, const struct moon_secret *secret)
{
    if (secret->length > MOON_MAX_PASSWORD_BYTES ||
        secret->hash_length >= MOON_MAX_HASH_BYTES) {
        return MOON_EBIG;
    }
    if (gate->metrics.password_pending >= MOON_PASSWORD_MAX_UNDER_WAY) {
        gate->metrics.passwords_refused++;
        return MOON_EFULL;
    }

    struct {
        struct moon_record record;
        char password[MOON_MAX_PASSWORD_BYTES];
    } head = {.record = {.kind = MOON_HASH,
                         .reason = (uint32_t)secret->length,
                         .subject = secret->ticket}};

    memcpy(head.password, secret->password, secret->length);
    int status = moon_lane_push(&gate->lanes, gate->hash_lane, &head,
                                sizeof head.record + secret->length, secret->hash,
                                secret->hash_length, false);
    gate->metrics.password_pending += status == MOON_OK;
    gate->metrics.passwords += status == MOON_OK;
    return status;
}
