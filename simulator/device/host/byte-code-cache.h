/*
 * Byte code of modules that were parsed before, in the folder `parsed` beside the program. A board has its modules as
 * byte code in ROM; a desktop that parses them anew spends half of a short life on it, and a node that sleeps has ten
 * thousand lives.
 *
 * An entry holds for one text of one file, parsed by one build of this program. Any other one, and any that is cut off
 * or damaged, is as if it were not there; so is a folder that cannot be written. The debug build keeps nothing: what it
 * parses also depends on source maps and on the current folder.
 */
#ifndef FIELDNODE_BYTE_CODE_CACHE_H
#define FIELDNODE_BYTE_CODE_CACHE_H

#include "xsAll.h"
#include "xsScript.h"

/* The script of a file with that text, as it was before it ran first. NULL when it has to be parsed. */
txScript* byte_code_recall(const char* path, const char* text);

/* Keeps a script for the next process. It must not have run: XS then writes its own numbers of names into the code. */
void byte_code_keep(const char* path, const char* text, const txScript* script);

#endif
