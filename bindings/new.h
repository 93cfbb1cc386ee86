/* new.h - `moongate new`: writes the files that a plugin, or an app, begins with.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* argv[0] is "new". Returns the exit status: 0; 1: a file is there already, or cannot
 * be written; 2: bad usage. */
int moon_new_main(int argc, char **argv);
