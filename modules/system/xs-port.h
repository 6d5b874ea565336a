/*
 * What every native of Fieldnode includes: XS's xsmc interface, the ids of property names, and the few names that not
 * every XS has. The same C compiles in the simulator (XS 13.3 of the npm package, or newer) and in the Moddable SDK.
 */
#ifndef FIELDNODE_XS_PORT_H
#define FIELDNODE_XS_PORT_H

#include "xsmc.h"

#include "mc.xs.h"

/* The object itself, to be kept where a marker finds it: (*mark_root)(the, reference). New in XS 14. */
#ifndef xsmcToReference
	#define xsmcToReference(SLOT) fxToReference(the, &(SLOT))
#endif

/* An unsigned 32-bit number. XS 13 has only signed integers and doubles. */
#ifndef xsmcSetUnsigned
	#define xsmcSetUnsigned(SLOT, VALUE) xsmcSetNumber(SLOT, (double)(uint32_t)(VALUE))
	#define xsmcToUnsigned(SLOT) ((uint32_t)(int64_t)xsmcToNumber(SLOT))
#endif

#endif
