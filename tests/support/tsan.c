/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that use OpenSSL from several threads, under ThreadSanitizer: libcrypto is not
 * instrumented, so the atomic counters that say whose turn it is to free a lock, or a session whose
 * buffers another thread of cnats has written from, are not seen. */
#ifdef __SANITIZE_THREAD__

const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void) /* NOLINT(bugprone-reserved-identifier) */
{
    return "race:libcrypto.so\nrace:libssl.so\n";
}

#else
typedef int nothing_to_suppress;
#endif
