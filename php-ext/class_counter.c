/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Counter: core/counter.h as an object. The number lives in shared memory, the object is a
 * pointer to it; one without a name has a cell that is never given to another.
 *
 * Failure modes: a sum over 64 bits (IntegerRangeException); one without a name made where nobody
 * else would see it (NotSharedException); all cells or names in use (CapacityException). */
#include "class_counter.h"

#include <zend_interfaces.h>

#include <viaduct/clock.h>

#include "shared_state.h"
#include "state_error.h"

#define TIMEOUT_MAX_S 10000000

static zend_object_handlers counter_handlers;

/* ---- life -------------------------------------------------------------------------------------
 */

static zend_object *counter_create(zend_class_entry *ce)
{
    struct vd_php_counter *counter = zend_object_alloc(sizeof(*counter), ce);
    zend_object_std_init(&counter->std, ce);
    object_properties_init(&counter->std, ce);
    counter->std.handlers = &counter_handlers;
    return &counter->std;
}

static void counter_free(zend_object *object)
{
    struct vd_php_counter *counter = vd_php_counter_from(object);
    if (counter->name) {
        zend_string_release(counter->name);
    }
    zend_object_std_dtor(object);
}

static HashTable *counter_debug_info(zend_object *object, int *is_temporary)
{
    struct vd_php_counter *counter = vd_php_counter_from(object);
    zval info;
    array_init(&info);
    *is_temporary = 1;
    if (counter->name) {
        add_assoc_str(&info, "name", zend_string_copy(counter->name));
    }
    if (counter->counter) {
        add_assoc_long(&info, "value", vd_counter_get(counter->counter));
    }
    return Z_ARRVAL(info);
}

/* Equal are two that are the same in shared memory; by their properties all would be. */
static int counter_compare(zval *a, zval *b)
{
    ZEND_COMPARE_OBJECTS_FALLBACK(a, b);
    bool same = Z_OBJ_HT_P(a) == Z_OBJ_HT_P(b) && vd_php_counter_from(Z_OBJ_P(a))->counter ==
                                                      vd_php_counter_from(Z_OBJ_P(b))->counter;
    return same ? 0 : ZEND_UNCOMPARABLE;
}

void vd_php_counter_setup(void)
{
    vd_ce_counter->create_object = counter_create;
    memcpy(&counter_handlers, &std_object_handlers, sizeof(counter_handlers));
    counter_handlers.offset = XtOffsetOf(struct vd_php_counter, std);
    counter_handlers.free_obj = counter_free;
    counter_handlers.get_debug_info = counter_debug_info;
    counter_handlers.clone_obj = NULL;
    counter_handlers.compare = counter_compare;
}

/* One that nobody else has; NULL after throwing. */
static struct vd_counter *take_cell(void)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    if (!vd_php_shared_may_make("A Counter without a name is made") ||
        !vd_php_shared_make_counters()) {
        return NULL;
    }
    uint32_t used = atomic_load(shared->cells_used);
    if (used >= VD_PHP_COUNTER_CELLS) {
        zend_throw_exception_ex(vd_ce_capacity_exception, 0,
                                "all of the %d counters without a name are in use; keep those that "
                                "are there instead of making new ones",
                                VD_PHP_COUNTER_CELLS);
        return NULL;
    }
    atomic_store(shared->cells_used, used + 1);
    return &shared->cells[used];
}

static struct vd_counter *find_named(const zend_string *name, zend_long initial)
{
    struct vd_counter *counter = NULL;
    struct vd_error error = {0};
    if (!VIADUCT_G(shared)->counters &&
        !(vd_php_shared_may_make("The first Counter is made") && vd_php_shared_make_counters())) {
        return NULL;
    }
    error.code = vd_counters_get(VIADUCT_G(shared)->counters, ZSTR_VAL(name), ZSTR_LEN(name),
                                 initial, &counter, &error);
    if (error.code != VD_OK) {
        vd_php_state_throw_operation(&error, vd_ce_capacity_exception);
    }
    return counter;
}

ZEND_METHOD(Viaduct_Counter, __construct)
{
    zend_long initial = 0;
    zend_string *name = NULL;
    ZEND_PARSE_PARAMETERS_START(0, 2)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(initial)
    Z_PARAM_STR_OR_NULL(name)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_counter *counter = vd_php_counter_from(Z_OBJ_P(ZEND_THIS));
    if (counter->counter) {
        zend_throw_error(NULL, "A Counter is constructed once");
        RETURN_THROWS();
    }
    counter->counter = name ? find_named(name, initial) : take_cell();
    if (!counter->counter) {
        RETURN_THROWS();
    }
    if (name) {
        counter->name = zend_string_copy(name);
    } else {
        vd_counter_set(counter->counter, initial);
    }
}

/* ---- operations -------------------------------------------------------------------------------
 */

