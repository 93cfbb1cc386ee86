/* target.h - where the load goes: a URL taken apart, and its address.
 *
 * Thread: main.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    MOON_TARGET_TEXT = 512, /* bytes of each part, terminated */
};

struct moon_target {
    bool is_tls; /* wss:// */
    bool is_loopback;
    bool is_name;                /* the host, not an address */
    char host[MOON_TARGET_TEXT]; /* without brackets */
    char port[8];
    char authority[MOON_TARGET_TEXT]; /* for the Host header */
    char path[MOON_TARGET_TEXT];      /* with query; may contain {room} */
    struct sockaddr_storage address;
    uint32_t address_bytes;
};

/* Takes the URL apart and looks its host up. Otherwise false, and *problem says why. */
bool moon_target_find(struct moon_target *target, const char *url,
                      const char **problem);

/* The path for a room; cut when it is longer than `capacity`. */
void moon_target_path(const struct moon_target *target, uint32_t room, char *out,
                      uint32_t capacity);
