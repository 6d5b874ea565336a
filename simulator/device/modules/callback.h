/* Calls from the event loop into JavaScript. What the callback throws is reported as uncaught and ends the run. */
#ifndef FIELDNODE_CALLBACK_H
#define FIELDNODE_CALLBACK_H

#include "xs-port.h"

/*
 * Calls function.call(receiver, argument). `function` and `receiver` are slots that xsRemember keeps, or undefined:
 * an undefined function is not called. The objects may be closed, and their C data freed, when this returns.
 */
void callback_with_integer(xsMachine* the, xsSlot* function, xsSlot* receiver, xsIntegerValue argument);
void callback_with_object(xsMachine* the, xsSlot* function, xsSlot* receiver, xsSlot* argument);
void callback_without_argument(xsMachine* the, xsSlot* function, xsSlot* receiver);

#endif
