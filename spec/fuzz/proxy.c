/* SPDX-License-Identifier: MIT
 * What a proxy says of its client: the binary header whole and in every prefix, and the
 * same data as X-Forwarded-For, as a list of networks and as an address. */
#include "../../core/proxy.h"
#include "fuzz.h"

/* Each prefix stands at the end of its memory: nothing may be read beyond it. */
static int parse_prefix(const uint8_t *data, uint32_t bytes,
                        struct moon_proxied *proxied)
{
    static char *room;
    if (room == NULL) {
        room = malloc(MOON_PROXY_MAX_BYTES);
    }
    char *start = room + MOON_PROXY_MAX_BYTES - bytes;
    memcpy(start, data, bytes);
    return moon_proxy_parse(start, bytes, proxied);
}

static void parse_prefixes(const uint8_t *data, uint32_t bytes, int result,
                           struct moon_proxied *part)
{
    for (uint32_t i = 0; i < bytes && i <= MOON_PROXY_MAX_BYTES; i++) {
        int early = parse_prefix(data, i, part);
        bool may_wait = result < 0 || (int)i < result;
        EXPECT(early == result || (early == MOON_PROXY_MORE && may_wait));
        EXPECT(early <= (int)i);
    }
}

/* Where the address stands, and whether there is one, by the specification. */
static void read_client(const uint8_t *data, const struct moon_proxied *whole)
{
    bool is_v4 = data[13] == 0x11, is_v6 = data[13] == 0x21;
    int rest = data[14] * 256 + data[15];
    EXPECT(whole->has_address == (data[12] == 0x21 && (is_v4 || is_v6)));
    if (whole->has_address && is_v4) {
        EXPECT(rest >= 12 && moon_address_is_v4(&whole->address));
        EXPECT(memcmp(whole->address.bytes + 12, data + 16, 4) == 0);
    } else if (whole->has_address) {
        EXPECT(rest >= 36 && memcmp(whole->address.bytes, data + 16, 16) == 0);
    }
}

static void parse_header(const uint8_t *data, uint32_t bytes)
{
    struct moon_proxied whole = {0}, part = {0};
    int result = moon_proxy_parse((const char *)data, bytes, &whole);
    EXPECT(result >= MOON_PROXY_BAD && result <= MOON_PROXY_MAX_BYTES);
    EXPECT(result <= (int)bytes);
    EXPECT(result != MOON_PROXY_MORE || bytes < MOON_PROXY_MAX_BYTES);
    if (result > 0) {
        read_client(data, &whole);
    }
    parse_prefixes(data, bytes, result, &part);
    if (result > 0 && result < (int)bytes) {
        EXPECT(memcmp(&whole.address, &part.address, sizeof whole.address) == 0);
        EXPECT(whole.has_address == part.has_address);
    }
}

static bool is_same(const struct moon_address *a, const struct moon_address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void write_and_read(const struct moon_address *address)
{
    char text[MOON_ADDRESS_TEXT];
    struct moon_address again;
    moon_address_format(address, text);
    EXPECT(moon_address_parse(text, &again) && is_same(address, &again));
    EXPECT((strchr(text, ':') == NULL) == moon_address_is_v4(address));
}

static void read_networks(const char *text)
{
    static struct moon_networks networks;
    const char *bad = NULL;
    if (!moon_networks_parse(text, &networks, &bad)) {
        EXPECT(bad >= text && bad < text + strlen(text));
        return;
    }
    EXPECT(networks.count <= MOON_MAX_NETWORKS);
    for (uint32_t i = 0; i < networks.count; i++) {
        const struct moon_network *network = &networks.items[i];
        struct moon_address masked = network->address;
        bool is_v4 = moon_address_is_v4(&masked);
        EXPECT(network->bits <= 128 && (!is_v4 || network->bits >= 96));
        moon_address_mask(&masked, is_v4 ? network->bits - 96 : 0, network->bits);
        EXPECT(is_same(&masked, &network->address));
        EXPECT(moon_networks_have(&networks, &masked));
        write_and_read(&masked);
    }
}

/* A network has those who share its prefix, and nobody else. */
static void share_prefix(struct fuzz fuzz)
{
    bool is_v4 = fuzz_byte(&fuzz) % 2 == 1;
    uint32_t before = is_v4 ? 96 : 0;
    uint32_t bits = before + fuzz_byte(&fuzz) % (129 - before);
    uint32_t flipped = before + fuzz_byte(&fuzz) % (128 - before);
    static const struct moon_address any_v4 = {{[10] = 0xff, [11] = 0xff}};
    struct moon_address address = any_v4;
    struct moon_networks networks;
    const char *bad = NULL;
    char text[MOON_ADDRESS_TEXT], network[MOON_ADDRESS_TEXT + 16];
    for (uint32_t i = before / 8; i < sizeof address.bytes; i++) {
        address.bytes[i] = (uint8_t)fuzz_byte(&fuzz);
    }
    struct moon_address first = address;
    for (uint32_t i = bits; i < 128; i++) {
        first.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    }
    if (moon_address_is_v4(&address) != is_v4 || moon_address_is_v4(&first) != is_v4) {
        return; /* written as IPv6, read as IPv4 */
    }
    moon_address_format(&first, text);
    (void)snprintf(network, sizeof network, "%s/%u", text, bits - before);
    EXPECT(moon_networks_parse(network, &networks, &bad));
    EXPECT(moon_networks_have(&networks, &address));
    EXPECT(is_v4 || !moon_networks_have(&networks, &any_v4));
    address.bytes[flipped / 8] ^= (uint8_t)(0x80 >> flipped % 8);
    bool is_in = flipped >= bits && moon_address_is_v4(&address) == is_v4;
    EXPECT(moon_networks_have(&networks, &address) == is_in);
}

static bool is_port(const char *text)
{
    unsigned long port = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && port <= 65535; at++) {
        port = port * 10 + (unsigned long)(*at - '0');
    }
    return at > text && at - text <= 5 && *at == '\0' && port <= 65535;
}

