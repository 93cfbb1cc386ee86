/* SPDX-License-Identifier: MIT */
#include "target.h"
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies and terminates; false when it is empty or too long. */
static bool copy(char *out, size_t capacity, const char *from, size_t length)
{
    if (length == 0 || length >= capacity) {
        return false;
    }
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

/* host, host:port or [host]:port, from `text` to `end`. */
static bool take_host(struct moon_target *target, const char *text, size_t length)
{
    const char *end = text + length;
    const char *host = text;
    const char *host_end = NULL;
    if (!copy(target->authority, sizeof target->authority, text, length)) {
        return false;
    }
    if (*text == '[') {
        host++;
        host_end = memchr(host, ']', length - 1);
        text = host_end == NULL ? end : host_end + 1;
    } else {
        host_end = memchr(text, ':', length);
        host_end = host_end == NULL ? end : host_end;
        text = host_end;
    }
    if (host_end == NULL ||
        !copy(target->host, sizeof target->host, host, (size_t)(host_end - host))) {
        return false;
    }
    if (text == end) {
        (void)snprintf(target->port, sizeof target->port,
                       target->is_tls ? "443" : "80");
        return true;
    }
    return *text == ':' &&
           copy(target->port, sizeof target->port, text + 1,
                (size_t)(end - text - 1)) &&
           strspn(target->port, "0123456789") == strlen(target->port) &&
           strtoul(target->port, NULL, 10) <= UINT16_MAX;
}

static bool parse(struct moon_target *target, const char *url)
{
    static const char plain[] = "ws://", secured[] = "wss://";
    target->is_tls = strncmp(url, secured, sizeof secured - 1) == 0;
    if (!target->is_tls && strncmp(url, plain, sizeof plain - 1) != 0) {
        return false;
    }
    url += target->is_tls ? sizeof secured - 1 : sizeof plain - 1;
    size_t host = strcspn(url, "/?#");
    if (!take_host(target, url, host) || strpbrk(url, " \r\n\t#") != NULL) {
        return false;
    }
    url += host;
    int length = snprintf(target->path, sizeof target->path, "%s%s",
                          *url == '/' ? "" : "/", url);
    return length < (int)sizeof target->path;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family != AF_INET) {
        return false;
    }
    struct sockaddr_in v4;
    memcpy(&v4, address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool moon_target_find(struct moon_target *target, const char *url, const char **problem)
{
    *target = (struct moon_target){.is_loopback = false};
    if (!parse(target, url)) {
        *problem = "expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH";
        return false;
    }
    struct addrinfo *found = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    int error = getaddrinfo(target->host, target->port, &hints, &found);
    if (error == EAI_NONAME) {
        target->is_name = true;
        hints.ai_flags = 0;
        error = getaddrinfo(target->host, target->port, &hints, &found);
    }
    if (error != 0) {
        *problem = gai_strerror(error);
        return false;
    }
    target->address_bytes = found->ai_addrlen;
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->is_loopback = is_loopback(found->ai_addr);
    freeaddrinfo(found);
    return true;
}

void moon_target_path(const struct moon_target *target, uint32_t room, char *out,
                      uint32_t capacity)
{
    static const char word[] = "{room}";
    const char *at = target->path;
    uint32_t used = 0;
    out[0] = '\0';
    while (*at != '\0' && used + 16 < capacity) {
        if (strncmp(at, word, sizeof word - 1) == 0) {
            used += (uint32_t)snprintf(out + used, capacity - used, "r%u", room);
            at += sizeof word - 1;
        } else {
            out[used++] = *at++;
        }
    }
    out[used] = '\0';
}
