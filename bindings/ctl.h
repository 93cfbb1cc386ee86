/* ctl.h - the operator's end of the socket: `moongate ctl`.
 *
 * Asks a running server for one thing, prints what it answers, and ends.
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* argv[0] is "ctl". Returns the exit status: 0; 1: the command has failed; 2: it
 * was not carried out as far as anybody knows: bad usage, no connection, no answer. */
int moon_ctl_main(int argc, char **argv);
