/* schedule.h - when the n-th of something is due that happens so many times a second.
 *
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

/* `number` counts from 0; exact, without overflow for some centuries. */
uint64_t moon_schedule_ns(uint64_t begun_ns, uint32_t per_second, uint64_t number);
