/* SPDX-License-Identifier: Apache-2.0 */
/* The extension's own map: module globals, class entries, and who fills in what.
 *
 *   viaduct.c       the module: INI, MINIT, phpinfo      aliases.c   names of other servers
 *   class_*.c       one PHP class each: parse arguments, call core or server, turn errors into
 *                   exceptions
 *   broker*.c       RedisBroker and NatsBroker: settings, the link that needs no server, exceptions
 *   callable.c      a PHP callable that is kept          route.c     path and handler -> arguments
 *   answer*.c       what a handler returned -> an HTTP answer
 *   around.c        before(), after(), error()
 *   request_body.c  Request::bodyStream()
 *   request_input.c the arrays of a request, by PHP's own parsers
 *   notice.c        changes of shared state that become broadcasts
 *   shared_state.c  where tables and counters live      state*.c  their classes' common parts
 *   run_worker.c    the worker process: events in, handlers called
 *   run_request.c   one request: hooks, route, handler, answer
 *   run_sapi.c      what PHP's own functions (echo, header(), uploads) mean in a worker
 *
 * Nothing here knows sockets; server/ knows no Zend. */
#ifndef PHP_VIADUCT_H
#define PHP_VIADUCT_H

#include <php.h>

#include <viaduct/error.h>

#ifdef ZTS
#error "Viaduct forks its workers: it needs a PHP without thread safety (NTS)."
#endif

extern zend_module_entry viaduct_module_entry;
#define phpext_viaduct_ptr &viaduct_module_entry

struct vd_php_run;
struct vd_php_shared;
struct vd_php_declared;

ZEND_BEGIN_MODULE_GLOBALS(viaduct)
char *aliases;          /* INI viaduct.aliases */
struct vd_php_run *run; /* the worker's; NULL in every other process */
struct vd_php_shared *shared;
char *tables;                     /* INI viaduct.tables */
struct vd_php_declared *declared; /* NULL: nothing is */
ZEND_END_MODULE_GLOBALS(viaduct)

ZEND_EXTERN_MODULE_GLOBALS(viaduct)
#define VIADUCT_G(v) ZEND_MODULE_GLOBALS_ACCESSOR(viaduct, v)

/* Set once in MINIT, never after. */
extern zend_class_entry *vd_ce_config;
extern zend_class_entry *vd_ce_app;
extern zend_class_entry *vd_ce_request;
extern zend_class_entry *vd_ce_response;
extern zend_class_entry *vd_ce_http_exception;
extern zend_class_entry *vd_ce_message;
extern zend_class_entry *vd_ce_scope;
extern zend_class_entry *vd_ce_broker;
extern zend_class_entry *vd_ce_memory_broker;
extern zend_class_entry *vd_ce_pipe_broker;
extern zend_class_entry *vd_ce_network_broker;
extern zend_class_entry *vd_ce_redis_broker;
extern zend_class_entry *vd_ce_nats_broker;
extern zend_class_entry *vd_ce_broker_exception;
extern zend_class_entry *vd_ce_connection_exception;
extern zend_class_entry *vd_ce_authentication_exception;
extern zend_class_entry *vd_ce_tls_exception;
extern zend_class_entry *vd_ce_timeout_exception;
extern zend_class_entry *vd_ce_overflow_exception;

/* Each class's own part of MINIT: object handlers. */
void vd_php_config_setup(void);
void vd_php_app_setup(void);
void vd_php_request_setup(void);
void vd_php_response_setup(void);
/* state.c: Store, Counter, GlobalState and their exceptions. */
void vd_php_state_setup(void);
/* broker.c: the brokers' classes, exceptions and function. */
void vd_php_broker_setup(int module_type);
void vd_php_broker_shutdown(int module_type);
void vd_php_broker_network_setup(void);
void vd_php_broker_url_setup(void);

/* aliases.c. MINIT: register the names of the groups in @list ("php-via,openswoole"); a name that
 * exists is left alone, an unknown group is a startup warning. */
void vd_php_aliases_register(const char *list, int module_type);
void vd_php_aliases_shutdown(int module_type);

/* class_broker.c. The driver's name ("pipe") and the one shown ("PipeBroker") of one of our broker
 * classes. Returns false for a class of somebody else. */
bool vd_php_broker_driver(const zend_class_entry *ce, const char **driver, const char **display);

/* A fluent method's end. */
#define RETURN_THIS() RETURN_OBJ_COPY(Z_OBJ_P(ZEND_THIS))

/* Put @value, which is taken over, into the place of what is in @slot. The old value goes last: its
 * destructor may run code that looks at the slot, or sets it once more. */
static inline void vd_php_slot_take(zval *slot, const zval *value)
{
    zval old;
    ZVAL_COPY_VALUE(&old, slot);
    ZVAL_COPY_VALUE(slot, value);
    zval_ptr_dtor(&old);
}

/* The same with a copy of @value. */
static inline void vd_php_slot_set(zval *slot, const zval *value)
{
    zval copy;
    ZVAL_COPY(&copy, value);
    vd_php_slot_take(slot, &copy);
}

/* Write property @number of a readonly class of ours; takes over @value. */
static inline void vd_php_property_set(zend_object *object, uint32_t number, const zval *value)
{
    zval *slot = OBJ_PROP_NUM(object, number);
    Z_PROP_FLAG_P(slot) = 0; /* it is initialized */
    vd_php_slot_take(slot, value);
}

#endif
