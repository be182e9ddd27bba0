/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's link without a server, in whatever process runs PHP: opened at its first use, driven
 * by the calls of its object.
 *
 * Happy path: the handle is opened, stepped until it is up, given a message, stepped until that is
 * confirmed. The library's callbacks put what they bring into the inbox; no PHP runs in there but
 * the credentials callable, whose exceptions and bailouts are held until the library's frames are
 * left.
 *
 * Failure modes: a server that is away is tried again as long as the next attempt falls within the
 * caller's time; one that refuses (credentials, certificate) is an exception at once. A message is
 * handed over only when the link is up: what fails before that was never sent. A signal or
 * max_execution_time ends a wait at once. */
#include "class_broker_network.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <zend_exceptions.h>

#include <viaduct/clock.h>

#include "broker_exception.h"
#include "php_viaduct.h"
#include "run_worker.h"

#define SLICE_MS 250 /* of a wait: a signal that comes right before it is noticed after that */

/* ---- exceptions -------------------------------------------------------------------------------
 */

static void throw_text(const struct vd_php_broker *broker, enum vd_err code, bool may_arrive,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

static void throw_text(const struct vd_php_broker *broker, enum vd_err code, bool may_arrive,
                       const char *format, ...)
{
    char text[VD_ERROR_TEXT_BYTES * 3];
    struct vd_broker_status status = {0};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (broker->handle) {
        vd_broker_status(broker->handle, &status);
    }
    vd_php_trouble_throw(&(struct vd_php_trouble){
        .code = code,
        .driver = broker->display,
        .driver_length = strlen(broker->display),
        .attempt = status.attempts,
        .next_delay_ms = status.next_delay_ms,
        .may_arrive = may_arrive,
        .text = text,
        .text_length = strlen(text),
    });
}

/* " redis.internal:6379"; nothing where there are several: the text says which of them. */
static void place(const struct vd_php_broker *broker, char *text, size_t size)
{
    const char *host = ZSTR_VAL(broker->settings.texts[VD_BROKER_HOST]);

    if (Z_TYPE(broker->settings.servers) == IS_ARRAY) {
        snprintf(text, size, "%s", "");
    } else if (*host == '/') {
        snprintf(text, size, " %s", host);
    } else {
        bool brackets = strchr(host, ':') != NULL;
        snprintf(text, size, " %s%s%s:" ZEND_LONG_FMT, brackets ? "[" : "", host,
                 brackets ? "]" : "", broker->settings.port);
    }
}

static void throw_failure(const struct vd_php_broker *broker, bool may_arrive)
{
    char where[VD_ERROR_TEXT_BYTES + 32];

    place(broker, where, sizeof(where));
    throw_text(broker, broker->failure.code, may_arrive, "%s%s: %s%s", broker->display, where,
               broker->failure.text,
               may_arrive ? "; the message may have arrived, or may still" : "");
}

/* ---- callbacks of the library -----------------------------------------------------------------
 */

static void on_message(struct vd_broker *handle, const struct vd_message *message, void *context)
{
    const struct vd_php_broker_subscription *subscription = context;

    (void)handle;
    vd_php_inbox_message(&subscription->broker->inbox, subscription->id, message);
}

static void on_gap(struct vd_broker *handle, const struct vd_broker_gap *gap, void *context)
{
    struct vd_php_broker *broker = context;

    (void)handle;
    if (broker->on_gap.count > 0) {
        vd_php_inbox_gap(&broker->inbox, gap);
    }
}

static void on_error(struct vd_broker *handle, const struct vd_broker_failure *failure,
                     void *context)
{
    struct vd_php_broker *broker = context;

    (void)handle;
    broker->failure = (struct vd_php_failure){.code = failure->code,
                                              .attempt = failure->attempt,
                                              .next_delay_ms = failure->next_delay_ms};
    snprintf(broker->failure.text, sizeof(broker->failure.text), "%s", failure->text);
    broker->failed_at_ms = vd_monotonic_ms();
    broker->failures++;
    if (broker->on_error.count > 0) {
        vd_php_inbox_failure(&broker->inbox, &broker->failure);
    }
}

/* ---- credentials ------------------------------------------------------------------------------
 */

/* false: it is there and no text that a C string can hold. The text is added to @kept, since what
 * the user's array refers to may change. */
static bool credential(const zval *answer, zval *kept, const char *name, const char **text)
{
    zval *value = zend_hash_str_find_deref(Z_ARRVAL_P(answer), name, strlen(name));

    *text = NULL;
    if (!value || Z_TYPE_P(value) == IS_NULL) {
        return true;
    }
    if (Z_TYPE_P(value) != IS_STRING || Z_STRLEN_P(value) == 0 ||
        strlen(Z_STRVAL_P(value)) != Z_STRLEN_P(value)) {
        return false;
    }
    *text = Z_STRVAL_P(value);
    add_next_index_str(kept, zend_string_copy(Z_STR_P(value)));
    return true;
}

static bool read_credentials(const zval *answer, zval *kept, bool is_nats,
                             struct vd_broker_credentials *credentials)
{
    if (Z_TYPE_P(answer) != IS_ARRAY) {
        return false;
    }
    return credential(answer, kept, "username", &credentials->username) &&
           credential(answer, kept, "password", &credentials->password) &&
           (!is_nats || (credential(answer, kept, "authToken", &credentials->token) &&
                         credential(answer, kept, "nkeySeedFile", &credentials->seed_file) &&
                         credential(answer, kept, "credsFile", &credentials->creds_file)));
}

bool vd_php_broker_credentials(const struct vd_php_broker *broker, zval *kept,
                               struct vd_broker_credentials *credentials)
{
    zval answer;

    array_init(kept);
    vd_callable_call(&broker->settings.credentials, 0, NULL, &answer);
    if (!EG(exception) && !read_credentials(&answer, kept, broker->is_nats, credentials)) {
        zend_type_error("%s: $credentials must return an array of texts by the names of the "
                        "constructor's parameters, %s returned",
                        broker->display, zend_zval_type_name(&answer));
    }
    zval_ptr_dtor(&answer); /* may run code of the user */
    return !EG(exception);
}

struct asking {
    struct vd_php_broker *broker;
    struct vd_broker_credentials *credentials;
    bool fine;
};

static void ask(void *argument)
{
    struct asking *asking = argument;
    zval kept;

    asking->fine = vd_php_broker_credentials(asking->broker, &kept, asking->credentials);
    zval_ptr_dtor(&asking->broker->answer);
    ZVAL_COPY_VALUE(&asking->broker->answer, &kept);
}

static enum vd_err ask_credentials(struct vd_broker_credentials *credentials, void *context)
{
    struct vd_php_broker *broker = context;
    struct asking asking = {broker, credentials, false};

    if (EG(exception) || broker->bailed_out) {
        return VD_ERR_STATE;
    }
    broker->asking = true;
    broker->bailed_out = !vd_php_guard(ask, &asking);
    broker->asking = false;
    return asking.fine && !broker->bailed_out ? VD_OK : VD_ERR_STATE;
}

/* ---- life -------------------------------------------------------------------------------------
 */

bool vd_php_broker_is_copy(const struct vd_php_broker *broker)
{
    return broker->handle && broker->pid != getpid();
}

bool vd_php_broker_usable(const struct vd_php_broker *broker)
{
    if (!vd_php_broker_serves((zend_object *)&broker->std)) {
        return false;
    }
    if (vd_php_broker_is_copy(broker)) {
        throw_text(broker, VD_ERR_STATE, false,
                   "This %s was opened by another process, before the fork (pid %d), and a link "
                   "cannot be shared: make a new object here",
                   broker->display, (int)broker->pid);
        return false;
    }
    return true;
}

bool vd_php_broker_join(struct vd_php_broker_subscription *subscription)
{
    struct vd_php_broker *broker = subscription->broker;
    struct vd_error error = {0};

    error.code = vd_broker_subscribe(broker->handle, ZSTR_VAL(subscription->pattern),
                                     ZSTR_LEN(subscription->pattern), on_message, subscription,
                                     &subscription->made, &error);
    if (error.code) {
        vd_php_throw(&error);
    }
    return error.code == VD_OK;
}

bool vd_php_broker_open(struct vd_php_broker *broker)
{
    struct vd_broker_options options = broker->settings.options;
    struct vd_error error = {0};

    if (broker->handle) {
        return true;
    }
    options.on_error = on_error;
    options.on_gap = on_gap;
    options.context = broker;
    if (!Z_ISUNDEF(broker->settings.credentials.callable)) {
        options.credentials_for_attempt = ask_credentials;
    }
    error.code = vd_broker_open(&options, &broker->handle, &error);
    if (error.code) {
        broker->handle = NULL;
        vd_php_throw(&error);
        return false;
    }
    broker->pid = getpid();
    broker->failure = (struct vd_php_failure){.code = VD_OK};
    for (struct vd_php_broker_subscription *at = broker->subscriptions; at; at = at->next) {
        if (!vd_php_broker_join(at)) {
            vd_php_broker_end(broker);
            return false;
        }
    }
    return true;
}

void vd_php_broker_end(struct vd_php_broker *broker)
{
    vd_broker_destroy(broker->handle); /* and its subscriptions */
    broker->handle = NULL;
    for (struct vd_php_broker_subscription *at = broker->subscriptions; at; at = at->next) {
        at->made = NULL;
    }
    vd_php_inbox_finish(&broker->inbox);
    zval_ptr_dtor(&broker->answer);
    ZVAL_UNDEF(&broker->answer);
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

/* What PHP's own virtual machine does between two instructions: signal handlers, and the end of
 * max_execution_time. */
static void serve_interrupts(void)
{
    if (!zend_atomic_bool_exchange_ex(&EG(vm_interrupt), false)) {
        return;
    }
    if (zend_atomic_bool_load_ex(&EG(timed_out))) {
        zend_timeout();
    } else if (zend_interrupt_function) {
        zend_interrupt_function(EG(current_execute_data));
    }
}

bool vd_php_broker_step(struct vd_php_broker *broker, uint64_t timeout_ms, bool *woken)
{
    if (broker->asking && timeout_ms > 0) {
        throw_text(broker, VD_ERR_STATE, false,
                   "%s: its own $credentials cannot wait for the link that they are for",
                   broker->display);
        return false;
    }
    struct pollfd ready = {.fd = vd_broker_fd(broker->handle), .events = POLLIN};
    int count = poll(&ready, 1, (int)(timeout_ms < SLICE_MS ? timeout_ms : SLICE_MS));

    if (woken) {
        *woken = count >= 0;
    }
    if (count > 0) {
        vd_broker_dispatch(broker->handle);
    }
    if (broker->bailed_out) {
        zend_bailout();
    }
    if (!EG(exception)) {
        serve_interrupts();
    }
    if (!EG(exception) && !broker->handle) { /* a signal handler closed it */
        throw_text(broker, VD_ERR_STATE, false, "The %s was closed meanwhile", broker->display);
    }
    return !EG(exception);
}

static uint64_t left_ms(uint64_t deadline_ms)
{
    uint64_t now_ms = vd_monotonic_ms();
    return now_ms < deadline_ms ? deadline_ms - now_ms : 0;
}

/* The server has said no: trying again within the caller's time would be told the same. */
static bool is_refusal(enum vd_err code)
{
    return code == VD_ERR_AUTHENTICATION || code == VD_ERR_TLS;
}

/* Should a caller that has time until @deadline_ms wait on? Not when the last attempt was refused,
 * nor when the next one comes too late. */
static bool is_hopeless(const struct vd_php_broker *broker, const struct vd_broker_status *status,
                        uint64_t deadline_ms)
{
    if (status->state != VD_BROKER_WAITING || broker->failure.code == VD_OK) {
        return false;
    }
    return is_refusal(broker->failure.code) ||
           broker->failed_at_ms + status->next_delay_ms >= deadline_ms;
}

static void throw_late(const struct vd_php_broker *broker, uint32_t timeout_ms, bool may_arrive)
{
    throw_text(broker, VD_ERR_TIMEOUT, may_arrive, "%s: %s within %.*G seconds%s", broker->display,
               may_arrive ? "the message was not confirmed" : "no link", 6, timeout_ms / 1000.0,
               may_arrive ? "; it may have arrived, or may still" : "; nothing was sent");
}

bool vd_php_broker_connect(struct vd_php_broker *broker, uint64_t deadline_ms, uint32_t timeout_ms)
{
    struct vd_broker_status status;
    uint64_t failures;

    if (!vd_php_broker_open(broker) || !vd_php_broker_step(broker, 0, NULL)) {
        return false;
    }
    failures = broker->failures;
    for (;;) {
        vd_broker_status(broker->handle, &status);
        if (status.connected) {
            return true;
        }
        if (is_hopeless(broker, &status, deadline_ms)) {
            throw_failure(broker, false);
            return false;
        }
        if (left_ms(deadline_ms) == 0) {
            if (broker->failures > failures) {
                throw_failure(broker, false);
            } else {
                throw_late(broker, timeout_ms, false);
            }
            return false;
        }
        if (!vd_php_broker_step(broker, left_ms(deadline_ms), NULL)) {
            return false;
        }
    }
}

bool vd_php_broker_flush(struct vd_php_broker *broker, uint64_t deadline_ms, uint32_t timeout_ms)
{
    struct vd_broker_status status;
    enum vd_err code;

    while ((code = vd_broker_flush(broker->handle, 0)) != VD_OK) {
        if (code == VD_ERR_FULL) { /* refused for good, and dropped */
            throw_failure(broker, false);
            return false;
        }
        vd_broker_status(broker->handle, &status);
        if (status.state == VD_BROKER_WAITING && is_refusal(broker->failure.code)) {
            throw_failure(broker, true);
            return false;
        }
        if (left_ms(deadline_ms) == 0) {
            throw_late(broker, timeout_ms, true);
            return false;
        }
        if (!vd_php_broker_step(broker, left_ms(deadline_ms), NULL)) {
            return false;
        }
    }
    return true;
}

bool vd_php_broker_publish(struct vd_php_broker *broker, const struct vd_message *message,
                           uint32_t timeout_ms)
{
    uint64_t deadline_ms = vd_monotonic_ms() + timeout_ms;
    struct vd_error error = {0};

    error.code = vd_message_check(message, 0, &error);
    if (error.code) {
        vd_php_throw(&error);
        return false;
    }
    if (!vd_php_broker_connect(broker, deadline_ms, timeout_ms)) {
        return false;
    }
    error.code = vd_broker_publish(broker->handle, message, &error);
    if (error.code) {
        throw_text(broker, error.code, false, "%s: %s", broker->display,
                   error.text[0] ? error.text : vd_err_text(error.code));
        return false;
    }
    return vd_php_broker_flush(broker, deadline_ms, timeout_ms);
}
