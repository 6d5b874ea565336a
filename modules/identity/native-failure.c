/* The words of native-failure.h. Plain C: the TLS engine and the identity use it without XS. */
#include "native-failure.h"

#include <stdarg.h>
#include <stdio.h>

void native_failure_set(struct native_failure *failure, const char *code, const char *format, ...)
{
	failure->code = code;
	failure->detail[0] = '\0';
	if (format) {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(failure->detail, sizeof failure->detail, format, arguments);
		va_end(arguments);
	}
	/* A certificate's names are the other side's text: XS wants UTF-8, and a terminal no control characters. */
	for (char *byte = failure->detail; *byte; byte++)
		if (*byte < ' ' || *byte > '~')
			*byte = '?';
}

void native_failure_text(const struct native_failure *failure, char text[NATIVE_FAILURE_TEXT])
{
	if (failure->code)
		snprintf(text, NATIVE_FAILURE_TEXT, "%s %s", failure->code, failure->detail);
	else
		text[0] = '\0';
}
