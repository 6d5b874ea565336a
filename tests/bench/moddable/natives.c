/* What the program of this folder gets from outside, and how large XS's heap is. */
#include "xsAll.h"
#include "mc.xs.h"

#include <stdio.h>
#include <stdlib.h>

void xs_bench_destructor(void *data)
{
	(void)data;
}

/* (name of a variable) → its number; 0 without one */
void xs_bench_number(xsMachine *the)
{
	const char *value = getenv(xsToString(xsArg(0)));
	xsResult = xsInteger(value ? atoi(value) : 0);
}

/* (name of a variable that has a path) → the file's content; undefined without one */
void xs_bench_file(xsMachine *the)
{
	static unsigned char bytes[8192];
	const char *path = getenv(xsToString(xsArg(0)));
	FILE *file = path ? fopen(path, "rb") : NULL;
	if (!file)
		return;
	xsResult = xsArrayBuffer(bytes, (xsIntegerValue)fread(bytes, 1, sizeof bytes, file));
	fclose(file);
}

/* () → bytes in use after a collection: slots and chunks */
void xs_bench_heap(xsMachine *the)
{
	fxCollectGarbage(the);
	xsResult = xsInteger((xsIntegerValue)(the->currentHeapCount * sizeof(txSlot) + the->currentChunksSize));
}
