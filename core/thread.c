/* SPDX-License-Identifier: MIT */
#include "thread.h"
#include "log.h"
#include <signal.h>
#include <stdlib.h>

void moon_thread_start(pthread_t *thread, void *(*run)(void *), void *argument,
                       const char *what)
{
    sigset_t all, mine;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mine);
    int status = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
    if (status != 0) {
        moon_log(MOON_ERROR, what, "cannot start a thread");
        exit(2);
    }
}
