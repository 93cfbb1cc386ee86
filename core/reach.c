/* SPDX-License-Identifier: MIT */
#include "reach.h"
#include <assert.h>
#include <string.h>

/* What the registries of RFC 6890 do not call globally reachable, and every form of
 * IPv6 that an IPv4 address may hide in: ::/96, SIIT, NAT64 (RFC 6052, RFC 8215),
 * Teredo (in 2001::/23) and 6to4. IPv4-mapped addresses are IPv4 themselves. */
static const char not_public[] =
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
    "192.0.0.0/24, 192.0.2.0/24, 192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, "
    "198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4, "
    "::/96, ::ffff:0:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48, 100::/64, 2001::/23, "
    "2001:db8::/32, 2002::/16, fc00::/7, fe80::/10, fec0::/10, ff00::/8";

bool moon_reach_parse(const char *text, struct moon_reach *reach, const char **bad)
{
    bool is_read = moon_networks_parse(not_public, &reach->refused, bad);
    assert(is_read);
    reach->allows_all = is_read && strcmp(text, "*") == 0;
    reach->allowed.count = 0;
    return reach->allows_all || moon_networks_parse(text, &reach->allowed, bad);
}

bool moon_reach_has(const struct moon_reach *reach, const struct moon_address *address)
{
    return reach->allows_all || moon_networks_have(&reach->allowed, address) ||
           !moon_networks_have(&reach->refused, address);
}
