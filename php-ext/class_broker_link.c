/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of NetworkBroker: a link of one's own, without a server. NatsBroker's are aliases of
 * RedisBroker's.
 *
 * Handlers run in poll(), one after the other, out of the inbox: one that throws, exits or fails
 * fatally leaves what follows it in there. */
#include "class_broker_network.h"

#include <stdlib.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "broker_exception.h"
#include "class_config_values.h"
#include "class_message.h"
#include "class_response.h"
#include "php_viaduct.h"

#define TIMEOUT_MS      5000
#define POLL_TIMEOUT_MS 1000

#define BROKER() vd_php_broker_from(Z_OBJ_P(ZEND_THIS))

/* ---- connect, publish, close ------------------------------------------------------------------
 */

ZEND_METHOD(Viaduct_Broker_RedisBroker, connect)
{
    zval *seconds = NULL;
    uint32_t timeout_ms = TIMEOUT_MS;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(seconds)
    ZEND_PARSE_PARAMETERS_END();
    if (seconds && !vd_php_argument_seconds(1, seconds, &timeout_ms)) {
        RETURN_THROWS();
    }
    if (vd_php_broker_usable(BROKER())) {
        vd_php_broker_connect(BROKER(), vd_monotonic_ms() + timeout_ms, timeout_ms);
    }
}

static void publish(struct vd_php_broker *broker, const zend_string *scope, const zend_string *data,
                    const zend_string *event, uint32_t timeout_ms)
{
    const struct vd_message message = vd_php_message_of(scope, data, event);
    if (vd_php_broker_usable(broker)) {
        vd_php_broker_publish(broker, &message, timeout_ms);
    }
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, publish)
{
    zend_string *scope;
    zend_string *data = NULL;
    HashTable *array = NULL;
    zend_string *event = NULL;
    zval *seconds = NULL;
    uint32_t timeout_ms = TIMEOUT_MS;
    ZEND_PARSE_PARAMETERS_START(1, 4)
    Z_PARAM_STR(scope)
    Z_PARAM_OPTIONAL
    Z_PARAM_ARRAY_HT_OR_STR_OR_NULL(array, data)
    Z_PARAM_STR_OR_NULL(event)
    Z_PARAM_NUMBER(seconds)
    ZEND_PARSE_PARAMETERS_END();
    if (seconds && !vd_php_argument_seconds(4, seconds, &timeout_ms)) {
        RETURN_THROWS();
    }
    if (!array) {
        publish(BROKER(), scope, data, event, timeout_ms);
        return;
    }
    zval value;
    ZVAL_ARR(&value, array);
    zend_string *json = vd_php_json(&value);
    if (json) {
        publish(BROKER(), scope, json, event, timeout_ms);
        zend_string_release(json);
    }
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, close)
{
    zval *seconds = NULL;
    uint32_t timeout_ms = TIMEOUT_MS;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(seconds)
    ZEND_PARSE_PARAMETERS_END();
    if (seconds && !vd_php_argument_seconds(1, seconds, &timeout_ms)) {
        RETURN_THROWS();
    }
    struct vd_php_broker *broker = BROKER();
    if (!vd_php_broker_usable(broker) || !broker->handle) {
        return;
    }
    vd_php_broker_flush(broker, vd_monotonic_ms() + timeout_ms, timeout_ms);
    vd_php_broker_end(broker);
}

/* ---- subscriptions and handlers ---------------------------------------------------------------
 */

static void subscription_free(struct vd_php_broker_subscription *subscription)
{
    zend_string_release(subscription->pattern);
    vd_callable_finish(&subscription->handler);
    efree(subscription);
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, subscribe)
{
    zend_string *pattern;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(pattern)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_broker *broker = BROKER();
    struct vd_error error;
    if (vd_scope_check(ZSTR_VAL(pattern), ZSTR_LEN(pattern), &error) != VD_OK) {
        zend_argument_value_error(1, "is no scope: %s", error.text);
        RETURN_THROWS();
    }
    if (!vd_php_broker_usable(broker)) {
        RETURN_THROWS();
    }
    struct vd_php_broker_subscription *made = ecalloc(1, sizeof(*made));
    struct vd_php_broker_subscription **last = &broker->subscriptions;
    while (*last) {
        last = &(*last)->next;
    }
    *last = made;
    made->id = ++broker->last_id;
    made->pattern = zend_string_copy(pattern);
    made->broker = broker;
    vd_callable_init(&made->handler, &fci, &fcc);
    if (broker->handle && !vd_php_broker_join(made)) {
        *last = NULL;
        subscription_free(made);
        RETURN_THROWS();
    }
    RETURN_LONG(made->id);
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, unsubscribe)
{
    zend_long id;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_LONG(id)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_broker *broker = BROKER();
    struct vd_php_broker_subscription **link = &broker->subscriptions;
    if (!vd_php_broker_usable(broker)) {
        RETURN_THROWS();
    }
    while (*link && (*link)->id != id) {
        link = &(*link)->next;
    }
    struct vd_php_broker_subscription *found = *link;
    if (!found) {
        return;
    }
    *link = found->next;
    vd_broker_unsubscribe(found->made);
    subscription_free(found);
}

