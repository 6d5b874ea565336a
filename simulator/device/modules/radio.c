/* The access point of the option --wifi, for the Wi-Fi interface: what is heard, and when it goes off the air. */
#include <stdlib.h>

#include "callback.h"
#include "clock.h"
#include "event-loop.h"
#include "network.h"

struct radio {
	struct event_timer timer; /* first: the loop hands this back */
	xsMachine* the;
	xsSlot object; /* remembered: the radio lives as long as the node */
	xsSlot* on_outage;
};

void xs_radio_destructor(void* data)
{
	struct radio* radio = data;
	if (!radio)
		return;
	timer_stop(&radio->timer);
	free(radio);
}

static void mark(xsMachine* the, void* data, xsMarkRoot mark_root)
{
	struct radio* radio = data;
	if (radio)
		callback_mark(the, mark_root, radio->on_outage);
}

static const xsHostHooks hooks = { .destructor = xs_radio_destructor, .marker = mark };

static void wait_for_next_outage(struct radio* radio)
{
	const struct access_point* access_point = network_access_point();
	uint64_t now = clock_milliseconds(), next = UINT64_MAX;
	for (unsigned int i = 0; access_point && i < access_point->outages; i++) {
		uint64_t from = access_point->outage[i].from;
		if (from > now && from < next)
			next = from;
	}
	if (next != UINT64_MAX)
		timer_start(&radio->timer, next - now);
}

static void on_timer(struct event_timer* timer)
{
	struct radio* radio = (struct radio*)timer;
	wait_for_next_outage(radio);
	callback_call(radio->the, radio->on_outage, &radio->object);
}

void xs_radio_watch(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL);
	struct radio* radio = calloc(1, sizeof(*radio));
	if (!radio)
		xsUnknownError("WiFi: not enough memory");
	/* An outage to come does not keep the node running. */
	radio->timer = (struct event_timer){ .fire = on_timer, .background = true };
	radio->the = the;
	radio->object = xsThis;
	radio->on_outage = xsmcToReference(xsArg(0));
	xsmcSetHostData(xsThis, radio);
	xsSetHostHooks(xsThis, &hooks);
	xsRemember(radio->object);
	wait_for_next_outage(radio);
}

static void set_string(xsMachine* the, xsIdentifier name, const char* value)
{
	xsmcSetString(xsVar(0), (char*)value);
	xsmcSet(xsResult, name, xsVar(0));
}

static void set_integer(xsMachine* the, xsIdentifier name, xsIntegerValue value)
{
	xsmcSetInteger(xsVar(0), value);
	xsmcSet(xsResult, name, xsVar(0));
}

void xs_radio_get_heard(xsMachine* the)
{
	const struct access_point* access_point = network_access_point();
	if (!network_access_point_is_up())
		return;
	xsmcVars(1);
	xsResult = xsmcNewObject();
	set_string(the, xsID_SSID, access_point->ssid);
	set_string(the, xsID_password, access_point->password);
	set_string(the, xsID_BSSID, "02:00:5e:00:53:01"); /* locally administered, documentation range of RFC 7042 */
	set_integer(the, xsID_channel, 6);
	set_integer(the, xsID_RSSI, access_point->rssi);
}

void xs_radio_get_delay(xsMachine* the)
{
	const struct access_point* access_point = network_access_point();
	xsmcSetInteger(xsResult, access_point ? (xsIntegerValue)access_point->delay : 0);
}

void xs_radio_set_link(xsMachine* the)
{
	network_set_link(xsmcToBoolean(xsArg(0)));
}
