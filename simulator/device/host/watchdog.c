#include "watchdog.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "life.h"

enum { longest = 60 }; /* CONFIG_ESP_TASK_WDT_TIMEOUT_S */

static unsigned int seconds;

static void bite(int signal_number)
{
	(void)signal_number;
	life_renew("watchdog", 0);
	_exit(1);
}

bool watchdog_set(const char* text)
{
	char* end;
	unsigned long value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > longest)
		return false;
	seconds = (unsigned int)value;
	/* The next life inherits what is blocked, and must be bitten too. */
	struct sigaction action = { .sa_handler = bite, .sa_flags = SA_NODEFER };
	sigaction(SIGALRM, &action, NULL);
	return true;
}

void watchdog_begin_turn(void)
{
	if (seconds > 0)
		alarm(seconds);
}

void watchdog_end_turn(void)
{
	if (seconds > 0)
		alarm(0);
}
