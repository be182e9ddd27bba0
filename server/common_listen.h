/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a listening address, read: pure, no socket. */
#ifndef VIADUCT_COMMON_LISTEN_H
#define VIADUCT_COMMON_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include <viaduct/error.h>

#define VD_LISTEN_HOST_BYTES 108 /* with the NUL; a path is as long as sun_path lets it be */

struct vd_listen_address {
    bool is_unix;
    bool ipv6_only;                  /* "::" leaves IPv4 to others; else it takes both */
    bool reuse_port;                 /* SO_REUSEPORT */
    uint16_t port;                   /* 0: the kernel chooses */
    uint32_t mode;                   /* of a unix socket's file */
    char host[VD_LISTEN_HOST_BYTES]; /* without brackets; or the path */
};

/* Read one of
 *     tcp://0.0.0.0:3000    tcp://[::]:3000?ipv6only    tcp://localhost:3000?reuseport
 *     unix:///run/viaduct.sock    unix:///run/viaduct.sock?mode=0666
 * Several options are joined by `&`. A socket file is 0660 unless it says otherwise.
 * Returns: VD_OK; VD_ERR_INVALID, @error quotes the address and says what is allowed. */
enum vd_err vd_listen_parse(const char *text, struct vd_listen_address *address,
                            struct vd_error *error);

#endif
