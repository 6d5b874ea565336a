/*
 * The C functions that TypeScript calls by name: native("xs_tcp_read"), Native("xs_tcp_destructor").
 *
 * The tables are generated from the compiled JavaScript (generate/tables.mjs), with a prototype for each name. A name
 * without a C function is therefore an error of the linker, and a destructor named where a function belongs an error of
 * the compiler.
 */
#ifndef FIELDNODE_NATIVE_TABLE_H
#define FIELDNODE_NATIVE_TABLE_H

#include "xs-internal.h"

/* The function or the destructor of that name, or NULL. */
txCallback native_function(const char* name);
txDestructor native_destructor(const char* name);

/* Fills the ids of mc.xs.h and, where the parser of XS does not know the Native API, defines its two globals. */
void native_table_install(xsMachine* the);

#endif
