/* The command line. The rest of the host reads the one structure that it fills. */
#ifndef FIELDNODE_OPTIONS_H
#define FIELDNODE_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct options {
	const char* module; /* specifier of the module to run */
	char js[PATH_MAX]; /* folder of the compiled JavaScript */
	bool own_js; /* it is the one beside the program */
	const char* config; /* JSON file that becomes mc/config, or NULL */
	size_t heap; /* limit of XS's heap in bytes, 0 for none */
	bool sizes; /* tell what each module weighs */
	bool lives; /* tell what each life was */
	char** arguments; /* the command line as it was, for a restart */
};

extern struct options options;

/* Reads the command line. Whatever is wrong with it is said in one line, and the process ends with exit_usage. */
void options_read(int argc, char** argv);

#endif
