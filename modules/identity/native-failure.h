/*
 * How C tells TypeScript what went wrong: a code of modules/system/failures.ts and what only this occurrence knows.
 * Never a key, a secret or a payload.
 */
#ifndef FIELDNODE_NATIVE_FAILURE_H
#define FIELDNODE_NATIVE_FAILURE_H

enum { NATIVE_FAILURE_DETAIL = 192 };

struct native_failure {
	const char *code; /* NULL while nothing has failed; points to a constant */
	char detail[NATIVE_FAILURE_DETAIL];
};

/* Room for "code detail" and its end. */
enum { NATIVE_FAILURE_TEXT = 40 + NATIVE_FAILURE_DETAIL };

/* Notes a failure, with a detail in printf's form (NULL for none). Bytes outside printable ASCII become `?`. */
void native_failure_set(struct native_failure *failure, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes "code detail" as native-failure.ts reads it; an empty text when nothing has failed. */
void native_failure_text(const struct native_failure *failure, char text[NATIVE_FAILURE_TEXT]);

#endif
