/* wake.h - how one thread wakes another that sleeps in its event loop.
 *
 * The sleeper polls `moon_wake_fd()`, and before it sleeps calls
 * moon_wake_arm() and then looks once more for work. A waker calls
 * moon_wake_signal() after it has published work: one system call when the
 * sleeper sleeps, none when it does not.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>

struct moon_wake;

struct moon_wake *moon_wake_create(void);
void moon_wake_destroy(struct moon_wake *wake);

/* An eventfd that becomes readable when somebody has signalled. */
int moon_wake_fd(const struct moon_wake *wake);

/* Thread: sleeper. Work published before this call is seen by a look after it. */
void moon_wake_arm(struct moon_wake *wake);

/* Thread: sleeper, awake again: wakers need not bother. */
void moon_wake_disarm(struct moon_wake *wake);

/* Thread: sleeper. Makes the descriptor unreadable again. */
void moon_wake_clear(struct moon_wake *wake);

/* Thread: any waker. */
void moon_wake_signal(struct moon_wake *wake);
