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
