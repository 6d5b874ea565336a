/*
 * Where XS's heap lies: a table that a test finds in the process's memory by the mark before it. The heap is what XS
 * calls chunks (strings, buffers, byte code) and slots (values, objects).
 */
#include "xs-internal.h"

enum { BLOCK_LIMIT = 1024 };

struct heap_map {
	char mark[32];
	uint64_t count;
	struct heap_block {
		uint64_t from, length;
	} blocks[BLOCK_LIMIT];
};

/* Its mark is put together at run time, so that it stands in memory once. */
struct heap_map heap_map;

void *__real_fxAllocateChunks(txMachine *the, txSize size);
void __real_fxFreeChunks(txMachine *the, void *chunks);
txSlot *__real_fxAllocateSlots(txMachine *the, txSize count);
void __real_fxFreeSlots(txMachine *the, void *slots);

void *__wrap_fxAllocateChunks(txMachine *the, txSize size);
void __wrap_fxFreeChunks(txMachine *the, void *chunks);
txSlot *__wrap_fxAllocateSlots(txMachine *the, txSize count);
void __wrap_fxFreeSlots(txMachine *the, void *slots);

static void *note(void *block, size_t length)
{
	if (heap_map.count == 0)
		for (size_t i = 0; i < sizeof heap_map.mark; i++)
			heap_map.mark[i] = "map of the heap "[i % 16];
	if (heap_map.count == BLOCK_LIMIT)
		abort();
	if (block)
		heap_map.blocks[heap_map.count++] = (struct heap_block){(uintptr_t)block, length};
	return block;
}

static void forget(const void *block)
{
	for (uint64_t i = 0; i < heap_map.count; i++)
		if (heap_map.blocks[i].from == (uintptr_t)block) {
			heap_map.blocks[i] = heap_map.blocks[--heap_map.count];
			return;
		}
}

void *__wrap_fxAllocateChunks(txMachine *the, txSize size)
{
	return note(__real_fxAllocateChunks(the, size), (size_t)size);
}

void __wrap_fxFreeChunks(txMachine *the, void *chunks)
{
	forget(chunks);
	__real_fxFreeChunks(the, chunks);
}

txSlot *__wrap_fxAllocateSlots(txMachine *the, txSize count)
{
	return note(__real_fxAllocateSlots(the, count), (size_t)count * sizeof(txSlot));
}

void __wrap_fxFreeSlots(txMachine *the, void *slots)
{
	forget(slots);
	__real_fxFreeSlots(the, slots);
}
