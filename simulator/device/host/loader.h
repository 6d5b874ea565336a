/*
 * ES modules. A specifier is a path from the project's folder without ending ("modules/mqtt/client"), a path relative to
 * the importing module, or one of the SDK's names ("timer", "embedded:io/socket/tcp"). Which file an SDK name stands for
 * is said once, in `paths` of tsconfig.json, and generated into a table from there.
 */
#ifndef FIELDNODE_LOADER_H
#define FIELDNODE_LOADER_H

#include "xs-internal.h"

/* Imports the module to run; the machine's jobs and the event loop do the rest. Its failure is reported as uncaught. */
void loader_run(xsMachine* the, const char* specifier);

/* True once the module's body has come to its end, top-level awaits included. */
bool loader_finished(void);

/* Frees what the loader had to keep as long as the machine lives. */
void loader_forget(void);

#endif
