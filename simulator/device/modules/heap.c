#include "allocation.h"
#include "xs-internal.h"

void xs_heap_get_slots(xsMachine* the)
{
	fxInteger(the, mxResult, (txInteger)the->currentHeapCount);
}

void xs_heap_get_chunks(xsMachine* the)
{
	fxInteger(the, mxResult, (txInteger)the->currentChunksSize);
}

void xs_heap_collect(xsMachine* the)
{
	fxCollectGarbage(the);
}

void xs_heap_stress(xsMachine* the)
{
#if mxStress
	extern int gxStress;
	gxStress = 1;
	fxBoolean(the, mxResult, 1);
#else
	fxBoolean(the, mxResult, 0);
#endif
}

void xs_heap_get_native(xsMachine* the)
{
	fxInteger(the, mxResult, (txInteger)allocation_bytes());
}

/* Gives the peak, and starts to look for the next. */
void xs_heap_take_native_peak(xsMachine* the)
{
	fxInteger(the, mxResult, (txInteger)allocation_peak());
	allocation_reset_peak();
}
