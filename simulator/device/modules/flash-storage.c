/*
 * A partition of NOR flash in a file of the node's flash folder: blocks of 4 KB, erased to ones; a write turns ones into
 * zeros and never the other way.
 *
 * What can go wrong with real flash can be had here for tests: FIELDNODE_FLASH_CUT=N cuts the power (SIGKILL) when N more
 * bytes have been written or erased, and in FIELDNODE_FLASH_BAD=B,B… blocks are named that no longer hold what is written
 * to them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xs-port.h"

enum { BLOCK = 4096 };

struct flash_storage {
	int file;
	uint32_t size;
	bool read_only;
	bool cut;
	uint32_t until_cut; /* bytes */
	const char* bad; /* numbers with commas between them */
};

void xs_flash_storage_destructor(void* data)
{
	struct flash_storage* flash = data;
	if (!flash)
		return;
	close(flash->file);
	free(flash);
}

static const xsHostHooks hooks = { .destructor = xs_flash_storage_destructor };

static struct flash_storage* storage_of(xsMachine* the)
{
	struct flash_storage* flash = xsmcGetHostDataValidate(xsThis, (void*)&hooks);
	if (!flash)
		xsUnknownError("Flash: closed");
	return flash;
}

/* Makes an erased partition. It appears in one step, so that a power cut leaves no partition of another size. */
static bool make_file(const char* path, uint32_t size)
{
	char temporary[PATH_MAX + 8];
	unsigned char erased[BLOCK];
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	memset(erased, 0xFF, sizeof(erased));
	int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0)
		return false;
	bool done = true;
	for (uint32_t at = 0; at < size && done; at += BLOCK)
		done = write(file, erased, BLOCK) == BLOCK;
	done = close(file) == 0 && done;
	return done && rename(temporary, path) == 0;
}

/* (file name, size when it has to be made, read only) */
void xs_flash_storage_open(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL);
	xsSetHostHooks(xsThis, &hooks);
	char path[PATH_MAX];
	const char* folder = getenv("FIELDNODE_FLASH");
	if (!folder || !folder[0])
		xsUnknownError("the node has no flash: start it with --flash DIR");
	if (snprintf(path, sizeof(path), "%s/%s", folder, xsmcToString(xsArg(0))) >= (int)sizeof(path))
		xsRangeError("the path of the flash folder is too long");
	bool read_only = xsmcToBoolean(xsArg(2));
	if (access(path, F_OK) != 0 && !make_file(path, (uint32_t)xsmcToInteger(xsArg(1))))
		xsUnknownError("the flash file %s cannot be made: %s", path, strerror(errno));
	struct stat status;
	int file = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (file < 0 || fstat(file, &status) != 0) {
		int error = errno;
		if (file >= 0)
			close(file);
		xsUnknownError("the flash file %s cannot be opened: %s", path, strerror(error));
	}
	struct flash_storage* flash = calloc(1, sizeof(*flash));
	if (!flash || status.st_size < BLOCK || status.st_size % BLOCK != 0 || status.st_size > INT32_MAX) {
		close(file);
		free(flash);
		xsUnknownError("the flash file %s is not a whole number of blocks of 4096 bytes", path);
	}
	const char* cut = getenv("FIELDNODE_FLASH_CUT");
	flash->file = file;
	flash->size = (uint32_t)status.st_size;
	flash->read_only = read_only;
	flash->cut = cut != NULL;
	flash->until_cut = cut ? (uint32_t)strtoul(cut, NULL, 10) : 0;
	flash->bad = getenv("FIELDNODE_FLASH_BAD");
	xsmcSetHostData(xsThis, flash);
}

void xs_flash_storage_close(xsMachine* the)
{
	struct flash_storage* flash = xsmcGetHostDataValidate(xsThis, (void*)&hooks);
	xsmcSetHostData(xsThis, NULL);
	xs_flash_storage_destructor(flash);
}

