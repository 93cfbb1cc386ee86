/* SPDX-License-Identifier: MIT */
#include "address.h"
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    V4_AT = 12, /* where the four bytes stand in the mapped form */
    V4_AT_BITS = V4_AT * 8,
    ELEMENT_BYTES = MOON_ADDRESS_TEXT + 4,
};

static const unsigned char v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};

bool moon_address_parse(const char *text, struct moon_address *address)
{
    struct moon_address parsed;
    memcpy(parsed.bytes, v4_prefix, V4_AT);
    if (inet_pton(AF_INET, text, parsed.bytes + V4_AT) != 1 &&
        inet_pton(AF_INET6, text, parsed.bytes) != 1) {
        return false;
    }
    *address = parsed;
    return true;
}

bool moon_address_is_v4(const struct moon_address *address)
{
    return memcmp(address->bytes, v4_prefix, V4_AT) == 0;
}

void moon_address_format(const struct moon_address *address,
                         char text[MOON_ADDRESS_TEXT])
{
    bool is_v4 = moon_address_is_v4(address);
    (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, address->bytes + (is_v4 ? V4_AT : 0),
                    text, MOON_ADDRESS_TEXT);
}

static void keep_bits(struct moon_address *address, uint32_t bits)
{
    for (uint32_t i = 0; i < sizeof address->bytes; i++) {
        uint32_t kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8) {
            address->bytes[i] &= (unsigned char)(0xff00u >> kept);
        }
    }
}

void moon_address_mask(struct moon_address *address, uint32_t v4_bits, uint32_t v6_bits)
{
    assert(v4_bits <= 32 && v6_bits <= 128);
    keep_bits(address, moon_address_is_v4(address) ? V4_AT_BITS + v4_bits : v6_bits);
}

/* "192.0.2.0/24"; ::ffff:192.0.2.0/120 is the same. */
static bool parse_network(char *text, struct moon_network *network)
{
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (!moon_address_parse(text, &network->address)) {
        return false;
    }
    uint32_t before = strchr(text, ':') == NULL ? V4_AT_BITS : 0;
    network->bits = 128;
    if (slash != NULL) {
        char *end = NULL;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > 128 - before) {
            return false;
        }
        network->bits = before + (uint32_t)bits;
    }
    struct moon_address kept = network->address;
    keep_bits(&kept, network->bits);
    return memcmp(&kept, &network->address, sizeof kept) == 0;
}

bool moon_networks_parse(const char *text, struct moon_networks *networks,
                         const char **bad)
{
    char element[ELEMENT_BYTES];
    networks->count = 0;
    for (;;) {
        text += strspn(text, ", ");
        size_t length = strcspn(text, ", ");
        if (length == 0) {
            return true;
        }
        *bad = text;
        if (length >= sizeof element || networks->count == MOON_MAX_NETWORKS) {
            return false;
        }
        memcpy(element, text, length);
        element[length] = '\0';
        if (!parse_network(element, &networks->items[networks->count])) {
            return false;
        }
        networks->count++;
        text += length;
    }
}

bool moon_networks_have(const struct moon_networks *networks,
                        const struct moon_address *address)
{
    uint32_t least_bits = moon_address_is_v4(address) ? V4_AT_BITS : 0;
    for (uint32_t i = 0; i < networks->count; i++) {
        const struct moon_network *network = &networks->items[i];
        struct moon_address kept = *address;
        keep_bits(&kept, network->bits);
        if (network->bits >= least_bits &&
            memcmp(&kept, &network->address, sizeof kept) == 0) {
            return true;
        }
    }
    return false;
}
