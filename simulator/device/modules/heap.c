#include <errno.h>
#include <stdio.h>
#include <string.h>

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

void xs_heap_get_blocks(xsMachine* the)
{
	fxInteger(the, mxResult, (txInteger)allocation_live());
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

/* (path) */
void xs_heap_write(xsMachine* the)
{
	FILE* file = fopen(fxToString(the, mxArgv(0)), "wb");
	if (!file)
		mxUnknownError("Heap: %s", strerror(errno));
	for (txBlock* block = the->firstBlock; block; block = block->nextBlock)
		fwrite(block, 1, (size_t)(block->limit - (txByte*)block), file);
	for (txSlot* heap = the->firstHeap; heap; heap = heap->next)
		fwrite(heap, sizeof(txSlot), (size_t)(heap->value.reference - heap), file);
	fwrite(the->stackBottom, sizeof(txSlot), (size_t)(the->stackTop - the->stackBottom), file);
	fclose(file);
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
