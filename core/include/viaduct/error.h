/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes of the whole library. One enum, one table of names and texts, 0 is success.
 *
 * A function that can fail in a way its caller cannot guess from the code alone also takes a
 * `struct vd_error *` (NULL is allowed) and leaves one readable sentence there: what was wrong and
 * what is allowed. The sentence never holds a secret. */
#ifndef VIADUCT_ERROR_H
#define VIADUCT_ERROR_H

#define VD_ERR_MAP(X)                                                                              \
    X(VD_OK, "success")                                                                            \
    X(VD_ERR_INVALID, "invalid argument")                                                          \
    X(VD_ERR_NO_MEMORY, "out of memory")                                                           \
    X(VD_ERR_SYSTEM, "operating system error")                                                     \
    X(VD_ERR_TOO_LARGE, "larger than the limit")                                                   \
    X(VD_ERR_FULL, "no room left")                                                                 \
    X(VD_ERR_EMPTY, "nothing there")                                                               \
    X(VD_ERR_NOT_FOUND, "not found")                                                               \
    X(VD_ERR_EXISTS, "exists already")                                                             \
    X(VD_ERR_MALFORMED, "malformed input")                                                         \
    X(VD_ERR_CORRUPT, "shared memory is damaged")                                                  \
    X(VD_ERR_UNSUPPORTED, "not supported")                                                         \
    X(VD_ERR_STATE, "not possible in this state")                                                  \
    X(VD_ERR_TIMEOUT, "timed out")                                                                 \
    X(VD_ERR_CLOSED, "closed by the other side")                                                   \
    X(VD_ERR_CONNECTION, "connection failed")                                                      \
    X(VD_ERR_AUTHENTICATION, "authentication failed")                                              \
    X(VD_ERR_TLS, "TLS failed")

#define VD_ERR_ENUM(name, text) name,
enum vd_err { VD_ERR_MAP(VD_ERR_ENUM) VD_ERR_COUNT };
#undef VD_ERR_ENUM

#define VD_ERROR_TEXT_BYTES 256

/* A code with a sentence for people. Plain memory, no ownership. */
struct vd_error {
    enum vd_err code;
    char text[VD_ERROR_TEXT_BYTES];
};

/* "VD_ERR_FULL" and "no room left". Never NULL; an unknown code gives "VD_ERR_UNKNOWN". */
const char *vd_err_name(enum vd_err code);
const char *vd_err_text(enum vd_err code);

/* Fill @error (when not NULL) and return @code, so that failing is one line:
 *     return vd_error_set(error, VD_ERR_INVALID, "port is %d, allowed are 1 to 65535", port);
 * A text over VD_ERROR_TEXT_BYTES - 1 bytes is cut. */
enum vd_err vd_error_set(struct vd_error *error, enum vd_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: @what, then the text of errno. Returns VD_ERR_SYSTEM. */
enum vd_err vd_error_set_errno(struct vd_error *error, const char *what);

#endif
