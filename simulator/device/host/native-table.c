#include "native-table.h"

#include "mc.xs.h"

struct native_function_entry {
	const char* name;
	txCallback function;
};

struct native_destructor_entry {
	const char* name;
	txDestructor destructor;
};

/* Generated: the prototypes and the two tables native_functions and native_destructors, sorted by name. */
#include "native-entries.h"

static const char* const id_names[] = { HOST_ID_NAMES };

xsIdentifier host_ids[HOST_ID_COUNT];

static int compare_names(const void* name, const void* entry)
{
	/* Both kinds of entry begin with their name. */
	return strcmp(name, *(const char* const*)entry);
}

txCallback native_function(const char* name)
{
	const struct native_function_entry* entry =
		bsearch(name, native_functions, native_function_count, sizeof(native_functions[0]), compare_names);
	return entry ? entry->function : NULL;
}

txDestructor native_destructor(const char* name)
{
	const struct native_destructor_entry* entry =
		bsearch(name, native_destructors, native_destructor_count, sizeof(native_destructors[0]), compare_names);
	return entry ? entry->destructor : NULL;
}

#if XS_MAJOR_VERSION < 17

/*
 * XS 17 knows native and Native in its parser. For an older XS they are two global functions. Most calls never reach
 * them, because native-pass.c turns them into host functions when a module is loaded.
 */

/* native(name): the host function of that name; the same one each time. */
static void global_native(txMachine* the)
{
	static txSlot functions[sizeof(native_functions) / sizeof(native_functions[0])];
	if (mxArgc != 1 || !mxIsStringPrimitive(mxArgv(0)))
		mxSyntaxError("native: one string literal is expected");
	const struct native_function_entry* entry = bsearch(mxArgv(0)->value.string, native_functions, native_function_count,
		sizeof(native_functions[0]), compare_names);
	if (!entry)
		mxReferenceError("native: there is no function %s", mxArgv(0)->value.string);
	txSlot* kept = &functions[entry - native_functions];
	if (kept->kind == XS_UNDEFINED_KIND) {
		txSlot* function = fxNewHostFunction(the, entry->function, 0, XS_NO_ID, XS_NO_ID);
		mxFunctionInstanceHome(function)->value.home.module = NULL;
		kept->kind = the->stack->kind;
		kept->value = the->stack->value;
		fxRemember(the, kept);
		mxPop();
	}
	mxResult->kind = kept->kind;
	mxResult->value = kept->value;
}

/* What a class that extends Native("…") calls as super(): an instance with room for a pointer of the class's C code. */
static void construct_host_instance(txMachine* the)
{
	if (mxIsUndefined(mxTarget))
		mxTypeError("Native: call it by super()");
	mxPushSlot(mxTarget);
	fxGetPrototypeFromConstructor(the, &mxObjectPrototype);
	fxNewHostInstance(the);
	mxPullSlot(mxResult);
}

/* Native(name): a base class whose instances are host objects with that destructor. */
static void global_native_class(txMachine* the)
{
	if (mxArgc != 1 || !mxIsStringPrimitive(mxArgv(0)))
		mxSyntaxError("Native: one string literal is expected");
	txDestructor destructor = native_destructor(mxArgv(0)->value.string);
	if (!destructor)
		mxReferenceError("Native: there is no destructor %s", mxArgv(0)->value.string);
	fxNewHostObject(the, destructor);
	fxNewHostConstructor(the, construct_host_instance, 0, id_of(the, "Native"));
	mxPullSlot(mxResult);
}

/* `slot` is a variable of the caller's frame. */
static void define_global(txMachine* the, txSlot* slot, const char* name, txCallback callback)
{
	fxNewHostFunction(the, callback, 1, id_of(the, name), XS_NO_ID);
	mxPullSlot(slot);
	xsDefine(xsGlobal, id_of(the, name), *slot, xsDontEnum);
}

#endif

void native_table_install(xsMachine* the)
{
	for (size_t i = 0; i < HOST_ID_COUNT; i++)
		host_ids[i] = id_of(the, id_names[i]);
#if XS_MAJOR_VERSION < 17
	xsVars(1);
	define_global(the, &xsVar(0), "native", global_native);
	define_global(the, &xsVar(0), "Native", global_native_class);
#endif
}
