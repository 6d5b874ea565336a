/* Files of the node's flash folder, replaced in one step: a temporary file, fsync, rename, fsync of the folder. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xs-port.h"

static const char* flash_folder(xsMachine* the)
{
	const char* folder = getenv("FIELDNODE_FLASH");
	if (!folder || !folder[0])
		xsUnknownError("the node has no flash: start it with --flash DIR");
	return folder;
}

static void make_path(xsMachine* the, char* path, size_t size, const char* suffix)
{
	const char* folder = flash_folder(the);
	const char* name = xsmcToString(xsArg(0));
	if (snprintf(path, size, "%s/%s%s", folder, name, suffix) >= (int)size)
		xsRangeError("the path of the flash folder is too long");
}

static bool read_all(int fd, void* bytes, size_t size)
{
	for (char* next = bytes; size > 0;) {
		ssize_t count = read(fd, next, size);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		next += count;
		size -= (size_t)count;
	}
	return true;
}

static bool write_all(int fd, const void* bytes, size_t size)
{
	for (const char* next = bytes; size > 0;) {
		ssize_t count = write(fd, next, size);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return false;
		next += count;
		size -= (size_t)count;
	}
	return true;
}

void xs_flash_file_read(xsMachine* the)
{
	char path[PATH_MAX];
	make_path(the, path, sizeof(path), "");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	struct stat status;
	void* content = NULL;
	bool done = fd >= 0 && fstat(fd, &status) == 0 && status.st_size <= INT_MAX;
	/* Read before the XS heap is touched: an error there would leave the file open. */
	if (done)
		done = (content = malloc((size_t)status.st_size + 1)) && read_all(fd, content, (size_t)status.st_size);
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (!done) {
		free(content);
		xsUnknownError("the flash file %s cannot be read: %s", path, strerror(error));
	}
	{
		xsTry {
			xsmcSetArrayBuffer(xsResult, content, (xsIntegerValue)status.st_size);
			free(content);
		}
		xsCatch {
			free(content);
			xsThrow(xsException);
		}
	}
}

static bool replace_file(const char* path, const char* temporary, const char* folder, const void* bytes, size_t size)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool done = write_all(fd, bytes, size) && fsync(fd) == 0;
	int error = errno;
	close(fd);
	if (!done || rename(temporary, path) != 0) {
		error = done ? errno : error;
		unlink(temporary);
		errno = error;
		return false;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

void xs_flash_file_write(xsMachine* the)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	make_path(the, path, sizeof(path), "");
	make_path(the, temporary, sizeof(temporary), ".new");
	const char* folder = flash_folder(the);
	void* bytes;
	xsUnsignedValue size;
	xsmcGetBufferReadable(xsArg(1), &bytes, &size);
	if (!replace_file(path, temporary, folder, bytes, size))
		xsUnknownError("the flash file %s cannot be written: %s", path, strerror(errno));
}

void xs_flash_file_path(xsMachine* the)
{
	char path[PATH_MAX];
	make_path(the, path, sizeof(path), "");
	xsmcSetString(xsResult, path);
}
