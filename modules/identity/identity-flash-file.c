/*
 * The identity's flash on a desktop: the folder `identity` in $FIELDNODE_FLASH, one file a blob, readable for its owner
 * only. A file is the magic `FNID`, the length and the CRC-32 of the content (32-bit little-endian each), the content.
 */
#if !defined(ESP_PLATFORM)

#define _POSIX_C_SOURCE 200809L
#include "identity-flash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_LENGTH = 12, PATH_LENGTH = 1024 };

/* CRC-32 of IEEE 802.3, the one of zlib and PNG. */
static uint32_t crc32_of(const unsigned char *bytes, size_t length)
{
	uint32_t crc = 0xFFFFFFFFu;
	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
	}
	return ~crc;
}

static uint32_t little_endian(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_little_endian(unsigned char *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
}

/* Path of a blob, of the folder (name ""), or of a temporary file (prefix "."). False when it would be too long. */
static bool path_of(char path[PATH_LENGTH], const char *prefix, const char *name, const char *suffix)
{
	const char *flash = getenv("FIELDNODE_FLASH");
	int length = snprintf(path, PATH_LENGTH, "%s/identity/%s%s%s", flash ? flash : ".", prefix, name, suffix);
	return length > 0 && length < PATH_LENGTH;
}

static bool transfer(int file, unsigned char *bytes, size_t length, bool out)
{
	while (length > 0) {
		ssize_t done = out ? write(file, bytes, length) : read(file, bytes, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		length -= (size_t)done;
	}
	return true;
}

/* Reads the content that follows the header; `*bytes` is the caller's also when it turns out to be damaged. */
static enum identity_flash_result read_content(int file, unsigned char **bytes, size_t *length)
{
	unsigned char header[HEADER_LENGTH];
	struct stat status;
	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
		return IDENTITY_FLASH_UNREADABLE;
	if (status.st_size < HEADER_LENGTH)
		return IDENTITY_FLASH_CORRUPT;
	if (!transfer(file, header, sizeof header, false))
		return IDENTITY_FLASH_UNREADABLE;
	if (memcmp(header, "FNID", 4) != 0)
		return IDENTITY_FLASH_CORRUPT;
	*length = little_endian(header + 4);
	if (*length == 0 || *length > IDENTITY_FLASH_LIMIT || status.st_size != (off_t)(HEADER_LENGTH + *length))
		return IDENTITY_FLASH_CORRUPT;
	*bytes = calloc(1, *length + 1);
	if (!*bytes)
		return IDENTITY_FLASH_NO_MEMORY;
	if (!transfer(file, *bytes, *length, false))
		return IDENTITY_FLASH_UNREADABLE;
	return crc32_of(*bytes, *length) == little_endian(header + 8) ? IDENTITY_FLASH_OK : IDENTITY_FLASH_CORRUPT;
}

enum identity_flash_result identity_flash_read(const char *name, unsigned char **bytes, size_t *length)
{
	char path[PATH_LENGTH];
	*bytes = NULL;
	*length = 0;
	if (!path_of(path, "", name, ""))
		return IDENTITY_FLASH_UNREADABLE;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT ? IDENTITY_FLASH_ABSENT : IDENTITY_FLASH_UNREADABLE;
	enum identity_flash_result result = read_content(file, bytes, length);
	close(file);
	if (result != IDENTITY_FLASH_OK && *bytes) {
		/* It may be most of a key. */
		volatile unsigned char *wipe = *bytes;
		for (size_t i = 0; i < *length; i++)
			wipe[i] = 0;
		free(*bytes);
		*bytes = NULL;
		*length = 0;
	}
	return result;
}

/* Makes a rename or a removal in the folder last over a power cut. */
static bool synchronise_folder(void)
{
	char path[PATH_LENGTH];
	if (!path_of(path, "", "", ""))
		return false;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return false;
	bool done = fsync(folder) == 0;
	close(folder);
	return done;
}

enum identity_flash_result identity_flash_write(const char *name, const unsigned char *bytes, size_t length)
{
	char folder[PATH_LENGTH], temporary[PATH_LENGTH], path[PATH_LENGTH];
	if (length == 0 || length > IDENTITY_FLASH_LIMIT || !path_of(folder, "", "", "") ||
	    !path_of(temporary, ".", name, ".new") || !path_of(path, "", name, ""))
		return IDENTITY_FLASH_WRITE_FAILED;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return IDENTITY_FLASH_WRITE_FAILED;
	int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0)
		return IDENTITY_FLASH_WRITE_FAILED;
	unsigned char header[HEADER_LENGTH] = "FNID";
	put_little_endian(header + 4, (uint32_t)length);
	put_little_endian(header + 8, crc32_of(bytes, length));
	bool done = transfer(file, header, sizeof header, true) && transfer(file, (unsigned char *)bytes, length, true) &&
	            fsync(file) == 0;
	close(file);
	if (!done || rename(temporary, path) != 0) {
		unlink(temporary);
		return IDENTITY_FLASH_WRITE_FAILED;
	}
	return synchronise_folder() ? IDENTITY_FLASH_OK : IDENTITY_FLASH_WRITE_FAILED;
}

enum identity_flash_result identity_flash_erase(const char *name)
{
	char path[PATH_LENGTH];
	if (!path_of(path, "", name, ""))
		return IDENTITY_FLASH_WRITE_FAILED;
	if (unlink(path) != 0)
		return errno == ENOENT ? IDENTITY_FLASH_OK : IDENTITY_FLASH_WRITE_FAILED;
	return synchronise_folder() ? IDENTITY_FLASH_OK : IDENTITY_FLASH_WRITE_FAILED;
}

#endif
