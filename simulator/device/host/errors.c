#include "errors.h"

#include "event-loop.h"
#include "options.h"

static int exit_code;
static char cause[1024];

int errors_exit_code(void)
{
	return exit_code;
}

void errors_note_cause(const char* format, ...)
{
	if (cause[0])
		return; /* the first one is the cause, later ones are its effects */
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(cause, sizeof(cause), format, arguments);
	va_end(arguments);
}

static void end_with(int code)
{
	if (exit_code == 0)
		exit_code = code;
	event_loop_end();
}

static bool is_failure(xsMachine* the, xsSlot* error)
{
	if (xsTypeOf(*error) != xsReferenceType)
		return false;
	xsSlot name = xsGet(*error, id_of(the, "name"));
	return xsTypeOf(name) == xsStringType && strcmp(xsToString(name), "Failure") == 0;
}

static bool has_text(xsMachine* the, xsSlot* object, const char* name)
{
	xsSlot value = xsGet(*object, id_of(the, name));
	return xsTypeOf(value) == xsStringType && xsToString(value)[0] != '\0';
}

/* An error's stack begins with its name and message. Errors are followed by their cause, if they have one. */
static void print_with_stack(xsMachine* the, xsSlot* error)
{
	xsSlot current = *error;
	for (int depth = 0; depth < 8; depth++) {
		xsVar(0) = current;
		if (xsTypeOf(xsVar(0)) == xsReferenceType && has_text(the, &xsVar(0), "stack"))
			fprintf(stderr, "%s\n", xsToString(xsGet(xsVar(0), id_of(the, "stack"))));
		else {
			xsVar(1) = xsVar(0);
			fprintf(stderr, "%s\n", xsToString(xsVar(1)));
		}
		if (xsTypeOf(xsVar(0)) != xsReferenceType || !xsHas(xsVar(0), id_of(the, "cause")))
			return;
		current = xsGet(xsVar(0), id_of(the, "cause"));
		fprintf(stderr, "caused by ");
	}
}

void errors_report(xsMachine* machine, const char* where, xsSlot* error)
{
	fflush(stdout);
	xsBeginHost(machine);
	xsVars(3);
	xsVar(2) = *error;
	xsTry {
		if (is_failure(the, &xsVar(2))) {
			/* The firmware tells most failures itself. */
			if (!xsTest(xsGet(xsVar(2), id_of(the, "told"))))
				fprintf(stderr, "%s\n", xsToString(xsVar(2)));
			end_with(exit_failure);
		}
		else {
			if (cause[0])
				fprintf(stderr, "%s\n", cause);
			fprintf(stderr, "uncaught %s: ", where);
			print_with_stack(the, &xsVar(2));
		}
	}
	xsCatch {
		fprintf(stderr, "(an error that cannot be printed)\n");
	}
	xsEndHost(machine);
	cause[0] = '\0';
	end_with(exit_uncaught);
}

static const char* why(int status)
{
	switch (status) {
	case XS_NOT_ENOUGH_MEMORY_EXIT:
		return "the JavaScript heap is full";
#if XS_MAJOR_VERSION >= 17
	case XS_JAVASCRIPT_STACK_OVERFLOW_EXIT:
		return "the JavaScript stack is full (endless recursion?)";
	case XS_NATIVE_STACK_OVERFLOW_EXIT:
		return "the native stack is full (endless recursion?)";
#else
	case XS_STACK_OVERFLOW_EXIT:
		return "the stack is full (endless recursion?)";
#endif
	case XS_NO_MORE_KEYS_EXIT:
		return "there are more property names than XS has keys for";
	case XS_DEAD_STRIP_EXIT:
		return "a feature was used that this build of XS leaves out";
	case XS_FATAL_CHECK_EXIT:
		return "XS found its heap damaged";
	default:
		return "XS gave up";
	}
}

/*
 * XS calls this for what it cannot go on from. Uncaught exceptions and rejections return to it, so that the loop ends in
 * order; everything else is the end of the process, as it is the restart of an ESP32.
 */
void fxAbort(txMachine* the, int status)
{
	if (status == XS_UNHANDLED_EXCEPTION_EXIT) {
		errors_report(the, "exception", &mxException);
		return;
	}
	if (status == XS_UNHANDLED_REJECTION_EXIT) {
		errors_report(the, "rejection", &mxException);
		return;
	}
	fflush(stdout);
	if (status == XS_NOT_ENOUGH_MEMORY_EXIT && options.heap > 0)
		fprintf(stderr, "fieldnode: %s (limit: %zu bytes)\n", why(status), options.heap);
	else
		fprintf(stderr, "fieldnode: %s\n", why(status));
	_exit(exit_uncaught);
}
