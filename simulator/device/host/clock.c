#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

/* The wall clock at tick 0. A node that was just switched on believes that it is 1970. */
static int64_t wall_at_start;

/* How many of the node's seconds go into one of the desktop's. */
static uint32_t scale = 1;

static uint64_t monotonic_microseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_microseconds(void)
{
	static uint64_t start;
	uint64_t now = monotonic_microseconds();
	if (start == 0)
		start = now;
	return (now - start) * scale;
}

uint64_t clock_milliseconds(void)
{
	return clock_microseconds() / 1000;
}

uint64_t clock_real_microseconds(uint64_t milliseconds)
{
	return (milliseconds * 1000 + scale - 1) / scale;
}

bool clock_set_scale(const char* option)
{
	char* end;
	errno = 0;
	unsigned long value = strtoul(option, &end, 10);
	if (end == option || *end != '\0' || errno != 0 || *option == '-' || value < 1 || value > 100000)
		return false;
	scale = (uint32_t)value;
	return true;
}

int64_t clock_wall(void)
{
	return wall_at_start + (int64_t)clock_microseconds();
}

void clock_set_wall(int64_t microseconds)
{
	wall_at_start = microseconds - (int64_t)clock_microseconds();
}

bool clock_start(const char* option)
{
	if (strcmp(option, "unset") == 0) {
		clock_set_wall(0);
		return true;
	}
	if (strcmp(option, "desktop") == 0) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		clock_set_wall((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
		return true;
	}
	char* end;
	errno = 0;
	long long milliseconds = strtoll(option, &end, 10);
	if (end == option || *end != '\0' || errno != 0 || milliseconds < 0 || milliseconds > INT64_MAX / 1000)
		return false;
	clock_set_wall(milliseconds * 1000);
	return true;
}

/* XS's view of both: see platform.h. */

int node_clock_gettimeofday(struct timeval* now, void* zone)
{
	(void)zone;
	int64_t wall = clock_wall();
	now->tv_sec = (time_t)(wall / 1000000);
	now->tv_usec = (suseconds_t)(wall % 1000000);
	return 0;
}

uint32_t node_random(void)
{
	uint32_t result;
	while (getrandom(&result, sizeof(result), 0) != (ssize_t)sizeof(result))
		;
	return result;
}
