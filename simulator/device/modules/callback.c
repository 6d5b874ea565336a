#include "callback.h"

xsSlot* callback_from_options(xsMachine* the, xsSlot* options, xsIdentifier name)
{
	xsSlot function;
	xsmcGet(function, *options, name);
	if (xsmcTypeOf(function) == xsUndefinedType)
		return NULL;
	if (!xsmcIsCallable(function))
		xsTypeError("a callback is not a function");
	return xsmcToReference(function);
}

void callback_mark(xsMachine* the, xsMarkRoot mark_root, xsSlot* function)
{
	if (function)
		(*mark_root)(the, function);
}

/* An exception leaves xsBeginHost … xsEndHost through fxAbort, which reports it: see host/errors.c. */

void callback_call(xsMachine* machine, xsSlot* function, xsSlot* object)
{
	if (!function)
		return;
	xsBeginHost(machine);
	xsCallFunction0(xsReference(function), *object);
	xsEndHost(machine);
}

void callback_call_with_integer(xsMachine* machine, xsSlot* function, xsSlot* object, xsIntegerValue argument)
{
	if (!function)
		return;
	xsBeginHost(machine);
	xsmcSetInteger(xsResult, argument);
	xsCallFunction1(xsReference(function), *object, xsResult);
	xsEndHost(machine);
}

void callback_call_with_itself(xsMachine* machine, xsSlot* function, xsSlot* object)
{
	if (!function)
		return;
	xsBeginHost(machine);
	xsResult = *object;
	xsCallFunction1(xsReference(function), xsResult, xsResult);
	xsEndHost(machine);
}
