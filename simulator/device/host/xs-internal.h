/* XS from the inside: for the host's own files, which load modules and make machines. Natives include xs-port.h. */
#ifndef FIELDNODE_XS_INTERNAL_H
#define FIELDNODE_XS_INTERNAL_H

#include "xsAll.h"
#include "xs.h"

/* The id of a property name. XS declares its own function without const, though it does not write. */
static inline txID id_of(txMachine* the, const char* name)
{
	return fxID(the, (txString)name);
}

#endif
