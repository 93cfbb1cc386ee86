/* watch.h - notices that script files have changed.
 *
 * Watches the app's folder and all folders in it (or the folder of a single-file app)
 * and posts MOON_CHANGED once the writing has been quiet for a moment.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../core/gate.h"

struct moon_watch;

/* Borrows `app`. */
struct moon_watch *moon_watch_create(struct moon_gate *gate, const char *app);

/* Looks anew where `app` leads: a link may point elsewhere by now. */
void moon_watch_renew(struct moon_watch *watch);

/* Ends on the loop's next turns. */
void moon_watch_destroy(struct moon_watch *watch);