/* From the end, where proxy.c reads from the front. Writes to the element. */
static bool read_element(char *element, struct moon_address *address)
{
    element += strspn(element, " \t");
    size_t length = strlen(element);
    while (length > 0 && strchr(" \t", element[length - 1]) != NULL) {
        element[--length] = '\0';
    }
    bool is_bracketed = *element == '[';
    char *colon = strrchr(element, ':');
    bool is_plain = colon == NULL || strchr(element, ':') != colon;
    if (is_bracketed ? element[length - 1] != ']' : !is_plain) {
        if (colon == NULL || !is_port(colon + 1)) {
            return false;
        }
        *colon = '\0';
        length = (size_t)(colon - element);
    }
    if (is_bracketed) {
        bool is_closed = length > 1 && element[length - 1] == ']';
        element[length - (length > 0)] = '\0';
        return is_closed && strchr(element, ':') != NULL &&
               moon_address_parse(element + 1, address);
    }
    return moon_address_parse(element, address);
}

static void forward_slowly(const char *text, const struct moon_networks *trusted)
{
    struct moon_address found, expected;
    char *rest = strdup(text);
    char *comma = NULL;
    bool is_known = false;
    do {
        comma = strrchr(rest, ',');
        is_known = read_element(comma == NULL ? rest : comma + 1, &expected);
        if (comma != NULL) {
            *comma = '\0';
        }
    } while (is_known && comma != NULL && moon_networks_have(trusted, &expected));
    EXPECT(moon_forwarded_for(text, trusted, &found) == is_known);
    EXPECT(!is_known || is_same(&found, &expected));
    free(rest);
}

/* Whatever a client writes in front of what the proxies add must not count. */
static void forward(const char *text)
{
    static const char forged[] = "192.0.2.7, ";
    static struct moon_networks nobody, some;
    const char *bad = NULL;
    char *lie = malloc(sizeof forged + strlen(text));
    struct moon_address none = {{1, 2, 3}}, found = none, last, again;
    EXPECT(moon_networks_parse("10.0.0.0/8, fd00::/8", &some, &bad));
    (void)stpcpy(stpcpy(lie, forged), text);
    bool is_found = moon_forwarded_for(text, &some, &found);
    EXPECT(is_found || is_same(&found, &none));
    EXPECT(moon_forwarded_for(lie, &some, &again) == is_found);
    if (is_found) {
        bool are_all_proxies = moon_networks_have(&some, &found);
        EXPECT(are_all_proxies ? again.bytes[15] == 7 : is_same(&again, &found));
    }
    is_found = moon_forwarded_for(text, &nobody, &last);
    EXPECT(moon_forwarded_for(lie, &nobody, &again) == is_found);
    EXPECT(!is_found || is_same(&again, &last));
    forward_slowly(text, &some);
    forward_slowly(lie, &some);
    free(lie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fuzz fuzz = {data, data + bytes};
    struct moon_address address;
    parse_header(data, (uint32_t)bytes);
    share_prefix(fuzz);
    if (bytes >= sizeof address) {
        memcpy(&address, data, sizeof address);
        write_and_read(&address);
    }
    char *text = fuzz_text(&fuzz, "");
    read_networks(text);
    forward(text);
    if (moon_address_parse(text, &address)) {
        write_and_read(&address);
    }
    free(text);
    return 0;
}
