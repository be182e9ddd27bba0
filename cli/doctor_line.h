/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the doctor's, one step at a time and with a deadline each: name, TCP, TLS, bytes.
 */
#ifndef VIADUCT_CLI_DOCTOR_LINE_H
#define VIADUCT_CLI_DOCTOR_LINE_H

#include <netdb.h>

#include "doctor.h"
#include "resolve.h"
#include "stream.h"

#define DOCTOR_INPUT_BYTES                                                                         \
    ((size_t)4 * 1024 * 1024) /* one reply; others' messages pass by, too                          \
                               */

struct doctor_line {
    struct vd_stream stream;
    int epoll_fd;
    uint32_t step_ms;
    uint64_t deadline_ms;
    struct cli_text in;    /* read, not yet taken */
    struct vd_error error; /* why the last call failed */
    struct vd_resolve *resolve;
    const struct addrinfo *address; /* the one that answers; of resolve */
};

/* Two steps of the report: "name" and "connection". */
bool doctor_line_open(struct doctor_line *line, struct doctor *doctor, const char *host,
                      const char *port);
/* A second connection to where @first is; says nothing. */
bool doctor_line_again(struct doctor_line *line, const struct doctor_line *first);
/* Turns to TLS; says nothing. */
bool doctor_line_secure(struct doctor_line *line, struct vd_tls *tls, const char *host);

bool doctor_line_send(struct doctor_line *line, const void *bytes, size_t length);
/* Read more into line->in. The time allowed is that of the last send. */
bool doctor_line_read(struct doctor_line *line);
/* Forget the first bytes of line->in. */
void doctor_line_take(struct doctor_line *line, size_t length);

bool doctor_line_is_local(const struct doctor_line *line);
void doctor_line_close(struct doctor_line *line); /* zeroed memory is fine */

/* ---- certificates: doctor_tls.c ----------------------------------------------------------------
 */

/* Before the first byte of TLS goes over a new connection; NULL: nothing is to be done. */
typedef bool doctor_greeting_fn(struct doctor_line *line);

/* The "tls" step: the handshake with the driver's checks, then what the certificates say. When the
 * checks fail, a second handshake without them tells what the server has shown. */
bool doctor_tls(struct doctor *doctor, struct doctor_line *line, struct vd_tls *tls,
                const char *host, doctor_greeting_fn *greeting);
/* The same of a handshake that has passed: how long the certificates last. */
void doctor_tls_tell(struct doctor *doctor, const struct doctor_line *line);
/* Does the port that @line was connected to speak TLS from the first byte? Tried by another
 * connection, for a second at most. */
bool doctor_speaks_tls(const struct doctor_line *line, const char *host);

#endif
