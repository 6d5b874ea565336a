/*
 * Calls from the event loop into JavaScript. What the callback throws is reported as uncaught and ends the run.
 *
 * An I/O object keeps its callbacks as references that its marker marks (callback_from_options, callback_mark), and itself,
 * as long as it is open, by xsRemember.
 */
#ifndef FIELDNODE_CALLBACK_H
#define FIELDNODE_CALLBACK_H

#include "xs-port.h"

/* The function in that property of the options object, or NULL when there is none. Throws when it is not a function. */
xsSlot* callback_from_options(xsMachine* the, xsSlot* options, xsIdentifier name);

void callback_mark(xsMachine* the, xsMarkRoot mark_root, xsSlot* function);

/*
 * Calls function.call(object, argument); a function of NULL is not called. When this returns the callback may have closed
 * the object: whoever calls must not touch what close() frees.
 */
void callback_call(xsMachine* the, xsSlot* function, xsSlot* object);
void callback_call_with_integer(xsMachine* the, xsSlot* function, xsSlot* object, xsIntegerValue argument);
void callback_call_with_itself(xsMachine* the, xsSlot* function, xsSlot* object);

#endif
