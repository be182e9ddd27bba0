/* SPDX-License-Identifier: Apache-2.0 */
/* RedisBroker and NatsBroker: life of the objects, constructors, and what a dump shows.
 *
 * There are no PHP properties: settings live in C, where no cast, export or reflection finds them,
 * and a dump is made by hand, without secrets. */
#include "class_broker_network.h"

#include "php_viaduct.h"

static zend_object_handlers broker_handlers;

/* ---- life ----------------------------------------------------------------------------------- */

static zend_object *broker_create(zend_class_entry *ce)
{
    struct vd_php_broker *broker = zend_object_alloc(sizeof(*broker), ce);
    zend_object_std_init(&broker->std, ce);
    object_properties_init(&broker->std, ce);
    broker->std.handlers = &broker_handlers;
    ZVAL_UNDEF(&broker->settings.servers);
    ZVAL_UNDEF(&broker->settings.credentials.callable);
    ZVAL_UNDEF(&broker->answer);
    return &broker->std;
}

static void broker_free(zend_object *object)
{
    struct vd_php_broker *broker = vd_php_broker_from(object);
    struct vd_php_broker_subscription *next;
    zend_object_std_dtor(object); /* first: a weak reference must not give out what is half freed */
    vd_php_broker_end(broker);
    for (struct vd_php_broker_subscription *at = broker->subscriptions; at; at = next) {
        next = at->next;
        zend_string_release(at->pattern);
        vd_callable_finish(&at->handler);
        efree(at);
    }
    vd_callable_list_finish(&broker->on_error);
    vd_callable_list_finish(&broker->on_gap);
    vd_php_broker_settings_finish(&broker->settings);
}

static HashTable *broker_gc(zend_object *object, zval **table, int *count)
{
    struct vd_php_broker *broker = vd_php_broker_from(object);
    zend_get_gc_buffer *buffer = zend_get_gc_buffer_create();
    zend_get_gc_buffer_add_zval(buffer, &broker->settings.credentials.callable);
    zend_get_gc_buffer_add_zval(buffer, &broker->answer);
    for (struct vd_php_broker_subscription *at = broker->subscriptions; at; at = at->next) {
        zend_get_gc_buffer_add_zval(buffer, &at->handler.callable);
    }
    vd_callable_list_gc(&broker->on_error, buffer);
    vd_callable_list_gc(&broker->on_gap, buffer);
    zend_get_gc_buffer_use(buffer, table, count);
    return zend_std_get_properties(object);
}

/* ---- what a dump shows ------------------------------------------------------------------------
 */

static void show_text(zval *info, const struct vd_php_broker *broker, const char *name,
                      enum vd_php_broker_text which)
{
    zend_string *text = broker->settings.texts[which];
    if (text) {
        add_assoc_str(info, name, zend_string_copy(text));
    } else {
        add_assoc_null(info, name);
    }
}

static void show_secret(zval *info, const char *name, bool is_set)
{
    if (is_set) {
        add_assoc_string(info, name, "***");
    } else {
        add_assoc_null(info, name);
    }
}

static void show_rest(zval *info, const struct vd_php_broker *broker)
{
    const struct vd_broker_options *options = &broker->settings.options;
    show_text(info, broker, "tlsCertFile", VD_BROKER_CERT_FILE);
    show_text(info, broker, "tlsKeyFile", VD_BROKER_KEY_FILE);
    zval servers;
    if (Z_TYPE(broker->settings.servers) == IS_ARRAY) {
        ZVAL_COPY(&servers, &broker->settings.servers);
    } else {
        ZVAL_EMPTY_ARRAY(&servers);
    }
    add_assoc_zval(info, "servers", &servers);
    /* not the callable itself: a closure's dump shows the variables that it holds */
    show_secret(info, "credentials", !Z_ISUNDEF(broker->settings.credentials.callable));
    add_assoc_double(info, "probeInterval", options->probe_interval_ms / 1000.0);
    add_assoc_double(info, "connectTimeout", options->connect_timeout_ms / 1000.0);
    add_assoc_long(info, "outboxMessages", (zend_long)options->outbox_messages);
    add_assoc_long(info, "outboxBytes", (zend_long)options->outbox_bytes);
    add_assoc_string(info, "outboxPolicy",
                     options->outbox_policy == VD_OUTBOX_FAIL ? "fail" : "drop-oldest");
}

