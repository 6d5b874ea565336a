#include "allocation.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Blocks that a test keeps an eye on; a connection has a few hundred at a time. A power of two. */
enum { TABLE_SIZE = 1 << 14 };

static struct {
	bool watching;
	unsigned long fail_at;
	unsigned long count;
	uint32_t failed;
	size_t live;
	size_t bytes;
	size_t peak;
	void* blocks[TABLE_SIZE];
} state;

/* Of mbedtls-port.h, where a desktop that does not count answers 0. */
uint32_t tls_memory_failures(void);

uint32_t tls_memory_failures(void)
{
	return state.failed;
}

void allocation_watch(void)
{
	const char* index = getenv("FIELDNODE_FAIL_ALLOCATION");
	if (!index)
		return;
	state.fail_at = strtoul(index, NULL, 10);
	state.watching = true;
}

void allocation_report(void)
{
	if (state.watching)
		fprintf(stderr, "allocations: %lu, failed: %u, not freed: %zu\n", state.count, state.failed, state.live);
}

size_t allocation_bytes(void)
{
	return state.bytes;
}

size_t allocation_peak(void)
{
	return state.peak;
}

void allocation_reset_peak(void)
{
	state.peak = state.bytes;
}

/* AddressSanitizer brings an allocator of its own. */
#if defined(__SANITIZE_ADDRESS__)

void* allocation_for_host(size_t count, size_t size)
{
	return calloc(count, size);
}

#else

static size_t home_of(const void* block)
{
	return ((uintptr_t)block >> 4) * 2654435761u % TABLE_SIZE;
}

static void note(void* block)
{
	if (state.live >= TABLE_SIZE / 2)
		abort();
	size_t at = home_of(block);
	while (state.blocks[at])
		at = (at + 1) % TABLE_SIZE;
	state.blocks[at] = block;
	state.live++;
	state.bytes += malloc_usable_size(block);
	if (state.peak < state.bytes)
		state.peak = state.bytes;
}

/* Linear probing: what follows in the same run moves up, so that it is still found. */
static void forget(const void* block)
{
	size_t at = home_of(block);
	while (state.blocks[at] != block) {
		if (!state.blocks[at])
			return;
		at = (at + 1) % TABLE_SIZE;
	}
	state.bytes -= malloc_usable_size(state.blocks[at]);
	state.blocks[at] = NULL;
	state.live--;
	for (size_t next = (at + 1) % TABLE_SIZE; state.blocks[next]; next = (next + 1) % TABLE_SIZE) {
		void* moved = state.blocks[next];
		state.blocks[next] = NULL;
		size_t to = home_of(moved);
		while (state.blocks[to])
			to = (to + 1) % TABLE_SIZE;
		state.blocks[to] = moved;
	}
}

/* The function that this one stands before: libc's, or valgrind's. */
static void* next_function(const char* name)
{
	void* function = dlsym(RTLD_NEXT, name);
	if (!function)
		abort();
	return function;
}

void* allocation_for_host(size_t count, size_t size)
{
	static void* (*next)(size_t, size_t);
	if (!next)
		*(void**)&next = next_function("calloc");
	return next(count, size);
}

void* calloc(size_t count, size_t size)
{
	if (state.watching && ++state.count == state.fail_at) {
		state.failed++;
		return NULL;
	}
	void* block = allocation_for_host(count, size);
	if (!block)
		state.failed++;
	else if (state.watching)
		note(block);
	return block;
}

void free(void* block)
{
	static void (*next)(void*);
	if (!next)
		*(void**)&next = next_function("free");
	if (block && state.watching)
		forget(block);
	next(block);
}

#endif
