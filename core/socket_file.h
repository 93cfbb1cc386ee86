/* socket_file.h - a Unix socket in the file system that only its owner may use.
 *
 * It is never there with other rights than 0600. What a process that died has left is
 * replaced; a living socket, a file of another kind and one of another user are not.
 * Thread: listening and removing before and after there are threads, for the first
 * sets the umask of the process; connecting from any.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

struct moon_socket_file {
    const char *path; /* borrowed */
    int fd;           /* listens; the caller closes it */
    uint64_t device, inode;
};

/* NULL, or what is wrong, for people. */
const char *moon_socket_file_listen(struct moon_socket_file *file, const char *path,
                                    int backlog);

/* Unless somebody else's has taken its place. Before the descriptor is closed, or the
 * one who comes next may take it for dead at the same time. */
void moon_socket_file_remove(const struct moon_socket_file *file);

/* A descriptor whose reads and writes fail after `timeout_ms`. NULL, or what is
 * wrong. */
const char *moon_socket_file_connect(const char *path, uint32_t timeout_ms, int *fd);

/* Who is at the other end, as the kernel knows it. */
void moon_socket_file_peer(int fd, uint32_t *uid, uint32_t *pid);