static HashTable *broker_debug_info(zend_object *object, int *is_temporary)
{
    const struct vd_php_broker *broker = vd_php_broker_from(object);
    zend_string *const *texts = broker->settings.texts;
    zval info;
    array_init(&info);
    *is_temporary = 1;
    if (!broker->display) {
        return Z_ARRVAL(info);
    }
    show_text(&info, broker, "host", VD_BROKER_HOST);
    add_assoc_long(&info, "port", broker->settings.port);
    if (broker->is_nats) {
        show_secret(&info, "authToken", texts[VD_BROKER_TOKEN] != NULL);
        show_text(&info, broker, "subject", VD_BROKER_CHANNEL);
    } else {
        show_secret(&info, "password", texts[VD_BROKER_PASSWORD] != NULL);
        show_text(&info, broker, "username", VD_BROKER_USERNAME);
        show_text(&info, broker, "channel", VD_BROKER_CHANNEL);
    }
    add_assoc_bool(&info, "tls", broker->settings.options.tls);
    show_text(&info, broker, "tlsCaFile", VD_BROKER_CA_FILE);
    if (broker->is_nats) {
        show_text(&info, broker, "username", VD_BROKER_USERNAME);
        show_secret(&info, "password", texts[VD_BROKER_PASSWORD] != NULL);
        show_text(&info, broker, "nkeySeedFile", VD_BROKER_SEED_FILE);
        show_text(&info, broker, "credsFile", VD_BROKER_CREDS_FILE);
    }
    show_rest(&info, broker);
    return Z_ARRVAL(info);
}

void vd_php_broker_network_setup(void)
{
    vd_ce_redis_broker->create_object = broker_create;
    vd_ce_nats_broker->create_object = broker_create;
    memcpy(&broker_handlers, &std_object_handlers, sizeof(broker_handlers));
    broker_handlers.offset = XtOffsetOf(struct vd_php_broker, std);
    broker_handlers.free_obj = broker_free;
    broker_handlers.get_gc = broker_gc;
    broker_handlers.get_debug_info = broker_debug_info;
    broker_handlers.clone_obj = NULL;
    broker_handlers.compare = zend_objects_not_comparable; /* == is === */
}

const struct vd_broker_options *vd_php_broker_server_options(zend_object *object)
{
    return object->handlers == &broker_handlers ? &vd_php_broker_from(object)->settings.options
                                                : NULL;
}

bool vd_php_broker_asks(zend_object *object)
{
    return object->handlers == &broker_handlers &&
           !Z_ISUNDEF(vd_php_broker_from(object)->settings.credentials.callable);
}

bool vd_php_broker_serves(zend_object *object)
{
    if (object->handlers == &broker_handlers && !vd_php_broker_from(object)->display) {
        zend_throw_error(NULL, "The broker object was not constructed");
        return false;
    }
    return true;
}

/* ---- constructors -----------------------------------------------------------------------------
 */

static struct vd_php_broker_arguments defaults(zend_long port)
{
    return (struct vd_php_broker_arguments){
        .port = port, .outbox_messages = 1000, .outbox_bytes = 4194304};
}

/* A default that is a text: the checks see what the signature says. */
static zend_string *or_default(zend_string *text, const char *otherwise)
{
    return text ? zend_string_copy(text) : zend_string_init(otherwise, strlen(otherwise), 0);
}

static void construct(zval *this_zval, struct vd_php_broker_arguments *arguments,
                      const struct vd_php_broker_positions *positions, bool is_nats)
{
    struct vd_php_broker *broker = vd_php_broker_from(Z_OBJ_P(this_zval));
    if (broker->display) { /* the server may hold pointers to the first ones */
        zend_throw_error(NULL, "A broker object is constructed once");
        return;
    }
    zend_string *host = or_default(arguments->texts[VD_BROKER_HOST], "127.0.0.1");
    zend_string *channel = or_default(arguments->texts[VD_BROKER_CHANNEL],
                                      is_nats ? "via.broadcast" : "via:broadcast");
    arguments->texts[VD_BROKER_HOST] = host;
    arguments->texts[VD_BROKER_CHANNEL] = channel;
    if (vd_php_broker_settings_take(&broker->settings, arguments, positions, is_nats)) {
        broker->is_nats = is_nats;
        broker->display = is_nats ? "NatsBroker" : "RedisBroker";
    }
    zend_string_release(host);
    zend_string_release(channel);
}

