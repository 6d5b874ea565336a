/*
 * Gives the identity's flash on a desktop (identity-flash-file.c) whatever a fuzzer makes of its files, and then what
 * reads it: slots, keys, certificates, roots. An input is one byte that says which entry, and then the file itself, or
 * with WRITTEN the content that is written the proper way. The folder is that of FIELDNODE_FUZZ.
 */
#include "fixed-library.h"
#include "load-identity.h"

#include "../../modules/identity/identity-flash.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"active", "key0", "cert0", "key1", "cert1", "trust"};
enum { ENTRIES = sizeof names / sizeof names[0], WRITTEN = 0x80, FILE_LIMIT = IDENTITY_FLASH_LIMIT + 64 };

/* The node's files as they were when the target started. */
static struct {
	size_t length;
	unsigned char bytes[FILE_LIMIT];
} originals[ENTRIES];

/* Nothing here has to outlast a power cut. */
int fsync(int file)
{
	(void)file;
	return 0;
}

static FILE *open_entry(int entry, const char *mode)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/identity/%s", getenv("FIELDNODE_FLASH"), names[entry]);
	return fopen(path, mode);
}

static void put(int entry, const unsigned char *bytes, size_t length)
{
	FILE *file = open_entry(entry, "wb");
	if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
		perror(names[entry]);
		exit(1);
	}
}

static void restore(int entry)
{
	if (originals[entry].length > 0)
		put(entry, originals[entry].bytes, originals[entry].length);
	else
		identity_flash_erase(names[entry]);
}

/* A promise of identity-flash.h that was broken. */
static void broken(const char *promise)
{
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

/* Reads an entry; with `content`, it must be exactly that. */
static void read_entry(int entry, const unsigned char *content, size_t content_length)
{
	unsigned char *bytes;
	size_t length;
	enum identity_flash_result result = identity_flash_read(names[entry], &bytes, &length);
	if ((result == IDENTITY_FLASH_OK) != (bytes != NULL))
		broken("bytes when the result is OK, and only then");
	if (bytes && (length == 0 || length > IDENTITY_FLASH_LIMIT || bytes[length] != 0))
		broken("a blob has a length within the limit and a zero behind it");
	if (content && (!bytes || length != content_length || memcmp(bytes, content, length) != 0))
		broken("what was written is read");
	free(bytes);
}

/* Writes an entry the proper way, which is refused for lengths that no blob has. */
static void write_entry(int entry, const unsigned char *bytes, size_t length)
{
	bool fits = length > 0 && length <= IDENTITY_FLASH_LIMIT;
	if ((identity_flash_write(names[entry], bytes, length) == IDENTITY_FLASH_OK) != fits)
		broken("blobs of any length up to the limit are written");
	read_entry(entry, fits ? bytes : NULL, length);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t length)
{
	if (length == 0 || length > FILE_LIMIT)
		return 0;
	fixed_library_restart();
	int entry = (bytes[0] & ~WRITTEN) % ENTRIES;
	if (bytes[0] & WRITTEN)
		write_entry(entry, bytes + 1, length - 1);
	else
		put(entry, bytes + 1, length - 1);
	read_entry(entry, NULL, 0);
	load_all();
	/* Whatever lies there, it can be replaced. */
	write_entry(entry, (const unsigned char *)"whole", 5);
	restore(entry);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	const char *folder = getenv("FIELDNODE_FUZZ");
	setenv("FIELDNODE_FLASH", folder ? folder : ".", 1);
	for (int entry = 0; entry < ENTRIES; entry++) {
		FILE *file = open_entry(entry, "rb");
		if (!file)
			continue;
		originals[entry].length = fread(originals[entry].bytes, 1, FILE_LIMIT, file);
		fclose(file);
	}
	if (originals[1].length > 0)
		return 0;
	fprintf(stderr, "FIELDNODE_FUZZ must name the folder of a node's identity\n");
	exit(1);
}
