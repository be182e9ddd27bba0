/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: bd7eba1572499b212e1fd46a041d04b0e7add5a9 */

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Store___construct, 0, 0, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_make, 0, 3, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, maxRows, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO(0, columns, IS_ARRAY, 0)
	ZEND_ARG_TYPE_MASK(0, ttl, MAY_BE_LONG|MAY_BE_DOUBLE, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_set, 0, 3, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, values, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_class_Viaduct_Store_get, 0, 2, MAY_BE_ARRAY|MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_STRING|MAY_BE_NULL)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, column, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_class_Viaduct_Store_incr, 0, 3, MAY_BE_LONG|MAY_BE_DOUBLE)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, column, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, by, MAY_BE_LONG|MAY_BE_DOUBLE, "1")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Store_decr arginfo_class_Viaduct_Store_incr

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Viaduct_Store_incrWindow, 0, 5, Viaduct\\Window, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, column, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, by, IS_LONG, 0)
	ZEND_ARG_TYPE_MASK(0, seconds, MAY_BE_LONG|MAY_BE_DOUBLE, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_compareAndSet, 0, 5, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, column, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, expected, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_STRING, NULL)
	ZEND_ARG_TYPE_MASK(0, value, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_STRING, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_del, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Store_exists arginfo_class_Viaduct_Store_del

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_count, 0, 1, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Viaduct_Store_iterate, 0, 1, Viaduct\\Rows, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_clear, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Store_names, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Rows___construct arginfo_class_Viaduct_Store___construct

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Viaduct_Rows_getIterator, 0, 0, Iterator, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Rows_count, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Window___construct arginfo_class_Viaduct_Store___construct

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Counter___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, initial, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, name, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Counter_increment, 0, 0, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, by, IS_LONG, 0, "1")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Counter_decrement arginfo_class_Viaduct_Counter_increment

#define arginfo_class_Viaduct_Counter_get arginfo_class_Viaduct_Rows_count

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Counter_set, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Counter_compareAndSet, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, expected, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Counter_wait, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_LONG, 0)
	ZEND_ARG_TYPE_MASK(0, timeout, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, "null")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_GlobalState___construct arginfo_class_Viaduct_Store___construct

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_make, 0, 0, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maxRows, IS_LONG, 0, "1024")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maxValueBytes, IS_LONG, 0, "4096")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_get, 0, 1, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, default, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_set, 0, 2, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_has, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_GlobalState_delete arginfo_class_Viaduct_GlobalState_has

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_class_Viaduct_GlobalState_increment, 0, 1, MAY_BE_LONG|MAY_BE_DOUBLE)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, by, MAY_BE_LONG|MAY_BE_DOUBLE, "1")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_compareAndSet, 0, 3, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, expected, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_GlobalState_keys arginfo_class_Viaduct_Store_names

#define arginfo_class_Viaduct_GlobalState_count arginfo_class_Viaduct_Rows_count

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_clear, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_GlobalState_remember, 0, 3, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, ttl, MAY_BE_LONG|MAY_BE_DOUBLE, NULL)
	ZEND_ARG_TYPE_INFO(0, compute, IS_CALLABLE, 0)
	ZEND_ARG_TYPE_MASK(0, lease, MAY_BE_LONG|MAY_BE_DOUBLE, "10")
ZEND_END_ARG_INFO()


ZEND_METHOD(Viaduct_Store, __construct);
ZEND_METHOD(Viaduct_Store, make);
ZEND_METHOD(Viaduct_Store, set);
ZEND_METHOD(Viaduct_Store, get);
ZEND_METHOD(Viaduct_Store, incr);
ZEND_METHOD(Viaduct_Store, decr);
ZEND_METHOD(Viaduct_Store, incrWindow);
ZEND_METHOD(Viaduct_Store, compareAndSet);
ZEND_METHOD(Viaduct_Store, del);
ZEND_METHOD(Viaduct_Store, exists);
ZEND_METHOD(Viaduct_Store, count);
ZEND_METHOD(Viaduct_Store, iterate);
ZEND_METHOD(Viaduct_Store, clear);
ZEND_METHOD(Viaduct_Store, names);
ZEND_METHOD(Viaduct_Rows, __construct);
ZEND_METHOD(Viaduct_Rows, getIterator);
ZEND_METHOD(Viaduct_Rows, count);
ZEND_METHOD(Viaduct_Window, __construct);
ZEND_METHOD(Viaduct_Counter, __construct);
ZEND_METHOD(Viaduct_Counter, increment);
ZEND_METHOD(Viaduct_Counter, decrement);
ZEND_METHOD(Viaduct_Counter, get);
ZEND_METHOD(Viaduct_Counter, set);
ZEND_METHOD(Viaduct_Counter, compareAndSet);
ZEND_METHOD(Viaduct_Counter, wait);
ZEND_METHOD(Viaduct_GlobalState, __construct);
ZEND_METHOD(Viaduct_GlobalState, make);
ZEND_METHOD(Viaduct_GlobalState, get);
ZEND_METHOD(Viaduct_GlobalState, set);
ZEND_METHOD(Viaduct_GlobalState, has);
ZEND_METHOD(Viaduct_GlobalState, delete);
ZEND_METHOD(Viaduct_GlobalState, increment);
ZEND_METHOD(Viaduct_GlobalState, compareAndSet);
ZEND_METHOD(Viaduct_GlobalState, keys);
ZEND_METHOD(Viaduct_GlobalState, count);
ZEND_METHOD(Viaduct_GlobalState, clear);
ZEND_METHOD(Viaduct_GlobalState, remember);


