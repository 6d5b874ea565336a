/* The access points of the options --wifi, for the Wi-Fi interface: which are heard, and when something happens to one. */
#include <stdlib.h>

#include "access-points.h"
#include "account.h"
#include "callback.h"
#include "clock.h"
#include "event-loop.h"
#include "network.h"

struct radio {
	struct event_timer timer; /* first: the loop hands this back */
	xsMachine* the;
	xsSlot object; /* remembered: the radio lives as long as the node */
	xsSlot* on_event;
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
		callback_mark(the, mark_root, radio->on_event);
}

static const xsHostHooks hooks = { .destructor = xs_radio_destructor, .marker = mark };

static void wait_for_next_event(struct radio* radio)
{
	uint64_t next = access_points_next_event();
	if (next != UINT64_MAX)
		timer_start(&radio->timer, next - clock_milliseconds());
}

static void on_timer(struct event_timer* timer)
{
	struct radio* radio = (struct radio*)timer;
	wait_for_next_event(radio);
	callback_call(radio->the, radio->on_event, &radio->object);
}

void xs_radio_watch(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL);
	struct radio* radio = calloc(1, sizeof(*radio));
	if (!radio)
		xsUnknownError("WiFi: not enough memory");
	/* What is yet to come does not keep the node running. */
	radio->timer = (struct event_timer){ .fire = on_timer, .background = true };
	radio->the = the;
	radio->object = xsThis;
	radio->on_event = xsmcToReference(xsArg(0));
	xsmcSetHostData(xsThis, radio);
	xsSetHostHooks(xsThis, &hooks);
	xsRemember(radio->object);
	wait_for_next_event(radio);
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

void xs_radio_get_count(xsMachine* the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)access_points_count());
}

/* (index) → what is heard of that access point, undefined when it is off the air */
void xs_radio_hear(xsMachine* the)
{
	const struct access_point* access_point = access_points_get((unsigned int)xsmcToInteger(xsArg(0)));
	if (!access_point_is_up(access_point))
		return;
	xsmcVars(1);
	xsResult = xsmcNewObject();
	set_string(the, xsID_SSID, access_point->ssid);
	set_string(the, xsID_password, access_point->password);
	set_string(the, xsID_BSSID, access_point->bssid);
	set_integer(the, xsID_channel, access_point->channel);
	set_integer(the, xsID_RSSI, access_point->rssi);
	set_integer(the, xsID_delay, (xsIntegerValue)access_point->delay);
	set_integer(the, xsID_kicks, (xsIntegerValue)access_point_kicks(access_point));
	xsmcSetBoolean(xsVar(0), access_point->silent_dhcp);
	xsmcSet(xsResult, xsID_silentDHCP, xsVar(0));
}

void xs_radio_get_delay(xsMachine* the)
{
	account_radio(); /* to join takes so long */
	uint32_t delay = 0;
	for (unsigned int i = 0; i < access_points_count(); i++)
		if (access_points_get(i)->delay > delay)
			delay = access_points_get(i)->delay;
	xsmcSetInteger(xsResult, (xsIntegerValue)delay);
}

void xs_radio_set_link(xsMachine* the)
{
	network_set_link(xsmcToBoolean(xsArg(0)));
}
