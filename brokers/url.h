/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a broker's URL that drivers share: [user[:password]@]host[:port]. No text of an
 * error quotes what was given, since it may be a secret. */
#ifndef VIADUCT_BROKERS_URL_H
#define VIADUCT_BROKERS_URL_H

#include <stddef.h>

#include <viaduct/error.h>

#define VD_URL_HOST_BYTES 256
#define VD_URL_PORT_BYTES 6

/* "user:password", percent-decoded into memory of their own; what is not there stays as it was.
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY. */
enum vd_err vd_url_parse_user(const char *text, size_t length, char **username, char **password,
                              struct vd_error *error);

/* "host", "host:port", "[::1]:port" or nothing; what is not there stays as it was. */
enum vd_err vd_url_parse_host(const char *text, size_t length, char name[VD_URL_HOST_BYTES],
                              char port[VD_URL_PORT_BYTES], struct vd_error *error);

/* Overwrites and frees a secret. NULL is fine. */
void vd_url_wipe(char *text);

#endif
