/*
 * Flash whose power is cut. FIELDNODE_POWER_CUT=AT[.BYTES][,MODE] ends the process before the AT-th operation on a file
 * below $FIELDNODE_FLASH (counted from 1), or within that write after so many bytes. MODE says what a disk makes of what
 * was not synchronised yet:
 *
 * - kept: it is all there, as when only the process died;
 * - torn: new names are there, but of unsynchronised content only the first half;
 * - lost: new names and new content are gone.
 *
 * With an AT behind the last operation the power fails when all is done. With AT 0 it does not fail; then the number of
 * operations is printed, and the lengths of the writes.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_open(const char *path, int flags, ...);
ssize_t __real_write(int file, const void *bytes, size_t length);
int __real_fsync(int file);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);

int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_write(int file, const void *bytes, size_t length);
int __wrap_fsync(int file);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);

enum { CHANGE_LIMIT = 16, PATH_SIZE = 512, FILE_LIMIT = 64, EXIT_CUT = 77 };

/* A name that changed since its folder was last synchronised. */
struct change {
	char path[PATH_SIZE];
	char before[PATH_SIZE]; /* another name for what it was before; "" when it was nothing */
};

static struct {
	bool read_environment;
	unsigned long at;
	long bytes; /* -1: before the operation */
	char mode[8];
	unsigned long count;
	struct change changes[CHANGE_LIMIT];
	unsigned change_count;
	struct {
		bool is_flash;
		int unsynchronised; /* another number for the file, that outlives close(); 0 when all is on the disk */
	} files[FILE_LIMIT];
} power;

static bool is_cutting(void)
{
	const char *wish = getenv("FIELDNODE_POWER_CUT");
	if (!wish)
		return false;
	if (!power.read_environment) {
		power.read_environment = true;
		power.bytes = -1;
		char *end;
		power.at = strtoul(wish, &end, 10);
		if (*end == '.')
			power.bytes = strtol(end + 1, &end, 10);
		snprintf(power.mode, sizeof power.mode, "%s", *end == ',' ? end + 1 : "kept");
	}
	return true;
}

static bool is_flash(const char *path)
{
	const char *flash = getenv("FIELDNODE_FLASH");
	return flash && is_cutting() && strncmp(path, flash, strlen(flash)) == 0;
}

static bool is_flash_file(int file)
{
	return file >= 0 && file < FILE_LIMIT && power.files[file].is_flash && is_cutting();
}

/* What a disk without power has kept. */
static void lose(void)
{
	bool torn = strcmp(power.mode, "torn") == 0;
	for (int file = 0; file < FILE_LIMIT && strcmp(power.mode, "kept") != 0; file++) {
		struct stat status;
		int content = power.files[file].unsynchronised;
		if (content && (fstat(content, &status) != 0 || ftruncate(content, torn ? status.st_size / 2 : 0) != 0))
			abort();
	}
	for (unsigned i = power.change_count; i-- > 0;) {
		const struct change *change = &power.changes[i];
		if (strcmp(power.mode, "lost") != 0) {
			if (change->before[0])
				__real_unlink(change->before);
		} else if (change->before[0]) {
			__real_rename(change->before, change->path);
		} else {
			__real_unlink(change->path);
		}
	}
}

static void cut(void)
{
	lose();
	_exit(EXIT_CUT);
}

/* One more operation, before which the power may fail. */
static bool is_due(void)
{
	return ++power.count == power.at;
}

static void operate(void)
{
	if (is_due())
		cut();
}

/* Keeps what a name stands for now, as long as its folder is not synchronised. */
static void note_change(const char *path)
{
	if (power.change_count == CHANGE_LIMIT)
		abort();
	struct change *change = &power.changes[power.change_count++];
	snprintf(change->path, sizeof change->path, "%s", path);
	snprintf(change->before, sizeof change->before, "%.480s.before%u", path, power.change_count);
	if (link(path, change->before) != 0)
		change->before[0] = '\0';
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	bool writes = is_flash(path) && (flags & O_ACCMODE) != O_RDONLY;
	if (writes) {
		operate();
		if (access(path, F_OK) != 0)
			note_change(path);
	}
	int file = __real_open(path, flags, mode);
	if (file >= 0 && file < FILE_LIMIT)
		power.files[file].is_flash = is_flash(path);
	return file;
}

ssize_t __wrap_write(int file, const void *bytes, size_t length)
{
	if (!is_flash_file(file))
		return __real_write(file, bytes, length);
	bool due = is_due();
	if (due && power.bytes < 0)
		cut();
	/* A file of the same number that was never synchronised keeps that state: it is not forgotten by closing it. */
	if (!power.files[file].unsynchronised)
		power.files[file].unsynchronised = dup(file);
	if (power.at == 0)
		fprintf(stderr, "write: operation %lu, %zu bytes\n", power.count, length);
	if (!due)
		return __real_write(file, bytes, length);
	if (__real_write(file, bytes, (size_t)power.bytes < length ? (size_t)power.bytes : length) < 0)
		abort();
	cut();
	return -1;
}

int __wrap_fsync(int file)
{
	if (!is_flash_file(file))
		return __real_fsync(file);
	operate();
	if (power.files[file].unsynchronised)
		close(power.files[file].unsynchronised);
	power.files[file].unsynchronised = 0;
	struct stat status;
	if (fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
		while (power.change_count > 0) {
			const struct change *change = &power.changes[--power.change_count];
			if (change->before[0])
				__real_unlink(change->before);
		}
	}
	return __real_fsync(file);
}

int __wrap_rename(const char *from, const char *to)
{
	if (!is_flash(to))
		return __real_rename(from, to);
	operate();
	note_change(to);
	note_change(from);
	return __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
	if (!is_flash(path))
		return __real_unlink(path);
	operate();
	note_change(path);
	return __real_unlink(path);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	if (is_flash(path))
		operate();
	return __real_mkdir(path, mode);
}

__attribute__((destructor)) static void end(void)
{
	if (!is_cutting())
		return;
	if (power.at > power.count)
		lose();
	fprintf(stderr, "operations: %lu\n", power.count);
}
