#include "clock.h"
#include "xs-port.h"

void xs_time_set(xsMachine* the)
{
	double seconds = xsmcToNumber(xsArg(0));
	if (!(seconds >= 0 && seconds <= UINT32_MAX))
		xsRangeError("Time: seconds since 1970 are expected");
	clock_set_wall((int64_t)seconds * 1000000);
}

void xs_time_ticks(xsMachine* the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)(uint32_t)clock_milliseconds());
}

void xs_time_microseconds(xsMachine* the)
{
	xsmcSetNumber(xsResult, (double)clock_microseconds());
}
