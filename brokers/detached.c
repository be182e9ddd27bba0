/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that nobody waits for: see detached.h. */
#include <pthread.h>
#include <signal.h>

#include "detached.h"

bool vd_detached_start(void *(*run)(void *context), void *context)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    failed = pthread_create(&thread, &attributes, run, context);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}
