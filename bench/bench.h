/* bench.h - the load generator: `moongate bench`.
 *
 * Knows nothing of the server but what it says on the wire, and what /proc says of its
 * processes.
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* argv[0] is "bench". Returns the exit status: 0, 1 when something was lost, wrong or
 * refused, 2 when it could not begin as asked. */
int moon_bench_main(int argc, char **argv);
