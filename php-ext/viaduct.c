/* SPDX-License-Identifier: Apache-2.0 */
/* The module: class registration, the INI setting, phpinfo. The classes live in class_*.c; the
 * generated header is included here only, since its registration functions are static. */
#include "php_viaduct.h"

#include <ext/spl/spl_exceptions.h>
#include <ext/standard/info.h>
#include <zend_attributes.h>

#include <viaduct/broker_driver.h>

#include "shared_declared.h"
#include "shared_state.h"

#include "viaduct_arginfo.h"

ZEND_DECLARE_MODULE_GLOBALS(viaduct)

zend_class_entry *vd_ce_config;
zend_class_entry *vd_ce_app;
zend_class_entry *vd_ce_request;
zend_class_entry *vd_ce_response;
zend_class_entry *vd_ce_http_exception;
zend_class_entry *vd_ce_message;
zend_class_entry *vd_ce_scope;

PHP_INI_BEGIN()
STD_PHP_INI_ENTRY("viaduct.aliases", "", PHP_INI_SYSTEM, OnUpdateString, aliases,
                  zend_viaduct_globals, viaduct_globals)
STD_PHP_INI_ENTRY("viaduct.tables", "", PHP_INI_SYSTEM, OnUpdateString, tables,
                  zend_viaduct_globals, viaduct_globals)
PHP_INI_END()

static void register_classes(void)
{
    vd_ce_config = register_class_Viaduct_Config();
    vd_ce_app = register_class_Viaduct_App();
    vd_ce_request = register_class_Viaduct_Request();
    vd_ce_response = register_class_Viaduct_Response();
    vd_ce_http_exception = register_class_Viaduct_HttpException(spl_ce_RuntimeException);
    vd_ce_message = register_class_Viaduct_Message();
    vd_ce_scope = register_class_Viaduct_Scope();
}

static PHP_MINIT_FUNCTION(viaduct)
{
    if (!vd_php_shared_startup()) {
        return FAILURE;
    }
    REGISTER_INI_ENTRIES();
    register_classes();
    vd_php_config_setup();
    vd_php_app_setup();
    vd_php_request_setup();
    vd_php_response_setup();
    vd_php_state_setup();
    vd_php_broker_setup(type);
    vd_php_aliases_register(VIADUCT_G(aliases), type);
    vd_php_declared_startup(VIADUCT_G(tables));
    return SUCCESS;
}

static PHP_MSHUTDOWN_FUNCTION(viaduct)
{
    vd_php_aliases_shutdown(type);
    vd_php_broker_shutdown(type);
    vd_php_shared_shutdown();
    vd_php_declared_shutdown();
    UNREGISTER_INI_ENTRIES();
    return SUCCESS;
}

static PHP_RINIT_FUNCTION(viaduct)
{
    vd_php_shared_request_begin();
    vd_php_declared_request_begin();
    return SUCCESS;
}

static PHP_RSHUTDOWN_FUNCTION(viaduct)
{
    vd_php_shared_request_end();
    return SUCCESS;
}

static PHP_MINFO_FUNCTION(viaduct)
{
    char brokers[128] = "";
    const struct vd_broker_driver *driver;
    for (size_t i = 0; (driver = vd_broker_driver_at(i)) != NULL; i++) {
        snprintf(brokers + strlen(brokers), sizeof(brokers) - strlen(brokers), "%s%s",
                 i ? ", " : "", driver->display);
    }
    php_info_print_table_start();
    php_info_print_table_row(2, "Viaduct", "enabled");
    php_info_print_table_row(2, "Version", VIADUCT_VERSION);
    php_info_print_table_row(2, "Brokers", brokers);
    php_info_print_table_end();
    DISPLAY_INI_ENTRIES();
}

static void globals_init(void *globals)
{
    memset(globals, 0, sizeof(zend_viaduct_globals));
}

/* Loaded before us when they are there, so that an alias never takes their names away. */
static const zend_module_dep viaduct_dependencies[] = {
    ZEND_MOD_REQUIRED("json")       /* arrays become JSON */
    ZEND_MOD_REQUIRED("date")       /* cookies */
    ZEND_MOD_REQUIRED("spl")        /* exceptions */
    ZEND_MOD_OPTIONAL("openswoole") /**/
    ZEND_MOD_OPTIONAL("swoole")     /**/
    ZEND_MOD_END                    /**/
};

zend_module_entry viaduct_module_entry = {
    STANDARD_MODULE_HEADER_EX,
    NULL,
    viaduct_dependencies,
    "viaduct",
    NULL, /* those there are come with broker.c */
    PHP_MINIT(viaduct),
    PHP_MSHUTDOWN(viaduct),
    PHP_RINIT(viaduct),
    PHP_RSHUTDOWN(viaduct),
    PHP_MINFO(viaduct),
    VIADUCT_VERSION,
    PHP_MODULE_GLOBALS(viaduct),
    globals_init,
    NULL,
    NULL,
    STANDARD_MODULE_PROPERTIES_EX,
};

ZEND_GET_MODULE(viaduct)
