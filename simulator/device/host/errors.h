/*
 * What ends a run: uncaught exceptions, unhandled rejections, and what XS itself gives up on. Printed on standard error;
 * the first one decides the exit code and ends the event loop.
 */
#ifndef FIELDNODE_ERRORS_H
#define FIELDNODE_ERRORS_H

#include "xs-internal.h"

enum exit_code {
	exit_done = 0,
	exit_uncaught = 1, /* an uncaught exception or rejection, or no memory left */
	exit_failure = 2, /* the same, of a Failure: somebody has to put something right */
	exit_usage = 64, /* EX_USAGE of sysexits.h */
};

/* 0 until something was reported. */
int errors_exit_code(void);

/* Reports an exception or the reason of a rejection. `where` completes "uncaught …". */
void errors_report(xsMachine* the, const char* where, xsSlot* error);

/*
 * XS turns whatever is wrong with an imported module into "import x not found" of the importer. What is noted here, a
 * line of text, is printed before the next report, so that the cause is not lost.
 */
void errors_note_cause(const char* format, ...) __attribute__((format(printf, 1, 2)));

#endif
