#include "callback.h"

static xsBooleanValue is_undefined(xsMachine* the, xsSlot* slot)
{
	return xsmcTypeOf(*slot) == xsUndefinedType;
}

/* An exception leaves xsBeginHost … xsEndHost through fxAbort, which reports it: see host/errors.c. */

void callback_with_integer(xsMachine* machine, xsSlot* function, xsSlot* receiver, xsIntegerValue argument)
{
	xsBeginHost(machine);
	if (!is_undefined(the, function)) {
		xsmcVars(1);
		xsmcSetInteger(xsVar(0), argument);
		xsCallFunction1(*function, *receiver, xsVar(0));
	}
	xsEndHost(machine);
}

void callback_with_object(xsMachine* machine, xsSlot* function, xsSlot* receiver, xsSlot* argument)
{
	xsBeginHost(machine);
	if (!is_undefined(the, function))
		xsCallFunction1(*function, *receiver, *argument);
	xsEndHost(machine);
}

void callback_without_argument(xsMachine* machine, xsSlot* function, xsSlot* receiver)
{
	xsBeginHost(machine);
	if (!is_undefined(the, function))
		xsCallFunction0(*function, *receiver);
	xsEndHost(machine);
}