static bool is_bad(const struct flash_storage* flash, uint32_t block)
{
	for (const char* next = flash->bad; next && *next; next = strchr(next, ',') ? strchr(next, ',') + 1 : NULL)
		if (strtoul(next, NULL, 10) == block)
			return true;
	return false;
}

/* How many of `size` bytes are still written before the power goes. */
static uint32_t until_cut(struct flash_storage* flash, uint32_t size)
{
	if (!flash->cut)
		return size;
	if (size > flash->until_cut)
		size = flash->until_cut;
	flash->until_cut -= size;
	return size;
}

static void cut_power(const struct flash_storage* flash)
{
	if (flash->cut && flash->until_cut == 0)
		raise(SIGKILL);
}

static void check_range(xsMachine* the, const struct flash_storage* flash, double offset, double size)
{
	if (!(offset >= 0 && offset + size <= flash->size))
		xsRangeError("Flash: %.0f bytes from %.0f on are not all inside the partition of %u", size, offset, (unsigned)flash->size);
}

static void store(xsMachine* the, struct flash_storage* flash, const unsigned char* bytes, uint32_t size, uint32_t offset)
{
	if (pwrite(flash->file, bytes, size, (off_t)offset) != (ssize_t)size)
		xsUnknownError("Flash: the file cannot be written: %s", strerror(errno));
}

/* (buffer, offset) → bytes read */
void xs_flash_storage_read(xsMachine* the)
{
	struct flash_storage* flash = storage_of(the);
	double offset = xsmcToNumber(xsArg(1));
	void* bytes;
	xsUnsignedValue size;
	xsmcGetBufferWritable(xsArg(0), &bytes, &size);
	check_range(the, flash, offset, size);
	if (pread(flash->file, bytes, size, (off_t)offset) != (ssize_t)size)
		xsUnknownError("Flash: the file cannot be read: %s", strerror(errno));
	xsmcSetInteger(xsResult, (xsIntegerValue)size);
}

/* (buffer, offset) */
void xs_flash_storage_write(xsMachine* the)
{
	struct flash_storage* flash = storage_of(the);
	double number = xsmcToNumber(xsArg(1));
	void* from;
	xsUnsignedValue length;
	xsmcGetBufferReadable(xsArg(0), &from, &length);
	check_range(the, flash, number, length);
	if (flash->read_only)
		xsUnknownError("Flash: read-only");
	const unsigned char* bytes = from;
	uint32_t offset = (uint32_t)number;
	uint32_t size = until_cut(flash, length);
	unsigned char piece[BLOCK];
	while (size > 0) {
		uint32_t part = BLOCK - offset % BLOCK < size ? BLOCK - offset % BLOCK : size;
		if (pread(flash->file, piece, part, (off_t)offset) != (ssize_t)part)
			xsUnknownError("Flash: the file cannot be read: %s", strerror(errno));
		bool bad = is_bad(flash, offset / BLOCK);
		for (uint32_t i = 0; i < part; i++)
			piece[i] &= bad ? bytes[i] & 0xFE : bytes[i];
		store(the, flash, piece, part, offset);
		bytes += part;
		offset += part;
		size -= part;
	}
	cut_power(flash);
}

/* (first block, block after the last) */
void xs_flash_storage_erase(xsMachine* the)
{
	struct flash_storage* flash = storage_of(the);
	double from = xsmcToNumber(xsArg(0)) * BLOCK;
	double to = xsmcToNumber(xsArg(1)) * BLOCK;
	check_range(the, flash, from, to - from);
	if (flash->read_only || to < from)
		xsUnknownError(flash->read_only ? "Flash: read-only" : "Flash: the last block is before the first");
	unsigned char erased[BLOCK];
	memset(erased, 0xFF, sizeof(erased));
	for (uint32_t at = (uint32_t)from; at < (uint32_t)to; at += BLOCK) {
		uint32_t size = until_cut(flash, BLOCK);
		if (!is_bad(flash, at / BLOCK))
			store(the, flash, erased, size, at);
		cut_power(flash);
	}
}

void xs_flash_storage_get_size(xsMachine* the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)storage_of(the)->size);
}
