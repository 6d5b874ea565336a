/*
 * The Wi-Fi access points in range (option --wifi, one for each) and what happens to them: outages, restarts at intervals,
 * and moments at which they put the station out. Everything is a function of the time since the node's start.
 */
#ifndef FIELDNODE_ACCESS_POINTS_H
#define FIELDNODE_ACCESS_POINTS_H

#include <stdbool.h>
#include <stdint.h>

enum { access_point_limit = 8, access_point_event_limit = 8 };

struct access_point {
	char ssid[33]; /* IEEE 802.11: at most 32 bytes */
	char password[65]; /* "" for an open network */
	char bssid[18];
	int channel;
	uint32_t delay; /* ms from connect to an address */
	int rssi; /* dBm */
	bool silent_dhcp; /* gives nobody an address */
	unsigned int outages, kicks;
	struct {
		uint64_t from, to; /* ms since the node's start */
	} outage[access_point_event_limit];
	uint64_t kick[access_point_event_limit];
	uint64_t restart_every, restart_for; /* off the air at each multiple of the first, for that long; 0: never */
};

unsigned int access_points_count(void);
const struct access_point* access_points_get(unsigned int index);

/* Whether it is on the air now. */
bool access_point_is_up(const struct access_point* access_point);

/* How often it has put the station out until now. */
unsigned int access_point_kicks(const struct access_point* access_point);

/* When the next of them goes off the air or puts the station out, in ms since the node's start; UINT64_MAX for never. */
uint64_t access_points_next_event(void);

/* Reads the value of an option --wifi. False when it cannot be understood, or there are too many. */
bool access_points_add(const char* text);

#endif
