#include "account.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "clock.h"
#include "options.h"

static struct {
	uint64_t radio; /* when it was switched on, in ms of the node */
	bool radio_is_on;
	size_t sent, received;
	unsigned int round_trips, answers;
	bool waits; /* something went out since something came in */
} life;

void account_radio(void)
{
	if (!life.radio_is_on)
		life.radio = clock_milliseconds();
	life.radio_is_on = true;
}

void account_connected(void)
{
	life.round_trips++;
}

void account_sent(size_t bytes)
{
	life.sent += bytes;
	life.waits = true;
}

void account_received(size_t bytes)
{
	life.received += bytes;
	life.round_trips += life.waits;
	life.waits = false;
}

void account_answer(void)
{
	life.answers++;
}

void account_report(void)
{
	if (!options.lives)
		return;
	uint64_t now = clock_milliseconds();
	uint64_t radio = life.radio_is_on ? now - life.radio : 0;
	printf("life %llu %llu %zu %zu %u %u\n", (unsigned long long)now, (unsigned long long)radio, life.sent,
		life.received, life.round_trips, life.answers);
}
