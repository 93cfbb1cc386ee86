/* SPDX-License-Identifier: MIT */
#include "proxy.h"
#include <stdlib.h>
#include <string.h>

enum {
    SIGNATURE_BYTES = 12,
    COMMAND_LOCAL = 0x20, /* version 2 in the upper half */
    COMMAND_PROXY = 0x21,
    TCP4 = 0x11,
    TCP6 = 0x21,
    TCP4_BYTES = 12, /* two addresses, two ports */
    TCP6_BYTES = 36,
    MAX_PORT = 65535,
    PORT_DIGITS = 5, /* RFC 7239 section 6.2 */
};

static const char signature[SIGNATURE_BYTES] = "\r\n\r\n\0\r\nQUIT\n";

/* The upper half says UNSPEC, IPv4, IPv6 or UNIX, the lower UNSPEC, STREAM or DGRAM. */
static bool is_family(unsigned char byte)
{
    return byte >> 4 <= 3 && (byte & 15) <= 2;
}

static bool is_right_so_far(const unsigned char *bytes, uint32_t length)
{
    uint32_t known = length < SIGNATURE_BYTES ? length : SIGNATURE_BYTES;
    if (memcmp(bytes, signature, known) != 0) {
        return false;
    }
    if (length > 12 && bytes[12] != COMMAND_LOCAL && bytes[12] != COMMAND_PROXY) {
        return false;
    }
    if (length > 13 && bytes[12] != COMMAND_LOCAL && !is_family(bytes[13])) {
        return false;
    }
    uint32_t least = length > 14 ? (uint32_t)bytes[14] << 8 : 0;
    return MOON_PROXY_FIXED_BYTES + least <= MOON_PROXY_MAX_BYTES;
}

/* How long the addresses and ports are that we read; 0 when we read none. */
static uint32_t addresses_bytes(const unsigned char *bytes)
{
    if (bytes[12] == COMMAND_LOCAL) {
        return 0;
    }
    return bytes[13] == TCP4 ? TCP4_BYTES : bytes[13] == TCP6 ? TCP6_BYTES : 0;
}

int moon_proxy_parse(const char *text, uint32_t length, struct moon_proxied *proxied)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (!is_right_so_far(bytes, length)) {
        return MOON_PROXY_BAD;
    }
    if (length < MOON_PROXY_FIXED_BYTES) {
        return MOON_PROXY_MORE;
    }
    uint32_t rest = (uint32_t)bytes[14] << 8 | bytes[15];
    uint32_t whole = MOON_PROXY_FIXED_BYTES + rest;
    uint32_t needed = addresses_bytes(bytes);
    if (rest < needed || whole > MOON_PROXY_MAX_BYTES) {
        return MOON_PROXY_BAD;
    }
    if (length < whole) {
        return MOON_PROXY_MORE;
    }
    *proxied = (struct moon_proxied){.has_address = needed > 0};
    if (needed == TCP4_BYTES) {
        proxied->address = (struct moon_address){{[10] = 0xff, [11] = 0xff}};
        memcpy(proxied->address.bytes + 12, bytes + MOON_PROXY_FIXED_BYTES, 4);
    } else if (needed == TCP6_BYTES) {
        memcpy(proxied->address.bytes, bytes + MOON_PROXY_FIXED_BYTES, 16);
    }
    return (int)whole;
}

/* Cuts off what stands behind an address; false when that is neither nothing nor a
 * port. */
static bool cut_port(char *behind)
{
    if (*behind == '\0') {
        return true;
    }
    size_t digits = strspn(behind + 1, "0123456789");
    bool is_port = *behind == ':' && digits > 0 && digits <= PORT_DIGITS &&
                   behind[1 + digits] == '\0' &&
                   strtoul(behind + 1, NULL, 10) <= MAX_PORT;
    *behind = '\0';
    return is_port;
}

/* One element: an address, perhaps with a port. */
static bool parse_element(const char *element, size_t length,
                          struct moon_address *address)
{
    char text[MOON_ADDRESS_TEXT + 9]; /* brackets, colon, port */
    if (length >= sizeof text) {
        return false;
    }
    memcpy(text, element, length);
    text[length] = '\0';
    if (text[0] == '[') {
        char *close = strchr(text, ']');
        if (close == NULL || !cut_port(close + 1)) {
            return false;
        }
        *close = '\0'; /* brackets are for IPv6 alone: RFC 3986 section 3.2.2 */
        return strchr(text, ':') != NULL && moon_address_parse(text + 1, address);
    }
    char *colon = strchr(text, ':');
    bool may_be_v6 = colon != NULL && strchr(colon + 1, ':') != NULL;
    if (colon != NULL && !may_be_v6 && !cut_port(colon)) {
        return false;
    }
    return moon_address_parse(text, address);
}

bool moon_forwarded_for(const char *value, const struct moon_networks *trusted,
                        struct moon_address *address)
{
    size_t end = strlen(value);
    struct moon_address found;
    for (;;) {
        size_t start = end;
        while (start > 0 && value[start - 1] != ',') {
            start--;
        }
        size_t first = start + strspn(value + start, " \t");
        size_t last = end;
        while (last > first && (value[last - 1] == ' ' || value[last - 1] == '\t')) {
            last--;
        }
        if (first >= last || !parse_element(value + first, last - first, &found)) {
            return false;
        }
        if (start == 0 || !moon_networks_have(trusted, &found)) {
            *address = found;
            return true;
        }
        end = start - 1;
    }
}
