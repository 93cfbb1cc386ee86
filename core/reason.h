/* reason.h - why connections end, in the words and close codes that scripts, metrics,
 * logs and clients share.
 *
 * Codes 4000 to 4499 ask the client to reconnect, 4500 to 4999 tell it not to.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"

/* "slow" for MOON_SLOW; "unknown" for a number that is no reason. Static. */
const char *moon_reason_name(uint32_t reason);

/* The close code that goes with it; 0 where the peer or the script chooses it. */
uint16_t moon_reason_code(uint32_t reason);
