/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmarks of a whole server share. Every failure ends the program with a sentence. */
#ifndef VIADUCT_BENCH_H
#define VIADUCT_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAIRS_MAX 32

_Noreturn void bench_die(const char *what); /* with the text of errno */

/* To a port of this machine. */
int bench_connect_to(uint16_t port);
void bench_send_all(int fd, const char *bytes, size_t length);
/* Read until @until was seen; what came with it is dropped. */
void bench_wait_head(int fd, const char *until);

/* Start @path (the C test application) on a free port; wait until it says which. */
pid_t bench_start_server(const char *path, uint16_t *port);
void bench_end_server(pid_t pid, int signal_number);

/* CPU time so far of a process and its children, in microseconds (resolution: a clock tick). */
double bench_cpu_us_of(pid_t pid);

/* Path of @name in the folder of this program; returns @path. */
const char *bench_beside(const char *program, const char *name, char *path, size_t capacity);

double bench_median(const double *values, int count); /* at most PAIRS_MAX */

#endif
