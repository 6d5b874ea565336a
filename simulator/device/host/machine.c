#include "machine.h"

#include "errors.h"
#include "loader.h"
#include "native-table.h"
#include "options.h"

/* Every block of the heap is preceded by its size, so that the limit can be kept. 16 bytes keep the alignment. */
union block_header {
	size_t size;
	max_align_t alignment;
};

static size_t heap_size;

static void* allocate(size_t size)
{
	if (options.heap > 0 && heap_size + size > options.heap)
		return NULL;
	union block_header* block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	heap_size += size;
	return block + 1;
}

static void release(void* data)
{
	if (!data)
		return;
	union block_header* block = (union block_header*)data - 1;
	heap_size -= block->size;
	free(block);
}

void* fxAllocateChunks(txMachine* the, txSize size)
{
	(void)the;
	return allocate((size_t)size);
}

void fxFreeChunks(txMachine* the, void* chunks)
{
	(void)the;
	release(chunks);
}

txSlot* fxAllocateSlots(txMachine* the, txSize count)
{
	(void)the;
	return allocate((size_t)count * sizeof(txSlot));
}

void fxFreeSlots(txMachine* the, void* slots)
{
	(void)the;
	release(slots);
}

size_t machine_heap_size(void)
{
	return heap_size;
}

void fxCreateMachinePlatform(txMachine* the)
{
	the->promiseJobs = 0;
}

void fxDeleteMachinePlatform(txMachine* the)
{
	(void)the;
}

void fxQueuePromiseJobs(txMachine* the)
{
	the->promiseJobs = 1;
}

void machine_run_jobs(xsMachine* the)
{
	while (the->promiseJobs) {
		the->promiseJobs = 0;
		fxRunPromiseJobs(the);
	}
	fxEndJob(the);
	fxCheckUnhandledRejections(the, 1);
}

/*
 * Without a limit the heap grows in large steps, which makes loading modules several times faster. With one it grows in
 * the small steps of the SDK's ESP32 builds, so that the limit is met exactly.
 */
static xsCreation creation(void)
{
	bool limited = options.heap > 0;
	xsCreation result = {
		.initialChunkSize = limited ? 16 * 1024 : 64 * 1024,
		.incrementalChunkSize = limited ? 1024 : 64 * 1024,
		.initialHeapCount = limited ? 1024 : 8192,
		.incrementalHeapCount = limited ? 64 : 2048,
		.stackCount = 4096,
		.initialKeyCount = 2048,
		.incrementalKeyCount = 512,
		.nameModulo = 1993,
		.symbolModulo = 127,
		.parserBufferSize = 32 * 1024,
		.parserTableModulo = 1993,
		.staticSize = 0,
	};
	return result;
}

/*
 * trace(…): the texts on standard output, which is the node's serial line. It takes the place of XS's own, which also
 * writes every exception there, caught ones included.
 */
static void trace(xsMachine* the)
{
	xsIntegerValue count = xsToInteger(xsArgc);
	for (xsIntegerValue i = 0; i < count; i++)
		fputs(xsToString(xsArg(i)), stdout);
}

xsMachine* machine_create(void)
{
	xsCreation settings = creation();
#if XS_MAJOR_VERSION >= 17
	fxInitializeSharedCluster(NULL);
#else
	fxInitializeSharedCluster();
#endif
	xsMachine* machine = xsCreateMachine(&settings, "fieldnode", NULL);
	if (!machine) {
		if (options.heap > 0)
			fprintf(stderr, "fieldnode: --heap %zu is too small for XS to start\n", options.heap);
		else
			fprintf(stderr, "fieldnode: not enough memory\n");
		exit(exit_uncaught);
	}
	xsBeginHost(machine);
	native_table_install(the);
	xsEndHost(machine);
	xsBeginHost(machine);
	xsVars(1);
	xsVar(0) = xsNewHostFunction(trace, 1);
	xsSet(xsGlobal, id_of(the, "trace"), xsVar(0));
	xsEndHost(machine);
	return machine;
}

void machine_delete(xsMachine* the)
{
	xsDeleteMachine(the);
	loader_forget();
#if XS_MAJOR_VERSION >= 17
	fxTerminateSharedCluster(NULL);
#else
	fxTerminateSharedCluster();
#endif
}
