/* SPDX-License-Identifier: MIT */
#include "wake.h"
#include "log.h"
#include "mem.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct moon_wake {
    int fd;
    atomic_bool asleep;
};

struct moon_wake *moon_wake_create(void)
{
    struct moon_wake *wake = moon_alloc(sizeof *wake);
    wake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake->fd < 0) {
        moon_log(MOON_ERROR, "wake", "eventfd: %s", strerror(errno));
        exit(2); /* out of descriptors, before anything has started */
    }
    return wake;
}

void moon_wake_destroy(struct moon_wake *wake)
{
    if (wake != NULL) {
        close(wake->fd);
    }
    moon_free(wake);
}

int moon_wake_fd(const struct moon_wake *wake)
{
    return wake->fd;
}

void moon_wake_arm(struct moon_wake *wake)
{
    atomic_store_explicit(&wake->asleep, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}

void moon_wake_disarm(struct moon_wake *wake)
{
    atomic_store_explicit(&wake->asleep, false, memory_order_relaxed);
}

void moon_wake_clear(struct moon_wake *wake)
{
    uint64_t count = 0;
    ssize_t n = read(wake->fd, &count, sizeof count);
    (void)n; /* EAGAIN when another look was quicker */
}

void moon_wake_signal(struct moon_wake *wake)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&wake->asleep, memory_order_relaxed) &&
        atomic_exchange(&wake->asleep, false)) {
        uint64_t one = 1;
        ssize_t n = write(wake->fd, &one, sizeof one);
        (void)n; /* EAGAIN means that 2^64-2 signals are already pending */
    }
}
