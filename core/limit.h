/* limit.h - token buckets: so much a second, and so much at once after a silence.
 *
 * A bucket may go into debt: whoever takes while anything is left gets all it asks for,
 * and the next one waits for that. So a message of any length passes, and the rate
 * holds. The debt ends at UINT32_MAX; what is beyond is forgotten. It knows no clock.
 * Thread: the owner's.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_bucket {
    int64_t milli;      /* thousandths of what may be taken; less than 0: debt */
    uint64_t filled_ms; /* up to when what came in has been counted */
};

/* Makes it full. */
void moon_bucket_init(struct moon_bucket *bucket, uint32_t burst, uint64_t now_ms);

/* Takes `amount` and returns 0, or takes nothing and returns in how many milliseconds
 * (1 to UINT32_MAX) something can be taken again. `per_second` and `burst` are at least
 * 1 and may differ from call to call. */
uint32_t moon_bucket_take(struct moon_bucket *bucket, uint32_t per_second,
                          uint32_t burst, uint32_t amount, uint64_t now_ms);

/* Takes `amount` although moon_bucket_take() has just refused it: for what is let pass
 * in any case. The wait that was returned does not know of it; the next one will. */
void moon_bucket_owe(struct moon_bucket *bucket, uint32_t amount);
