/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and counters that viaduct.tables declares: made once, in MINIT, and inherited by whatever
 * is forked then: the workers of php-fpm, in all pools.
 *
 *     php-fpm master -- MINIT: read the file, make each table in a memfd of its own
 *        |  \-- workers: the list is there, and the memory
 *        | SIGUSR2: executes itself; VIADUCT_DECLARED names the descriptors, which stay open
 *        v
 *     php-fpm master -- MINIT: read the file, take over what it still declares */
#ifndef VIADUCT_PHP_SHARED_DECLARED_H
#define VIADUCT_PHP_SHARED_DECLARED_H

/* MINIT, after vd_php_shared_startup(); @path: viaduct.tables, "" or NULL: nothing is declared.
 * What goes wrong is a startup warning: a server that was told to reload must not stay away. */
void vd_php_declared_startup(const char *path);
/* RINIT: from the first request on programs that are executed from here inherit nothing. */
void vd_php_declared_request_begin(void);
/* MSHUTDOWN, after vd_php_shared_shutdown(). */
void vd_php_declared_shutdown(void);

#endif
