/* From the text of a module to byte code: parser, native pass, and in the debug build the lines of the TypeScript file. */
#ifndef FIELDNODE_PARSE_MODULE_H
#define FIELDNODE_PARSE_MODULE_H

#include "xsAll.h"
#include "xsScript.h"

/* The first thing that was wrong, as "file:line: what". */
struct parse_error {
	char message[512];
};

void parse_set_error(struct parse_error* error, const char* format, ...) __attribute__((format(printf, 2, 3)));

/* The file's content as a C string that the caller frees; NULL and an error when it cannot be read. */
char* parse_read_file(const char* path, struct parse_error* error);

/* The script of a compiled JavaScript file, which fxRunScript frees; NULL and an error when it is not JavaScript. */
txScript* parse_module(txMachine* the, const char* path, struct parse_error* error);

/* A module whose default export is the value of a JSON text. */
txScript* parse_json_module(txMachine* the, const char* name, const char* json, struct parse_error* error);

#endif
