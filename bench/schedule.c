/* SPDX-License-Identifier: MIT */
#include "schedule.h"

static const uint64_t second_ns = 1000000000;

uint64_t moon_schedule_ns(uint64_t begun_ns, uint32_t per_second, uint64_t number)
{
    return begun_ns + number / per_second * second_ns +
           number % per_second * second_ns / per_second;
}
