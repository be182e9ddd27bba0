/* SPDX-License-Identifier: Apache-2.0 */
/* Shared state's own part of the module: its classes and exceptions. The generated header is
 * included here only, since its registration functions are static. */
#include <ext/spl/spl_exceptions.h>
#include <zend_interfaces.h>

#include "class_counter.h"
#include "class_store.h"
#include "php_viaduct.h"
#include "state_error.h"

#include "state_arginfo.h"

zend_class_entry *vd_ce_store;
zend_class_entry *vd_ce_rows;
zend_class_entry *vd_ce_window;
zend_class_entry *vd_ce_counter;
zend_class_entry *vd_ce_unknown_table_exception;
zend_class_entry *vd_ce_unknown_column_exception;
zend_class_entry *vd_ce_value_type_exception;
zend_class_entry *vd_ce_integer_range_exception;
zend_class_entry *vd_ce_value_too_long_exception;
zend_class_entry *vd_ce_capacity_exception;
zend_class_entry *vd_ce_key_length_exception;
zend_class_entry *vd_ce_schema_exception;
zend_class_entry *vd_ce_not_shared_exception;
zend_class_entry *vd_ce_busy_exception;
zend_class_entry *vd_ce_shared_memory_exception;

#define REGISTER(name, parent) register_class_Viaduct_Exception_##name(parent, state)

static void register_exceptions(void)
{
    zend_class_entry *state = register_class_Viaduct_Exception_StateException(zend_ce_throwable);
    vd_ce_unknown_table_exception = REGISTER(UnknownTableException, spl_ce_OutOfBoundsException);
    vd_ce_unknown_column_exception = REGISTER(UnknownColumnException, spl_ce_OutOfBoundsException);
    vd_ce_value_type_exception = REGISTER(ValueTypeException, spl_ce_InvalidArgumentException);
    vd_ce_integer_range_exception = REGISTER(IntegerRangeException, spl_ce_OverflowException);
    vd_ce_value_too_long_exception = REGISTER(ValueTooLongException, spl_ce_OverflowException);
    vd_ce_capacity_exception = REGISTER(CapacityException, spl_ce_OverflowException);
    vd_ce_key_length_exception = REGISTER(KeyLengthException, spl_ce_LengthException);
    vd_ce_schema_exception = REGISTER(SchemaException, spl_ce_InvalidArgumentException);
    vd_ce_not_shared_exception = REGISTER(NotSharedException, spl_ce_LogicException);
    vd_ce_busy_exception = REGISTER(BusyException, spl_ce_RuntimeException);
    vd_ce_shared_memory_exception = REGISTER(SharedMemoryException, spl_ce_RuntimeException);
}

void vd_php_state_setup(void)
{
    register_exceptions();
    vd_ce_store = register_class_Viaduct_Store();
    vd_ce_rows = register_class_Viaduct_Rows(zend_ce_aggregate, zend_ce_countable);
    vd_ce_window = register_class_Viaduct_Window();
    vd_ce_counter = register_class_Viaduct_Counter();
    register_class_Viaduct_GlobalState();
    vd_php_rows_setup();
    vd_php_counter_setup();
}

void vd_php_state_throw(const struct vd_error *error, zend_class_entry *ce)
{
    zend_throw_exception(ce, error->text[0] ? error->text : vd_err_text(error->code), 0);
}

void vd_php_state_throw_operation(const struct vd_error *error, zend_class_entry *too_large)
{
    zend_class_entry *ce = vd_ce_shared_memory_exception;
    if (error->code == VD_ERR_INVALID) {
        ce = vd_ce_key_length_exception;
    } else if (error->code == VD_ERR_TOO_LARGE) {
        ce = too_large;
    } else if (error->code == VD_ERR_FULL) {
        ce = vd_ce_capacity_exception;
    } else if (error->code == VD_ERR_TIMEOUT) {
        ce = vd_ce_busy_exception;
    }
    vd_php_state_throw(error, ce);
}