/* Both constructors end with the same nine parameters, in one order: here, and as positions. */
#define Z_PARAM_BROKER_REST(given)                                                                 \
    Z_PARAM_STR_OR_NULL((given).texts[VD_BROKER_CERT_FILE])                                        \
    Z_PARAM_STR_OR_NULL((given).texts[VD_BROKER_KEY_FILE])                                         \
    Z_PARAM_ARRAY_HT((given).servers)                                                              \
    Z_PARAM_FUNC_OR_NULL((given).credentials, (given).credentials_cache)                           \
    Z_PARAM_NUMBER((given).probe_interval)                                                         \
    Z_PARAM_NUMBER((given).connect_timeout)                                                        \
    Z_PARAM_LONG((given).outbox_messages)                                                          \
    Z_PARAM_LONG((given).outbox_bytes)                                                             \
    Z_PARAM_STR((given).policy)
#define REST_COUNT 9

#define REST_POSITIONS(first)                                                                      \
    .texts[VD_BROKER_CERT_FILE] = (first), .texts[VD_BROKER_KEY_FILE] = (first) + 1,               \
    .servers = (first) + 2, .credentials = (first) + 3, .probe_interval = (first) + 4,             \
    .connect_timeout = (first) + 5, .outbox_messages = (first) + 6, .outbox_bytes = (first) + 7,   \
    .policy = (first) + 8

ZEND_METHOD(Viaduct_Broker_RedisBroker, __construct)
{
    static const struct vd_php_broker_positions positions = {
        .texts[VD_BROKER_HOST] = 1,
        .port = 2,
        .texts[VD_BROKER_PASSWORD] = 3,
        .texts[VD_BROKER_USERNAME] = 4,
        .texts[VD_BROKER_CHANNEL] = 5,
        .tls = 6,
        .texts[VD_BROKER_CA_FILE] = 7,
        REST_POSITIONS(8),
    };
    struct vd_php_broker_arguments given = defaults(6379);
    ZEND_PARSE_PARAMETERS_START(0, 7 + REST_COUNT)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(given.texts[VD_BROKER_HOST])
    Z_PARAM_LONG(given.port)
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_PASSWORD])
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_USERNAME])
    Z_PARAM_STR(given.texts[VD_BROKER_CHANNEL])
    Z_PARAM_BOOL(given.tls)
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_CA_FILE])
    Z_PARAM_BROKER_REST(given)
    ZEND_PARSE_PARAMETERS_END();
    construct(ZEND_THIS, &given, &positions, false);
}

ZEND_METHOD(Viaduct_Broker_NatsBroker, __construct)
{
    static const struct vd_php_broker_positions positions = {
        .texts[VD_BROKER_HOST] = 1,
        .port = 2,
        .texts[VD_BROKER_TOKEN] = 3,
        .texts[VD_BROKER_CHANNEL] = 4,
        .tls = 5,
        .texts[VD_BROKER_CA_FILE] = 6,
        .texts[VD_BROKER_USERNAME] = 7,
        .texts[VD_BROKER_PASSWORD] = 8,
        .texts[VD_BROKER_SEED_FILE] = 9,
        .texts[VD_BROKER_CREDS_FILE] = 10,
        REST_POSITIONS(11),
    };
    struct vd_php_broker_arguments given = defaults(4222);
    ZEND_PARSE_PARAMETERS_START(0, 10 + REST_COUNT)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(given.texts[VD_BROKER_HOST])
    Z_PARAM_LONG(given.port)
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_TOKEN])
    Z_PARAM_STR(given.texts[VD_BROKER_CHANNEL])
    Z_PARAM_BOOL(given.tls)
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_CA_FILE])
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_USERNAME])
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_PASSWORD])
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_SEED_FILE])
    Z_PARAM_STR_OR_NULL(given.texts[VD_BROKER_CREDS_FILE])
    Z_PARAM_BROKER_REST(given)
    ZEND_PARSE_PARAMETERS_END();
    construct(ZEND_THIS, &given, &positions, true);
}
