/* SPDX-License-Identifier: MIT */
#include "socket_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    LOCK_TRIES = 200, /* a whole start of another process lies between two of them */
    LOCK_PAUSE_US = 10000,
    FORBIDDEN = 0177, /* rights that the file does not get */
    PROBE_TIMEOUT_MS = 1000,
};

static const char *fill_address(struct sockaddr_un *address, const char *path)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) {
        return "expected a path of 1 to 107 bytes";
    }
    memcpy(address->sun_path, path, length);
    return NULL;
}

/* ---- one at a time ---- */

/* Two processes must not both find a dead socket and replace each other's new one: who
 * looks and then acts holds the lock of the folder. */
static int lock_folder(const struct sockaddr_un *address)
{
    char folder[sizeof address->sun_path + 1] = ".";
    const char *slash = strrchr(address->sun_path, '/');
    if (slash != NULL) {
        size_t length = (size_t)(slash - address->sun_path) + 1;
        memcpy(folder, address->sun_path, length);
        folder[length] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (i == LOCK_TRIES) {
            close(fd);
            errno = EBUSY;
            return -1;
        }
        (void)usleep(LOCK_PAUSE_US);
    }
    return fd;
}

/* ---- what is there ---- */

static int connect_to(const struct sockaddr_un *address, uint32_t timeout_ms)
{
    const struct timeval patience = {.tv_sec = timeout_ms / 1000,
                                     .tv_usec =
                                         (suseconds_t)(timeout_ms % 1000) * 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/* Whether nobody listens there: only then it may go. */
static const char *check_dead(const struct sockaddr_un *address)
{
    static const char *const living = "a running process listens there";
    int fd = connect_to(address, PROBE_TIMEOUT_MS);
    if (fd >= 0) {
        close(fd);
        return living;
    }
    if (errno == ECONNREFUSED) {
        return NULL;
    }
    return errno == EAGAIN ? living : strerror(errno); /* too many wait for it */
}

/* NULL when nothing is in the way any more. */
static const char *clear_way(const struct sockaddr_un *address)
{
    struct stat there;
    if (lstat(address->sun_path, &there) != 0) {
        return errno == ENOENT ? NULL : strerror(errno);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return "is there, and is no socket";
    }
    if (there.st_uid != geteuid()) {
        return "is there, and is another user's";
    }
    const char *problem = check_dead(address);
    if (problem == NULL && unlink(address->sun_path) != 0) {
        problem = strerror(errno);
    }
    return problem;
}

/* ---- making it ---- */

static bool make(struct moon_socket_file *file, const struct sockaddr_un *address,
                 int backlog)
{
    struct stat made;
    mode_t before = umask(FORBIDDEN); /* chmod would come too late */
    int status = bind(file->fd, (const struct sockaddr *)address, sizeof *address);
    (void)umask(before);
    if (status != 0 || lstat(address->sun_path, &made) != 0) {
        return false;
    }
    file->device = made.st_dev;
    file->inode = made.st_ino;
    return listen(file->fd, backlog) == 0;
}

static const char *replace(struct moon_socket_file *file,
                           const struct sockaddr_un *address, int backlog)
{
    const char *problem = clear_way(address);
    if (problem != NULL) {
        return problem;
    }
    file->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file->fd < 0) {
        return strerror(errno);
    }
    if (!make(file, address, backlog)) {
        problem = strerror(errno);
        close(file->fd);
    }
    return problem;
}

const char *moon_socket_file_listen(struct moon_socket_file *file, const char *path,
                                    int backlog)
{
    struct sockaddr_un address;
    memset(file, 0, sizeof *file);
    file->path = path;
    const char *problem = fill_address(&address, path);
    if (problem != NULL) {
        return problem;
    }
    int lock = lock_folder(&address);
    if (lock < 0) {
        return errno == EBUSY ? "another process holds the lock of its folder"
                              : strerror(errno);
    }
    problem = replace(file, &address, backlog);
    close(lock);
    return problem;
}

void moon_socket_file_remove(const struct moon_socket_file *file)
{
    struct stat there;
    if (lstat(file->path, &there) == 0 && there.st_dev == file->device &&
        there.st_ino == file->inode) {
        (void)unlink(file->path);
    }
}

const char *moon_socket_file_connect(const char *path, uint32_t timeout_ms, int *fd)
{
    struct sockaddr_un address;
    const char *problem = fill_address(&address, path);
    if (problem != NULL) {
        return problem;
    }
    *fd = connect_to(&address, timeout_ms);
    if (*fd >= 0) {
        return NULL;
    }
    if (errno != ECONNREFUSED) {
        return strerror(errno);
    }
    struct stat there;
    bool is_other = stat(path, &there) == 0 && !S_ISSOCK(there.st_mode);
    return is_other ? "is no socket" : "nobody listens there any more";
}

void moon_socket_file_peer(int fd, uint32_t *uid, uint32_t *pid)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    *uid = peer.uid;
    *pid = (uint32_t)peer.pid;
}
