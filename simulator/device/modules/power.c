/* embedded:x-fieldnode/power: the lives of the simulated node, and the text that outlives them. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "life.h"
#include "xs-port.h"

enum { retained_limit = 1024 }; /* retainedLimit in power.ts */

/* The file of the retained text, of which a node that was switched on finds none; false where it has no flash folder. */
static bool retained_path(char* path, size_t size)
{
	static bool was_used;
	const char* folder = getenv("FIELDNODE_FLASH");
	if (!folder || snprintf(path, size, "%s/retained", folder) >= (int)size)
		return false;
	if (!was_used && strcmp(life_reset_reason(), "power-on") == 0)
		unlink(path);
	was_used = true;
	return true;
}

void xs_power_get_reset_reason(xsMachine* the)
{
	xsmcSetString(xsResult, (char*)life_reset_reason());
}

void xs_power_get_retained(xsMachine* the)
{
	char path[4096], text[retained_limit];
	if (!retained_path(path, sizeof(path)))
		return;
	FILE* file = fopen(path, "rb");
	if (!file)
		return;
	size_t length = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (length > 0)
		xsmcSetStringBuffer(xsResult, text, (xsIntegerValue)length);
}

/* (text) */
void xs_power_retain(xsMachine* the)
{
	char path[4096];
	const char* text = xsmcToString(xsArg(0));
	size_t length = strlen(text);
	if (length > retained_limit)
		xsRangeError("Power: at most %d bytes can be retained", retained_limit);
	FILE* file = retained_path(path, sizeof(path)) ? fopen(path, "wb") : NULL;
	if (!file)
		xsUnknownError("Power: cannot retain anything: %s", strerror(errno));
	fwrite(text, 1, length, file);
	fclose(file);
}

void xs_power_restart(xsMachine* the)
{
	life_renew("software", 0);
	xsUnknownError("Power: cannot restart: %s", strerror(errno));
}

/* (milliseconds) */
void xs_power_sleep(xsMachine* the)
{
	xsNumberValue milliseconds = xsmcToNumber(xsArg(0));
	life_renew("sleep", milliseconds > 0 ? (uint64_t)milliseconds : 0);
	xsUnknownError("Power: cannot sleep: %s", strerror(errno));
}
