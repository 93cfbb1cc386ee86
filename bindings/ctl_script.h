/* ctl_script.h - commands of `moongate ctl` that need a program at this end: those are
 * in Lua, bindings/moongate/ctl.lua.
 *
 * Thread: main, of a process without a server.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

/* Sends a request and takes its answer, without its end, which the caller frees. NULL,
 * or what is wrong. */
typedef const char *moon_ctl_talk(void *owner, const char *request, uint64_t length,
                                  char **line);

/* `words` are the command and its arguments, ended by NULL; `path` is that of the
 * server's socket, for what is said of it. Returns the exit status. */
int moon_ctl_script(char **words, const char *path, moon_ctl_talk *talk_to,
                    void *owner);
