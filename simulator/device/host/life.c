#include "life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "clock.h"
#include "options.h"
#include "watchdog.h"

/* How one life tells the next: a process that replaces itself keeps its environment. */
static const char reason_variable[] = "FIELDNODE_RESET", wall_variable[] = "FIELDNODE_WALL";

static char reason[16] = "power-on";
static int64_t wall = -1;

const char* life_reset_reason(void)
{
	return reason;
}

void life_begin(void)
{
	const char* told = getenv(reason_variable);
	const char* time = getenv(wall_variable);
	if (!told || !time)
		return;
	snprintf(reason, sizeof(reason), "%s", told);
	wall = strtoll(time, NULL, 10);
	unsetenv(reason_variable);
	unsetenv(wall_variable);
}

void life_resume_clock(void)
{
	if (wall >= 0)
		clock_set_wall(wall);
}

static void freeze(uint64_t milliseconds)
{
	uint64_t microseconds = clock_real_microseconds(milliseconds);
	struct timespec left = { (time_t)(microseconds / 1000000), (long)(microseconds % 1000000) * 1000 };
	while (nanosleep(&left, &left) != 0)
		;
}

void life_renew(const char* next_reason, uint64_t milliseconds)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)(clock_wall() + (int64_t)milliseconds * 1000));
	account_report();
	fflush(stdout);
	watchdog_end_turn();
	freeze(milliseconds);
	setenv(reason_variable, next_reason, 1);
	setenv(wall_variable, text, 1);
	execv("/proc/self/exe", options.arguments);
}
