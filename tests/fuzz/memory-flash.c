#include "memory-flash.h"

#include "../../modules/identity/identity-flash.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"active", "key0", "cert0", "key1", "cert1", "trust"};
enum { ENTRIES = sizeof names / sizeof names[0] };

struct entry {
	size_t length;
	unsigned char bytes[IDENTITY_FLASH_LIMIT];
};

static struct entry entries[ENTRIES], originals[ENTRIES];

static struct entry *find(const char *name)
{
	for (int i = 0; i < ENTRIES; i++)
		if (strcmp(names[i], name) == 0)
			return &entries[i];
	abort();
}

/* The files have what they have on a node: 12 bytes of header first (identity-flash-file.c). */
static void load(void)
{
	const char *folder = getenv("FIELDNODE_FUZZ");
	for (int i = 0; i < ENTRIES; i++) {
		char path[1024];
		snprintf(path, sizeof path, "%s/identity/%s", folder ? folder : ".", names[i]);
		FILE *file = fopen(path, "rb");
		if (!file)
			continue;
		if (fseek(file, 12, SEEK_SET) == 0)
			originals[i].length = fread(originals[i].bytes, 1, IDENTITY_FLASH_LIMIT, file);
		fclose(file);
	}
	if (originals[1].length == 0) {
		fprintf(stderr, "FIELDNODE_FUZZ must name the folder of a node's identity\n");
		exit(1);
	}
}

void memory_flash_restore(void)
{
	static int loaded;
	if (!loaded++)
		load();
	for (int i = 0; i < ENTRIES; i++)
		memory_flash_set(names[i], originals[i].bytes, originals[i].length);
}

void memory_flash_set(const char *name, const unsigned char *bytes, size_t length)
{
	struct entry *entry = find(name);
	entry->length = length;
	memmove(entry->bytes, bytes, length);
}

enum identity_flash_result identity_flash_read(const char *name, unsigned char **bytes, size_t *length)
{
	const struct entry *entry = find(name);
	*bytes = NULL;
	*length = 0;
	if (entry->length == 0)
		return IDENTITY_FLASH_ABSENT;
	*bytes = calloc(1, entry->length + 1);
	if (!*bytes)
		return IDENTITY_FLASH_NO_MEMORY;
	memcpy(*bytes, entry->bytes, entry->length);
	*length = entry->length;
	return IDENTITY_FLASH_OK;
}

enum identity_flash_result identity_flash_write(const char *name, const unsigned char *bytes, size_t length)
{
	if (length == 0 || length > IDENTITY_FLASH_LIMIT)
		return IDENTITY_FLASH_WRITE_FAILED;
	memory_flash_set(name, bytes, length);
	return IDENTITY_FLASH_OK;
}

enum identity_flash_result identity_flash_erase(const char *name)
{
	memory_flash_set(name, NULL, 0);
	return IDENTITY_FLASH_OK;
}
