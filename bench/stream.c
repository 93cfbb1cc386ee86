/* SPDX-License-Identifier: MIT */
#include "stream.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_options(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* The port is chosen when it connects, so that each source has all of them. */
static bool set_source(int fd, uint32_t source)
{
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl((uint32_t)IN_LOOPBACKNET << 24 | source),
    };
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

bool moon_stream_open(struct moon_stream *stream, const struct moon_target *target,
                      uint32_t source)
{
    const struct sockaddr *address = (const struct sockaddr *)&target->address;
    *stream = (struct moon_stream){.fd = -1};
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    stream->fd = fd;
    set_options(fd);
    if ((source == 0 || set_source(fd, source)) &&
        (connect(fd, address, target->address_bytes) == 0 || errno == EINPROGRESS)) {
        return true;
    }
    int error = errno;
    moon_stream_close(stream);
    errno = error;
    return false;
}

bool moon_stream_is_connected(const struct moon_stream *stream)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 ||
        error != 0) {
        errno = error == 0 ? errno : error;
        return false;
    }
    return true;
}

static int64_t outcome(ssize_t bytes)
{
    if (bytes > 0) {
        return bytes;
    }
    bool is_later =
        bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return is_later ? MOON_STREAM_LATER : MOON_STREAM_GONE;
}

bool moon_stream_secure(struct moon_stream *stream, struct moon_tunnels *tunnels)
{
    stream->tunnel = tunnels == NULL ? NULL : moon_tunnel_create(tunnels, stream->fd);
    return stream->tunnel != NULL;
}

enum moon_tunnel_step moon_stream_shake(const struct moon_stream *stream, char *why,
                                        uint32_t capacity)
{
    return moon_tunnel_shake(stream->tunnel, why, capacity);
}

int64_t moon_stream_receive(struct moon_stream *stream, char *out, uint64_t capacity)
{
    if (stream->tunnel != NULL) {
        return moon_tunnel_receive(stream->tunnel, out, capacity, &stream->has_more);
    }
    return outcome(recv(stream->fd, out, capacity, 0));
}

/* When TLS is at its end the socket may not be, and only that wakes the receiver. */
static int64_t send_secured(struct moon_stream *stream, const char *bytes,
                            uint64_t length)
{
    int64_t sent = moon_tunnel_send(stream->tunnel, bytes, length);
    if (sent == MOON_STREAM_GONE) {
        (void)shutdown(stream->fd, SHUT_RDWR);
    }
    return sent;
}

int64_t moon_stream_send(struct moon_stream *stream, const char *bytes, uint64_t length)
{
    if (stream->tunnel != NULL) {
        return send_secured(stream, bytes, length);
    }
    return outcome(send(stream->fd, bytes, length, MSG_NOSIGNAL));
}

void moon_stream_close(struct moon_stream *stream)
{
    moon_tunnel_destroy(stream->tunnel);
    if (stream->fd >= 0) {
        (void)close(stream->fd);
    }
    *stream = (struct moon_stream){.fd = -1};
}