/* NULL after throwing: a subclass's or a reflection's object may not be constructed. */
static zend_always_inline struct vd_counter *counter_this(const zval *this_zval)
{
    struct vd_counter *counter = vd_php_counter_from(Z_OBJ_P(this_zval))->counter;
    if (UNEXPECTED(!counter)) {
        zend_throw_error(NULL, "The Counter was not constructed");
    }
    return counter;
}

static zend_always_inline void changing(const struct vd_counter *counter)
{
    if (UNEXPECTED(VIADUCT_G(shared)->bound)) {
        vd_php_changing_bound(NULL, counter, NULL);
    }
}

static zend_always_inline void changed(const struct vd_counter *counter)
{
    if (UNEXPECTED(VIADUCT_G(shared)->bound)) {
        vd_php_changed_bound(NULL, counter, NULL);
    }
}

static zend_always_inline void add(zend_execute_data *execute_data, zval *return_value, bool down)
{
    zend_long by = 1;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(by)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_counter *counter = counter_this(ZEND_THIS);
    struct vd_error error;
    int64_t result;
    if (UNEXPECTED(!counter)) {
        RETURN_THROWS();
    }
    changing(counter);
    error.code = (down ? vd_counter_sub : vd_counter_add)(counter, by, &result, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_state_throw(&error, vd_ce_integer_range_exception);
        RETURN_THROWS();
    }
    changed(counter);
    RETURN_LONG(result);
}

ZEND_METHOD(Viaduct_Counter, increment)
{
    add(execute_data, return_value, false);
}

ZEND_METHOD(Viaduct_Counter, decrement)
{
    add(execute_data, return_value, true);
}

ZEND_METHOD(Viaduct_Counter, get)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_counter *counter = counter_this(ZEND_THIS);
    if (UNEXPECTED(!counter)) {
        RETURN_THROWS();
    }
    RETURN_LONG(vd_counter_get(counter));
}

ZEND_METHOD(Viaduct_Counter, set)
{
    zend_long value;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_LONG(value)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_counter *counter = counter_this(ZEND_THIS);
    if (UNEXPECTED(!counter)) {
        RETURN_THROWS();
    }
    changing(counter);
    vd_counter_set(counter, value);
    changed(counter);
}

ZEND_METHOD(Viaduct_Counter, compareAndSet)
{
    zend_long expected;
    zend_long value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_LONG(expected)
    Z_PARAM_LONG(value)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_counter *counter = counter_this(ZEND_THIS);
    if (UNEXPECTED(!counter)) {
        RETURN_THROWS();
    }
    changing(counter);
    bool swapped = vd_counter_compare_and_set(counter, expected, value);
    if (swapped) {
        changed(counter);
    }
    RETURN_BOOL(swapped);
}

/* ---- wait() -----------------------------------------------------------------------------------
 */

void vd_php_serve_interrupt(zend_execute_data *execute_data)
{
    if (EXPECTED(!zend_atomic_bool_load_ex(&EG(vm_interrupt)))) {
        return;
    }
    zend_atomic_bool_store_ex(&EG(vm_interrupt), false);
    if (zend_atomic_bool_load_ex(&EG(timed_out))) {
        zend_timeout();
    } else if (zend_interrupt_function) {
        zend_interrupt_function(execute_data);
    }
}

ZEND_METHOD(Viaduct_Counter, wait)
{
    zend_long value;
    zval *timeout = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_LONG(value)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER_OR_NULL(timeout)
    ZEND_PARSE_PARAMETERS_END();
    double seconds = timeout ? zval_get_double(timeout) : TIMEOUT_MAX_S;
    if (!(seconds >= 0 && seconds <= TIMEOUT_MAX_S)) {
        zend_argument_value_error(2, "must be between 0 and %d seconds, %g given", TIMEOUT_MAX_S,
                                  seconds);
        RETURN_THROWS();
    }
    struct vd_counter *counter = counter_this(ZEND_THIS);
    uint64_t now_ms = vd_monotonic_ms();
    uint64_t end_ms = timeout ? now_ms + (uint64_t)(seconds * 1000 + 0.5) : UINT64_MAX;
    enum vd_err code = VD_ERR_TIMEOUT;
    while (counter) {
        uint64_t left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
        int64_t slice_ms =
            left_ms < VD_COUNTER_WAIT_SLICE ? (int64_t)left_ms : VD_COUNTER_WAIT_SLICE;
        code = vd_counter_wait(counter, value, slice_ms, NULL);
        if (code == VD_OK || left_ms == 0) {
            break;
        }
        vd_php_serve_interrupt(execute_data);
        if (EG(exception)) {
            break;
        }
        now_ms = vd_monotonic_ms();
    }
    if (UNEXPECTED(EG(exception))) {
        RETURN_THROWS();
    }
    RETURN_BOOL(code == VD_OK);
}