static const zend_function_entry class_Viaduct_Store_methods[] = {
	ZEND_ME(Viaduct_Store, __construct, arginfo_class_Viaduct_Store___construct, ZEND_ACC_PRIVATE)
	ZEND_ME(Viaduct_Store, make, arginfo_class_Viaduct_Store_make, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, set, arginfo_class_Viaduct_Store_set, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, get, arginfo_class_Viaduct_Store_get, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, incr, arginfo_class_Viaduct_Store_incr, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, decr, arginfo_class_Viaduct_Store_decr, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, incrWindow, arginfo_class_Viaduct_Store_incrWindow, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, compareAndSet, arginfo_class_Viaduct_Store_compareAndSet, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, del, arginfo_class_Viaduct_Store_del, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, exists, arginfo_class_Viaduct_Store_exists, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, count, arginfo_class_Viaduct_Store_count, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, iterate, arginfo_class_Viaduct_Store_iterate, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, clear, arginfo_class_Viaduct_Store_clear, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Store, names, arginfo_class_Viaduct_Store_names, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Rows_methods[] = {
	ZEND_ME(Viaduct_Rows, __construct, arginfo_class_Viaduct_Rows___construct, ZEND_ACC_PRIVATE)
	ZEND_ME(Viaduct_Rows, getIterator, arginfo_class_Viaduct_Rows_getIterator, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Rows, count, arginfo_class_Viaduct_Rows_count, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Window_methods[] = {
	ZEND_ME(Viaduct_Window, __construct, arginfo_class_Viaduct_Window___construct, ZEND_ACC_PRIVATE)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Counter_methods[] = {
	ZEND_ME(Viaduct_Counter, __construct, arginfo_class_Viaduct_Counter___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Counter, increment, arginfo_class_Viaduct_Counter_increment, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Counter, decrement, arginfo_class_Viaduct_Counter_decrement, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Counter, get, arginfo_class_Viaduct_Counter_get, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Counter, set, arginfo_class_Viaduct_Counter_set, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Counter, compareAndSet, arginfo_class_Viaduct_Counter_compareAndSet, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Counter, wait, arginfo_class_Viaduct_Counter_wait, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_GlobalState_methods[] = {
	ZEND_ME(Viaduct_GlobalState, __construct, arginfo_class_Viaduct_GlobalState___construct, ZEND_ACC_PRIVATE)
	ZEND_ME(Viaduct_GlobalState, make, arginfo_class_Viaduct_GlobalState_make, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, get, arginfo_class_Viaduct_GlobalState_get, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, set, arginfo_class_Viaduct_GlobalState_set, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, has, arginfo_class_Viaduct_GlobalState_has, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, delete, arginfo_class_Viaduct_GlobalState_delete, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, increment, arginfo_class_Viaduct_GlobalState_increment, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, compareAndSet, arginfo_class_Viaduct_GlobalState_compareAndSet, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, keys, arginfo_class_Viaduct_GlobalState_keys, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, count, arginfo_class_Viaduct_GlobalState_count, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, clear, arginfo_class_Viaduct_GlobalState_clear, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_GlobalState, remember, arginfo_class_Viaduct_GlobalState_remember, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_StateException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_UnknownTableException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_UnknownColumnException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_ValueTypeException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_IntegerRangeException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_ValueTooLongException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_CapacityException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_KeyLengthException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_SchemaException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_NotSharedException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_BusyException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Exception_SharedMemoryException_methods[] = {
	ZEND_FE_END
};

static zend_class_entry *register_class_Viaduct_Store(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Store", class_Viaduct_Store_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	zval const_INT_value;
	ZVAL_LONG(&const_INT_value, 1);
	zend_string *const_INT_name = zend_string_init_interned("INT", sizeof("INT") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_INT_name, &const_INT_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_INT_name);

	zval const_FLOAT_value;
	ZVAL_LONG(&const_FLOAT_value, 2);
	zend_string *const_FLOAT_name = zend_string_init_interned("FLOAT", sizeof("FLOAT") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_FLOAT_name, &const_FLOAT_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_FLOAT_name);

	zval const_STRING_value;
	ZVAL_LONG(&const_STRING_value, 3);
	zend_string *const_STRING_name = zend_string_init_interned("STRING", sizeof("STRING") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_STRING_name, &const_STRING_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_STRING_name);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Rows(zend_class_entry *class_entry_IteratorAggregate, zend_class_entry *class_entry_Countable)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Rows", class_Viaduct_Rows_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;
	zend_class_implements(class_entry, 2, class_entry_IteratorAggregate, class_entry_Countable);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Window(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Window", class_Viaduct_Window_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES;

	zval property_value_default_value;
	ZVAL_UNDEF(&property_value_default_value);
	zend_string *property_value_name = zend_string_init("value", sizeof("value") - 1, 1);
	zend_declare_typed_property(class_entry, property_value_name, &property_value_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_value_name);

	zval property_remaining_default_value;
	ZVAL_UNDEF(&property_remaining_default_value);
	zend_string *property_remaining_name = zend_string_init("remaining", sizeof("remaining") - 1, 1);
	zend_declare_typed_property(class_entry, property_remaining_name, &property_remaining_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_DOUBLE));
	zend_string_release(property_remaining_name);

	zval property_resetAt_default_value;
	ZVAL_UNDEF(&property_resetAt_default_value);
	zend_string *property_resetAt_name = zend_string_init("resetAt", sizeof("resetAt") - 1, 1);
	zend_declare_typed_property(class_entry, property_resetAt_name, &property_resetAt_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_DOUBLE));
	zend_string_release(property_resetAt_name);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Counter(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Counter", class_Viaduct_Counter_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_GlobalState(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "GlobalState", class_Viaduct_GlobalState_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_StateException(zend_class_entry *class_entry_Throwable)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "StateException", class_Viaduct_Exception_StateException_methods);
	class_entry = zend_register_internal_interface(&ce);
	zend_class_implements(class_entry, 1, class_entry_Throwable);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_UnknownTableException(zend_class_entry *class_entry_OutOfBoundsException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "UnknownTableException", class_Viaduct_Exception_UnknownTableException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_OutOfBoundsException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_UnknownColumnException(zend_class_entry *class_entry_OutOfBoundsException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "UnknownColumnException", class_Viaduct_Exception_UnknownColumnException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_OutOfBoundsException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_ValueTypeException(zend_class_entry *class_entry_InvalidArgumentException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "ValueTypeException", class_Viaduct_Exception_ValueTypeException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_InvalidArgumentException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_IntegerRangeException(zend_class_entry *class_entry_OverflowException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "IntegerRangeException", class_Viaduct_Exception_IntegerRangeException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_OverflowException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_ValueTooLongException(zend_class_entry *class_entry_OverflowException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "ValueTooLongException", class_Viaduct_Exception_ValueTooLongException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_OverflowException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_CapacityException(zend_class_entry *class_entry_OverflowException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "CapacityException", class_Viaduct_Exception_CapacityException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_OverflowException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_KeyLengthException(zend_class_entry *class_entry_LengthException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "KeyLengthException", class_Viaduct_Exception_KeyLengthException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_LengthException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_SchemaException(zend_class_entry *class_entry_InvalidArgumentException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "SchemaException", class_Viaduct_Exception_SchemaException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_InvalidArgumentException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_NotSharedException(zend_class_entry *class_entry_LogicException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "NotSharedException", class_Viaduct_Exception_NotSharedException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_LogicException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_BusyException(zend_class_entry *class_entry_RuntimeException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "BusyException", class_Viaduct_Exception_BusyException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Exception_SharedMemoryException(zend_class_entry *class_entry_RuntimeException, zend_class_entry *class_entry_Viaduct_Exception_StateException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Exception", "SharedMemoryException", class_Viaduct_Exception_SharedMemoryException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Exception_StateException);

	return class_entry;
}
