/* address.h - IP addresses and networks: from text, to text, which is in which.
 *
 * IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that one form serves
 * both and ::ffff:192.0.2.1 is 192.0.2.1. A network of IPv6 with fewer than 96 bits,
 * such as ::/0, has no IPv4 in it for all that.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    MOON_ADDRESS_TEXT = 46, /* the longest, with its NUL */
    MOON_MAX_NETWORKS = 64, /* in one list */
};

struct moon_address {
    unsigned char bytes[16];
};

struct moon_network {
    struct moon_address address; /* bits beyond the prefix are 0 */
    uint32_t bits;               /* 0 to 128; 96 more than written in 192.0.2.0/24 */
};

struct moon_networks {
    struct moon_network items[MOON_MAX_NETWORKS];
    uint32_t count;
};

/* False when the NUL-terminated text is no IP address. */
bool moon_address_parse(const char *text, struct moon_address *address);

/* "192.0.2.1" or "2001:db8::1". */
void moon_address_format(const struct moon_address *address,
                         char text[MOON_ADDRESS_TEXT]);

bool moon_address_is_v4(const struct moon_address *address);

/* Sets the bits beyond the prefix to 0: v4_bits of 32, or v6_bits of 128. */
void moon_address_mask(struct moon_address *address, uint32_t v4_bits,
                       uint32_t v6_bits);

/* Reads a list such as "127.0.0.0/8, ::1" (an address alone is a network of one;
 * separated by commas and spaces). False, with *bad pointing at the element, when one
 * is no network, has bits set beyond its prefix, or there are too many. */
bool moon_networks_parse(const char *text, struct moon_networks *networks,
                         const char **bad);

bool moon_networks_have(const struct moon_networks *networks,
                        const struct moon_address *address);
