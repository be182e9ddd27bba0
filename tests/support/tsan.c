/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that use OpenSSL from several threads, under ThreadSanitizer: libcrypto is not
 * instrumented, so the atomic counters that say whose turn it is to free a lock, or a session whose
 * buffers another thread of cnats has written from, are not seen. And libevent tells epoll of a
 * descriptor that is closed when it sleeps next: a thread of cnats may have got the same number by
 * then, which epoll answers with ENOENT. */
#ifdef __SANITIZE_THREAD__

/* NOLINTBEGIN(bugprone-reserved-identifier) */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_options(void);

const char *__tsan_default_suppressions(void)
{
    return "race:libcrypto.so\nrace:libssl.so\nrace:libevent_core\n";
}

/* It sleeps for a second at the end, when there are threads: all the time that a gateway has. */
const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=100";
}
/* NOLINTEND(bugprone-reserved-identifier) */

#else
typedef int nothing_to_suppress;
#endif
