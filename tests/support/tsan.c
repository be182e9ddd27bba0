/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that use OpenSSL from several threads, under ThreadSanitizer: libcrypto is not
 * instrumented, so the atomic counter that says whose turn it is to free a lock is not seen. */
#ifdef __SANITIZE_THREAD__

const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void) /* NOLINT(bugprone-reserved-identifier) */
{
    return "race:CRYPTO_THREAD_lock_free\n";
}

#else
typedef int nothing_to_suppress;
#endif