static void add_handler(INTERNAL_FUNCTION_PARAMETERS, struct vd_callable_list *list)
{
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_php_broker_serves(Z_OBJ_P(ZEND_THIS))) {
        RETURN_THROWS();
    }
    vd_callable_list_add(list, &fci, &fcc);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, onError)
{
    add_handler(INTERNAL_FUNCTION_PARAM_PASSTHRU, &BROKER()->on_error);
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, onGap)
{
    add_handler(INTERNAL_FUNCTION_PARAM_PASSTHRU, &BROKER()->on_gap);
}

/* ---- poll -------------------------------------------------------------------------------------
 */

/* The handler may end its own subscription, or add to the list it stands in: a copy is called. */
static void call(const struct vd_callable *handler, uint32_t count, zval *arguments)
{
    struct vd_callable copy = *handler;
    zval result;
    Z_TRY_ADDREF(copy.callable);
    vd_callable_call(&copy, count, arguments, &result);
    zval_ptr_dtor(&result);
    for (uint32_t i = 0; i < count; i++) {
        zval_ptr_dtor(&arguments[i]);
    }
    vd_callable_finish(&copy);
}

/* Not after a handler threw, nor in a process that it forked: what else has come is the parent's.
 */
static bool may_go_on(const struct vd_php_broker *broker)
{
    return !EG(exception) && !vd_php_broker_is_copy(broker);
}

/* Call each handler of a list; @arguments are released. */
static void call_all(const struct vd_php_broker *broker, const struct vd_callable_list *list,
                     uint32_t count, zval *arguments)
{
    for (uint32_t i = 0; i < list->count && may_go_on(broker); i++) {
        zval copies[3];
        for (uint32_t j = 0; j < count; j++) {
            ZVAL_COPY(&copies[j], &arguments[j]);
        }
        call(&list->items[i], count, copies);
    }
    for (uint32_t i = 0; i < count; i++) {
        zval_ptr_dtor(&arguments[i]);
    }
}

static bool deliver_message(struct vd_php_broker *broker, struct vd_php_arrival *arrival)
{
    const struct vd_php_broker_subscription *subscription = broker->subscriptions;
    zval message;
    while (subscription && subscription->id != arrival->subscription) {
        subscription = subscription->next;
    }
    if (!subscription) { /* ended since */
        free(arrival);
        return false;
    }
    vd_php_message_create(&message, &arrival->message);
    free(arrival);
    call(&subscription->handler, 1, &message);
    return true;
}

static void deliver_gap(const struct vd_php_broker *broker, struct vd_php_arrival *arrival)
{
    static const char *const reasons[] = {[VD_GAP_SEQUENCE] = "sequence",
                                          [VD_GAP_OVERFLOW] = "overflow",
                                          [VD_GAP_RECONNECT] = "reconnect"};
    zval arguments[3];
    ZVAL_STRING(&arguments[0], reasons[arrival->gap.reason]);
    ZVAL_LONG(&arguments[1], (zend_long)arrival->gap.missed);
    ZVAL_STRINGL(&arguments[2], arrival->gap.origin ? arrival->gap.origin : "",
                 arrival->gap.origin ? arrival->gap.origin_length : 0);
    free(arrival);
    call_all(broker, &broker->on_gap, 3, arguments);
}

static void deliver_failure(const struct vd_php_broker *broker, struct vd_php_arrival *arrival)
{
    zval exception;
    vd_php_trouble_exception(&exception, &(struct vd_php_trouble){
                                             .code = arrival->failure.code,
                                             .driver = broker->display,
                                             .driver_length = strlen(broker->display),
                                             .attempt = arrival->failure.attempt,
                                             .next_delay_ms = arrival->failure.next_delay_ms,
                                             .text = arrival->failure.text,
                                             .text_length = strlen(arrival->failure.text),
                                         });
    free(arrival);
    call_all(broker, &broker->on_error, 1, &exception);
}

/* What is in the inbox; stops at an exception. Returns the number of messages handled. */
static zend_long deliver(struct vd_php_broker *broker)
{
    zend_long count = 0;
    struct vd_php_arrival *arrival;
    broker->delivering = true;
    while (may_go_on(broker) && (arrival = vd_php_inbox_take(&broker->inbox)) != NULL) {
        if (arrival->kind == VD_ARRIVED_MESSAGE) {
            count += deliver_message(broker, arrival);
        } else if (arrival->kind == VD_ARRIVED_GAP) {
            deliver_gap(broker, arrival);
        } else {
            deliver_failure(broker, arrival);
        }
    }
    broker->delivering = false;
    return count;
}

