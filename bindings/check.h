/* check.h - `moongate check`: whether the server would start as it is asked to, with
 * the scripts as they are.
 *
 * Reads what `moongate run` would, by the same code, and loads all scripts. Nothing is
 * listened on, opened for writing or asked for. Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* argv[0] is "check". Returns the exit status: 0; 1: something is wrong; 2: it was not
 * asked as it should be, or for an app that is not there. */
int moon_check_main(int argc, char **argv);
