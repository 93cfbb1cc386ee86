/* thread.h - begins threads that no signal reaches.
 *
 * Signals belong to those that ask for them: the thread of bindings/signals.h, and the
 * logic thread, which the watchdog interrupts. Anywhere.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <pthread.h>

/* Ends the process when the system has no thread left: that is at the start only.
 * `what` is for the log. */
void moon_thread_start(pthread_t *thread, void *(*run)(void *), void *argument,
                       const char *what);