static zend_long poll_until(struct vd_php_broker *broker, uint64_t deadline_ms)
{
    zend_long count = 0;
    bool woken = true;
    for (;;) {
        uint64_t now_ms = vd_monotonic_ms();
        bool ready = broker->inbox.first != NULL;
        uint64_t wait_ms = ready || now_ms >= deadline_ms ? 0 : deadline_ms - now_ms;
        if (!vd_php_broker_open(broker) || !vd_php_broker_step(broker, wait_ms, &woken)) {
            return count;
        }
        count += deliver(broker);
        if (count > 0 || !may_go_on(broker) || !broker->handle || !woken || now_ms >= deadline_ms) {
            return count;
        }
    }
}

static bool poll_timeout(const zval *seconds, uint32_t *timeout_ms)
{
    double wanted_s = zval_get_double((zval *)seconds);
    if (!(wanted_s >= 0.0 && wanted_s <= 86400.0)) { /* NAN, too */
        zend_argument_value_error(1, "must be between 0 and 86400 seconds, %.*G given", 6,
                                  wanted_s);
        return false;
    }
    *timeout_ms = (uint32_t)(wanted_s * 1000.0 + 0.5);
    return true;
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, poll)
{
    zval *seconds = NULL;
    uint32_t timeout_ms = POLL_TIMEOUT_MS;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(seconds)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_broker *broker = BROKER();
    if (seconds && !poll_timeout(seconds, &timeout_ms)) {
        RETURN_THROWS();
    }
    if (!vd_php_broker_usable(broker)) {
        RETURN_THROWS();
    }
    if (broker->delivering) {
        static const char text[] = "poll() cannot be called within a handler of the same object";
        vd_php_trouble_throw(&(struct vd_php_trouble){.code = VD_ERR_STATE,
                                                      .driver = broker->display,
                                                      .driver_length = strlen(broker->display),
                                                      .text = text,
                                                      .text_length = strlen(text)});
        RETURN_THROWS();
    }
    RETURN_LONG(poll_until(broker, vd_monotonic_ms() + timeout_ms));
}

/* ---- facts ------------------------------------------------------------------------------------
 */

ZEND_METHOD(Viaduct_Broker_RedisBroker, isConnected)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_php_broker *broker = BROKER();
    struct vd_broker_status status;
    if (!vd_php_broker_usable(broker)) {
        RETURN_THROWS();
    }
    if (!broker->handle) {
        RETURN_FALSE;
    }
    if (!vd_php_broker_step(broker, 0, NULL)) {
        RETURN_THROWS();
    }
    vd_broker_status(broker->handle, &status);
    RETURN_BOOL(status.connected);
}

static const char *state_name(const struct vd_broker_status *status)
{
    static const char *const names[] = {[VD_BROKER_CONNECTING] = "connecting",
                                        [VD_BROKER_CONNECTED] = "connected",
                                        [VD_BROKER_WAITING] = "waiting",
                                        [VD_BROKER_CLOSING] = "closing",
                                        [VD_BROKER_CLOSED] = "idle"};
    return names[status->state];
}

static void add_counters(zval *facts, const struct vd_broker_counters *values)
{
    zval counters;
    array_init(&counters);
#define ADD(name, help) add_assoc_long(&counters, #name, (zend_long)values->name);
    VD_BROKER_COUNTER_MAP(ADD)
#undef ADD
    add_assoc_zval(facts, "counters", &counters);
}

ZEND_METHOD(Viaduct_Broker_RedisBroker, status)
{
    ZEND_PARSE_PARAMETERS_NONE();
    const struct vd_php_broker *broker = BROKER();
    struct vd_broker_status status = {.state = VD_BROKER_CLOSED};
    if (!vd_php_broker_usable(broker)) {
        RETURN_THROWS();
    }
    if (broker->handle) {
        vd_broker_status(broker->handle, &status);
    }
    array_init(return_value);
    add_assoc_string(return_value, "driver", broker->display);
    add_assoc_string(return_value, "state", state_name(&status));
    add_assoc_bool(return_value, "connected", status.connected);
    add_assoc_long(return_value, "attempts", status.attempts);
    add_assoc_double(return_value, "nextDelay", status.next_delay_ms / 1000.0);
    if (status.rtt_us > 0) {
        add_assoc_double(return_value, "rtt", (double)status.rtt_us / 1e6);
    } else {
        add_assoc_null(return_value, "rtt");
    }
    add_assoc_long(return_value, "outboxMessages", (zend_long)status.outbox_messages);
    add_assoc_long(return_value, "outboxBytes", (zend_long)status.outbox_bytes);
    if (broker->handle) {
        add_assoc_string(return_value, "nodeId", vd_broker_node_id(broker->handle));
    } else {
        add_assoc_null(return_value, "nodeId");
    }
    add_counters(return_value, &status.counters);
}
