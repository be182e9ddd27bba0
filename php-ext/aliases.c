/* SPDX-License-Identifier: Apache-2.0 */
/* The names that other servers' code uses, for the INI setting viaduct.aliases.
 *
 * A group is switched on by its name in the list; names of classes that Viaduct does not have yet
 * are simply not there. A name that exists already is left alone. Off by default: nobody's
 * namespace is taken without being asked. */
#include "php_viaduct.h"

#include <sched.h>

#include "class_counter.h"
#include "class_store.h"

#include "aliases_arginfo.h"

struct class_alias {
    const char *group;
    const char *name;
    zend_class_entry **ce;
};

static const struct class_alias class_aliases[] = {
    {"php-via", "Mbolli\\PhpVia\\Via", &vd_ce_app},
    {"php-via", "Mbolli\\PhpVia\\Config", &vd_ce_config},
    {"php-via", "Mbolli\\PhpVia\\Scope", &vd_ce_scope},
    {"php-via", "Mbolli\\PhpVia\\Broker\\InMemoryBroker", &vd_ce_memory_broker},
    {"php-via", "Mbolli\\PhpVia\\Broker\\SwooleBroker", &vd_ce_pipe_broker},
    {"zealphp", "ZealPHP\\Store", &vd_ce_store},
    {"zealphp", "ZealPHP\\Counter", &vd_ce_counter},
    {"php-via", "Mbolli\\PhpVia\\Broker\\RedisBroker", &vd_ce_redis_broker},
    {"php-via", "Mbolli\\PhpVia\\Broker\\NatsBroker", &vd_ce_nats_broker},
};

static const char *const groups[] = {"php-via", "zealphp", "openswoole", "opcache", "ephpm"};

ZEND_FUNCTION(swoole_cpu_num)
{
    ZEND_PARSE_PARAMETERS_NONE();
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
        RETURN_LONG(CPU_COUNT(&set));
    }
    RETURN_LONG(1);
}

/* What is no other name of ours: a function, and a class of constants. */
static void register_openswoole(int module_type)
{
    if (!zend_hash_str_exists(CG(function_table), ZEND_STRL("swoole_cpu_num"))) {
        zend_register_functions(NULL, ext_functions, NULL, module_type);
    }
    if (!zend_hash_str_exists(CG(class_table), ZEND_STRL("openswoole\\table"))) {
        register_class_OpenSwoole_Table();
    }
}

ZEND_METHOD(OpenSwoole_Table, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

static void register_group(const char *group, int module_type)
{
    for (size_t i = 0; i < sizeof(class_aliases) / sizeof(class_aliases[0]); i++) {
        const struct class_alias *alias = &class_aliases[i];
        if (strcmp(alias->group, group) == 0) {
            zend_register_class_alias_ex(alias->name, strlen(alias->name), *alias->ce, true);
        }
    }
    if (strcmp(group, "openswoole") == 0) {
        register_openswoole(module_type);
    }
}

static const char *group_find(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strlen(groups[i]) == length && strncasecmp(groups[i], word, length) == 0) {
            return groups[i];
        }
    }
    return NULL;
}

void vd_php_aliases_register(const char *list, int module_type)
{
    static const char separators[] = ", \t";
    for (const char *word = list; word && *word;) {
        word += strspn(word, separators);
        size_t length = strcspn(word, separators);
        if (length == 0) {
            return;
        }
        const char *group = group_find(word, length);
        if (group) {
            register_group(group, module_type);
        } else {
            zend_error(E_CORE_WARNING,
                       "viaduct.aliases: \"%.*s\" is unknown; allowed are php-via, zealphp, "
                       "openswoole, opcache and ephpm, separated by commas",
                       (int)length, word);
        }
        word += length;
    }
}

/* As vd_php_broker_shutdown. Somebody else's function of the name is left alone. */
void vd_php_aliases_shutdown(int module_type)
{
    const zend_function *function =
        zend_hash_str_find_ptr(CG(function_table), ZEND_STRL("swoole_cpu_num"));
    if (module_type == MODULE_TEMPORARY && function && function->type == ZEND_INTERNAL_FUNCTION &&
        function->internal_function.handler == ZEND_FN(swoole_cpu_num)) {
        zend_unregister_functions(ext_functions, -1, NULL);
    }
}
