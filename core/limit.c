/* SPDX-License-Identifier: MIT */
#include "limit.h"
#include <assert.h>

enum {
    MILLI = 1000,
};

void moon_bucket_init(struct moon_bucket *bucket, uint32_t burst, uint64_t now_ms)
{
    bucket->milli = (int64_t)burst * MILLI;
    bucket->filled_ms = now_ms;
}

/* So many a second is so many thousandths a millisecond. */
static void fill(struct moon_bucket *bucket, uint32_t per_second, uint32_t burst,
                 uint64_t now_ms)
{
    int64_t full = (int64_t)burst * MILLI;
    uint64_t passed_ms = now_ms > bucket->filled_ms ? now_ms - bucket->filled_ms : 0;
    bucket->filled_ms = now_ms > bucket->filled_ms ? now_ms : bucket->filled_ms;
    if (bucket->milli >= full ||
        passed_ms >= (uint64_t)(full - bucket->milli) / per_second + 1) {
        bucket->milli = full;
    } else {
        bucket->milli += (int64_t)(passed_ms * per_second);
    }
}

uint32_t moon_bucket_take(struct moon_bucket *bucket, uint32_t per_second,
                          uint32_t burst, uint32_t amount, uint64_t now_ms)
{
    assert(per_second > 0 && burst > 0);
    fill(bucket, per_second, burst, now_ms);
    if (bucket->milli <= 0) {
        int64_t wait_ms = -bucket->milli / per_second + 1;
        return wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX;
    }
    bucket->milli -= (int64_t)amount * MILLI;
    return 0;
}

void moon_bucket_owe(struct moon_bucket *bucket, uint32_t amount)
{
    int64_t least = -(int64_t)UINT32_MAX * MILLI;
    bucket->milli -= (int64_t)amount * MILLI;
    bucket->milli = bucket->milli > least ? bucket->milli : least;
}
