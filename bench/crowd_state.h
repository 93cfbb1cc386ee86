/* crowd_state.h - what the parts of crowd.c share.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "crowd.h"

enum {
    MOON_CROWD_NO_CODE = 1006,
};

/* The client has ended, by itself or by the server; `code` is the Close's. */
void moon_crowd_end(struct moon_crowd *crowd, struct moon_client *client, uint32_t code,
                    uint64_t now_ns);

/* The same for one that is not open yet; `why` is noted. */
void moon_crowd_refuse(struct moon_crowd *crowd, struct moon_client *client,
                       const char *why, uint64_t now_ns);

/* Sets what epoll waits for. */
void moon_crowd_watch(struct moon_crowd *crowd, const struct moon_client *client,
                      uint32_t events);

/* Upgraded and greeted. */
void moon_crowd_open(struct moon_crowd *crowd, struct moon_client *client,
                     uint64_t now_ns);

/* Connected, and secured if that is wanted: asks for the upgrade. */
void moon_crowd_upgrade(struct moon_crowd *crowd, struct moon_client *client);

/* Puts one frame of the crowd's own (greeting, Pong, Close) before all else. */
void moon_crowd_add_frame(struct moon_client *client, uint32_t opcode, const char *text,
                          uint64_t length);

/* Something has arrived, or the stream has ended. */
void moon_crowd_receive(struct moon_crowd *crowd, struct moon_client *client);
