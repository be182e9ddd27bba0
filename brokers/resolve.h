/* SPDX-License-Identifier: Apache-2.0 */
/* A host name's addresses without waiting: getaddrinfo on a thread of its own, which the caller may
 * leave to itself at any time. An address in figures needs no thread, nor does
 * the path of a unix socket, which begins with a slash. */
#ifndef VIADUCT_BROKERS_RESOLVE_H
#define VIADUCT_BROKERS_RESOLVE_H

#include <netdb.h>

#include <viaduct/error.h>

struct vd_resolve;

/* @notice_fd: an eventfd that is written to when the answer is there (a duplicate is kept).
 * Returns: VD_OK, VD_ERR_NO_MEMORY, VD_ERR_SYSTEM. */
enum vd_err vd_resolve_start(const char *host, const char *port, int notice_fd,
                             struct vd_resolve **resolve, struct vd_error *error);

/* Returns: VD_OK: *@addresses belongs to @resolve; VD_ERR_EMPTY: not yet; VD_ERR_CONNECTION: there
 * are none, and why. */
enum vd_err vd_resolve_take(struct vd_resolve *resolve, const struct addrinfo **addresses,
                            struct vd_error *error);

/* Never waits. NULL is fine. */
void vd_resolve_release(struct vd_resolve *resolve);
/* Instead, in a forked child, where the thread does not exist. */
void vd_resolve_abandon(struct vd_resolve *resolve);

#endif
