#include "access-points.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static struct access_point access_points[access_point_limit];
static unsigned int count;

unsigned int access_points_count(void)
{
	return count;
}

const struct access_point* access_points_get(unsigned int index)
{
	return &access_points[index];
}

bool access_point_is_up(const struct access_point* access_point)
{
	uint64_t now = clock_milliseconds();
	uint64_t every = access_point->restart_every;
	if (every > 0 && now >= every && now % every < access_point->restart_for)
		return false;
	for (unsigned int i = 0; i < access_point->outages; i++)
		if (now >= access_point->outage[i].from && now < access_point->outage[i].to)
			return false;
	return true;
}

unsigned int access_point_kicks(const struct access_point* access_point)
{
	unsigned int kicks = 0;
	for (unsigned int i = 0; i < access_point->kicks; i++)
		kicks += clock_milliseconds() >= access_point->kick[i];
	return kicks;
}

static void take_if_next(uint64_t moment, uint64_t* next)
{
	if (moment > clock_milliseconds() && moment < *next)
		*next = moment;
}

uint64_t access_points_next_event(void)
{
	uint64_t next = UINT64_MAX;
	for (const struct access_point* point = access_points; point < access_points + count; point++) {
		for (unsigned int i = 0; i < point->outages; i++)
			take_if_next(point->outage[i].from, &next);
		for (unsigned int i = 0; i < point->kicks; i++)
			take_if_next(point->kick[i], &next);
		if (point->restart_every > 0)
			take_if_next((clock_milliseconds() / point->restart_every + 1) * point->restart_every, &next);
	}
	return next;
}

static bool parse_number(const char* text, int64_t least, int64_t most, int64_t* value)
{
	char* end;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0 && *value >= least && *value <= most;
}

static bool parse_milliseconds(const char* text, int64_t least, uint64_t* value)
{
	int64_t number;
	bool valid = parse_number(text, least, UINT32_MAX, &number);
	*value = (uint64_t)number;
	return valid;
}

/* Two times with `separator` between them. */
static bool parse_pair(char* text, char separator, uint64_t* first, uint64_t* second)
{
	char* rest = strchr(text, separator);
	if (!rest)
		return false;
	*rest = '\0';
	return parse_milliseconds(text, 0, first) && parse_milliseconds(rest + 1, 0, second);
}

static bool parse_outage(struct access_point* point, char* text)
{
	if (point->outages == access_point_event_limit)
		return false;
	uint64_t* from = &point->outage[point->outages].from;
	uint64_t* to = &point->outage[point->outages++].to;
	return parse_pair(text, '-', from, to) && *from < *to;
}

static bool parse_kick(struct access_point* point, const char* text)
{
	return point->kicks < access_point_event_limit && parse_milliseconds(text, 0, &point->kick[point->kicks++]);
}

static bool parse_restart(struct access_point* point, char* text)
{
	return parse_pair(text, '/', &point->restart_every, &point->restart_for) && point->restart_for < point->restart_every;
}

static bool copy(char* into, size_t size, const char* text)
{
	return snprintf(into, size, "%s", text) < (int)size;
}

static bool parse_setting(struct access_point* point, char* text)
{
	char* value = strchr(text, '=');
	int64_t number = 0;
	bool valid = false;
	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(text, "ssid") == 0)
		valid = value[0] && copy(point->ssid, sizeof(point->ssid), value);
	else if (strcmp(text, "password") == 0)
		valid = copy(point->password, sizeof(point->password), value);
	else if (strcmp(text, "delay") == 0) {
		valid = parse_number(value, 0, INT32_MAX, &number);
		point->delay = (uint32_t)number;
	}
	else if (strcmp(text, "rssi") == 0) {
		valid = parse_number(value, -127, 0, &number);
		point->rssi = (int)number;
	}
	else if (strcmp(text, "channel") == 0) {
		valid = parse_number(value, 1, 13, &number);
		point->channel = (int)number;
	}
	else if (strcmp(text, "dhcp") == 0)
		valid = point->silent_dhcp = strcmp(value, "silent") == 0;
	else if (strcmp(text, "outage") == 0)
		valid = parse_outage(point, value);
	else if (strcmp(text, "restart") == 0)
		valid = parse_restart(point, value);
	else if (strcmp(text, "kick") == 0)
		valid = parse_kick(point, value);
	return valid;
}

bool access_points_add(const char* text)
{
	if (count == access_point_limit)
		return false;
	struct access_point* point = &access_points[count++];
	*point = (struct access_point){ .delay = 1500, .rssi = -55, .channel = 6 };
	/* Locally administered, documentation range of RFC 7042. */
	snprintf(point->bssid, sizeof(point->bssid), "02:00:5e:00:53:%02x", 0x10 + count);
	char* settings = strdup(text);
	if (!settings)
		return false;
	bool valid = true;
	char* rest = settings;
	for (char* setting; valid && (setting = strsep(&rest, ","));)
		valid = parse_setting(point, setting);
	free(settings);
	return valid && point->ssid[0];
}
