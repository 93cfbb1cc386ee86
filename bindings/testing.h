/* testing.h - moongate test: runs the specs of an app's plugins.
 *
 * Reads its command line; bindings/moongate/test/ does the rest. No server runs in this
 * process.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* argv[0] is "test". Returns the exit status. */
int moon_testing_main(int argc, char **argv);
