#include "byte-code-cache.h"

#ifdef mxDebug

txScript* byte_code_recall(const char* path, const char* text)
{
	(void)path;
	(void)text;
	return NULL;
}

void byte_code_keep(const char* path, const char* text, const txScript* script)
{
	(void)path;
	(void)text;
	(void)script;
}

#else

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"

/* What an entry begins with; symbols, code and hosts follow. */
struct header {
	uint64_t key; /* what was parsed, and by what */
	uint64_t check; /* of all that follows */
	uint32_t symbols, code, hosts; /* bytes */
	uint32_t unused;
};

/* FNV-1a. */
static const uint64_t hash_of_nothing = 0xcbf29ce484222325u;

static uint64_t hash(uint64_t so_far, const void* bytes, size_t size)
{
	const unsigned char* next = bytes;
	for (size_t i = 0; i < size; i++)
		so_far = (so_far ^ next[i]) * 0x100000001b3u;
	return so_far;
}

/* Where the byte code of a text lies, and what tells it from any other. */
struct entry {
	char path[PATH_MAX];
	uint64_t key;
};

/*
 * "<folder of the program>/parsed/modules+mqtt+client.js". JavaScript that --js names comes from elsewhere and is parsed.
 * The path of the program is read, not followed: valgrind, too, tells the program's and not its own.
 */
static bool find_entry(const char* path, const char* text, struct entry* entry)
{
	ssize_t length = readlink("/proc/self/exe", entry->path, sizeof(entry->path) - 1);
	if (length < 0 || !options.own_js)
		return false;
	entry->path[length] = '\0';
	struct stat program;
	if (stat(entry->path, &program) != 0)
		return false;
	/* The version of XS, the size of its ids and every rule of the parser come with the build. */
	const int64_t build[] = { program.st_size, program.st_mtim.tv_sec, program.st_mtim.tv_nsec };
	entry->key = hash(hash_of_nothing, build, sizeof(build));
	entry->key = hash(entry->key, path, strlen(path) + 1);
	entry->key = hash(entry->key, text, strlen(text) + 1);
	char* name = strrchr(entry->path, '/') + 1;
	size_t left = sizeof(entry->path) - (size_t)(name - entry->path);
	if (snprintf(name, left, "parsed/%s", path + strlen(options.js) + 1) >= (int)left)
		return false;
	for (name += strlen("parsed/"); *name; name++)
		if (*name == '/')
			*name = '+';
	return true;
}

static uint64_t check_of(const struct header* header, const void* symbols, const void* code, const void* hosts)
{
	uint64_t check = hash(hash_of_nothing, &header->symbols, sizeof(*header) - offsetof(struct header, symbols));
	check = hash(check, symbols, header->symbols);
	check = hash(check, code, header->code);
	return hash(check, hosts, header->hosts);
}

/* The next bytes of a file in a block of their own, as fxDeleteScript frees them. */
static bool read_buffer(FILE* file, uint32_t size, txS1** buffer, txSize* buffer_size)
{
	if (size == 0)
		return true;
	*buffer = malloc(size);
	*buffer_size = (txSize)size;
	return *buffer && fread(*buffer, 1, size, file) == size;
}

static txScript* read_script(FILE* file, uint64_t key)
{
	struct header header;
	struct stat status;
	if (fread(&header, sizeof(header), 1, file) != 1 || header.key != key || fstat(fileno(file), &status) != 0)
		return NULL;
	uint64_t size = (uint64_t)sizeof(header) + header.symbols + header.code + header.hosts;
	if ((uint64_t)status.st_size != size || header.symbols == 0 || header.code == 0)
		return NULL;
	/* Not calloc, whose calls tests count: see allocation.c. */
	txScript* script = malloc(sizeof(*script));
	if (!script)
		return NULL;
	memset(script, 0, sizeof(*script));
	bool whole = read_buffer(file, header.symbols, &script->symbolsBuffer, &script->symbolsSize) &&
		read_buffer(file, header.code, &script->codeBuffer, &script->codeSize) &&
		read_buffer(file, header.hosts, &script->hostsBuffer, &script->hostsSize);
	if (whole && check_of(&header, script->symbolsBuffer, script->codeBuffer, script->hostsBuffer) == header.check) {
		script->version[0] = XS_MAJOR_VERSION;
		script->version[1] = XS_MINOR_VERSION;
		script->version[2] = XS_PATCH_VERSION;
		return script;
	}
	fxDeleteScript(script);
	return NULL;
}

txScript* byte_code_recall(const char* path, const char* text)
{
	struct entry entry;
	FILE* file = find_entry(path, text, &entry) ? fopen(entry.path, "rb") : NULL;
	if (!file)
		return NULL;
	txScript* script = read_script(file, entry.key);
	fclose(file);
	return script;
}

static bool write_script(FILE* file, uint64_t key, const txScript* script)
{
	struct header header = {
		.key = key,
		.symbols = (uint32_t)script->symbolsSize,
		.code = (uint32_t)script->codeSize,
		.hosts = (uint32_t)script->hostsSize,
	};
	header.check = check_of(&header, script->symbolsBuffer, script->codeBuffer, script->hostsBuffer);
	return fwrite(&header, sizeof(header), 1, file) == 1 &&
		fwrite(script->symbolsBuffer, 1, header.symbols, file) == header.symbols &&
		fwrite(script->codeBuffer, 1, header.code, file) == header.code &&
		(header.hosts == 0 || fwrite(script->hostsBuffer, 1, header.hosts, file) == header.hosts);
}

/*
 * Two nodes that start at the same time may write the same new file: what they write is the same, and a reader that
 * comes between finds the check wrong and parses. So a node that is killed here leaves no more than one such file.
 */
void byte_code_keep(const char* path, const char* text, const txScript* script)
{
	static const char suffix[] = "~";
	struct entry entry;
	char written[sizeof(entry.path) + sizeof(suffix)];
	if (!script->symbolsBuffer || !find_entry(path, text, &entry))
		return;
	char* slash = strrchr(entry.path, '/');
	*slash = '\0';
	mkdir(entry.path, 0755);
	*slash = '/';
	snprintf(written, sizeof(written), "%s%s", entry.path, suffix);
	FILE* file = fopen(written, "wb");
	if (!file)
		return;
	bool whole = write_script(file, entry.key, script);
	if (fclose(file) == 0 && whole)
		rename(written, entry.path);
	else
		unlink(written);
}

#endif
