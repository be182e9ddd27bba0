/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_CONFIG_H
#define VIADUCT_PHP_CLASS_CONFIG_H

#include <php.h>

#include "callable.h"
#include "server.h"

/* Lists, joined; NULL: no CORS. */
struct vd_php_cors {
    zend_string *origins, *methods, *headers;
};

/* Texts that the server's configuration points to. */
struct vd_php_texts {
    uint32_t count;
    zend_string *strings[VD_TRUSTED_MAX]; /* more than VD_LISTENERS_MAX */
    const char *texts[VD_TRUSTED_MAX];
};

struct vd_php_config {
    struct vd_server_config server; /* numbers; texts are filled in by vd_php_config_server */
    zend_string *host;              /* NULL: default */
    zend_string *static_directory;  /* absolute; NULL: none */
    zend_string *static_prefix;     /* NULL: default */
    struct vd_php_cors cors;
    bool port_set;
    struct vd_php_texts listeners;
    struct vd_php_texts trusted;
    zend_string *access_log_path; /* absolute; NULL: a descriptor */
    zend_string *control_path;    /* absolute; empty: none; NULL: the usual place */
    zval broker;                  /* UNDEF: InMemoryBroker */
    zend_long global_state_rows;
    zend_long global_state_value_bytes;
    struct vd_callable_list broker_error;
    zend_object std;
};

static inline struct vd_php_config *vd_php_config_from(zend_object *object)
{
    return (struct vd_php_config *)((char *)object - XtOffsetOf(struct vd_php_config, std));
}

static inline struct vd_php_config *vd_php_config_this(zval *this_zval)
{
    return vd_php_config_from(Z_OBJ_P(this_zval));
}

/* What the server is started with. Texts point into @config or are static. */
void vd_php_config_server(const struct vd_php_config *config, struct vd_server_config *server);

/* class_config_limits.c */
void vd_php_config_limits_info(zval *info, const struct vd_server_config *server);

/* class_config_http.c: compression and CORS */
void vd_php_cors_finish(struct vd_php_cors *cors);
void vd_php_config_http_info(const struct vd_php_config *config, zval *info);

/* class_config_edge.c */
void vd_php_config_edge_free(struct vd_php_config *config);
void vd_php_config_edge_server(const struct vd_php_config *config, struct vd_server_config *server);
void vd_php_config_edge_info(const struct vd_php_config *config, zval *info);

#endif
