/* proxy.h - who the client of a trusted proxy is: the PROXY protocol header, version 2,
 * and X-Forwarded-For.
 *
 * Source: "The PROXY protocol", HAProxy, section 2.2. Only what a configured proxy says
 * may be asked here. Reads bytes and text; knows no socket.
 * Thread: any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "address.h"

enum {
    MOON_PROXY_FIXED_BYTES = 16, /* signature, version, family, length */
    MOON_PROXY_MAX_BYTES = 536,  /* the longest taken: over IPv6, 484 bytes of TLVs */
};

enum moon_proxy_result {
    MOON_PROXY_MORE = 0, /* what is there is right so far, and incomplete */
    MOON_PROXY_BAD = -1, /* it is no version 2 header, or a malformed or overlong one */
};

struct moon_proxied {
    bool has_address; /* false for LOCAL and for families other than TCP over IP: the
                         address of the socket itself holds */
    struct moon_address address;
};

/* Returns the length of the header that stands at `text`, with *proxied filled in; or
 * enum moon_proxy_result. */
int moon_proxy_parse(const char *text, uint32_t length, struct moon_proxied *proxied);

/* The client according to the NUL-terminated X-Forwarded-For: the last element that is
 * not one of the trusted proxies, or the first one when all are. False, and *address
 * stays as it is, when an element on the way there is no address (with or without
 * port). */
bool moon_forwarded_for(const char *value, const struct moon_networks *trusted,
                        struct moon_address *address);
