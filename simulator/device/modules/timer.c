/* timer: a JavaScript callback on a timer of the event loop. While it is to fire, the loop keeps the object alive. */
#include <stdlib.h>
#include <time.h>

#include "callback.h"
#include "event-loop.h"

struct timer {
	struct event_timer event; /* first: the loop hands this back */
	xsMachine* the;
	xsSlot object;
	xsSlot callback;
	uint64_t repeat; /* ms, 0 for once */
	bool active; /* object and callback are remembered */
	bool resting; /* waits for nothing, but may be scheduled again */
};

static void release(struct timer* timer)
{
	if (!timer->active)
		return;
	xsMachine* the = timer->the;
	timer->active = false;
	timer_stop(&timer->event);
	xsForget(timer->object);
	xsForget(timer->callback);
}

void xs_timer_destructor(void* data)
{
	struct timer* timer = data;
	if (!timer)
		return; /* the prototype of the class */
	timer_stop(&timer->event);
	free(timer);
}

static void fire(struct event_timer* event)
{
	struct timer* timer = (struct timer*)event;
	xsMachine* the = timer->the;
	timer->resting = false;
	/* Scheduled before the call, so that the callback can clear or move it. */
	if (timer->repeat > 0)
		timer_start(event, timer->repeat);
	/* The callback may clear the timer and let go of it; its own references keep it until the call is over. */
	xsSlot object = timer->object, callback = timer->callback;
	xsBeginHost(the);
	xsmcVars(2);
	xsVar(0) = object;
	xsVar(1) = callback;
	callback_with_object(the, &xsVar(1), &xsVar(0), &xsVar(0));
	timer = xsmcGetHostData(xsVar(0));
	if (timer->active && !timer->event.active && !timer->resting)
		release(timer);
	xsEndHost(the);
}

void xs_timer_start(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL); /* throws before anything is allocated when this is not a Timer */
	if (!xsmcIsCallable(xsArg(0)))
		xsTypeError("Timer: the callback is not a function");
	xsIntegerValue interval = xsmcToInteger(xsArg(1)), repeat = xsmcToInteger(xsArg(2));
	struct timer* timer = calloc(1, sizeof(*timer));
	if (!timer)
		xsUnknownError("Timer: not enough memory");
	timer->event.fire = fire;
	timer->the = the;
	timer->object = xsThis;
	timer->callback = xsArg(0);
	timer->repeat = repeat > 0 ? (uint64_t)repeat : 0;
	timer->active = true;
	xsmcSetHostData(xsThis, timer);
	xsRemember(timer->object);
	xsRemember(timer->callback);
	timer_start(&timer->event, interval > 0 ? (uint64_t)interval : 0);
}

void xs_timer_schedule(xsMachine* the)
{
	struct timer* timer = xsmcGetHostData(xsThis);
	xsIntegerValue interval = xsmcToInteger(xsArg(0)), repeat = xsmcToInteger(xsArg(1));
	if (!timer || !timer->active)
		xsUnknownError("Timer: it has fired for the last time or was cleared");
	timer->repeat = repeat > 0 ? (uint64_t)repeat : 0;
	timer->resting = interval < 0;
	if (timer->resting)
		timer_stop(&timer->event);
	else
		timer_start(&timer->event, (uint64_t)interval);
}

void xs_timer_clear(xsMachine* the)
{
	struct timer* timer = xsmcGetHostData(xsThis);
	if (timer)
		release(timer);
}

void xs_timer_delay(xsMachine* the)
{
	xsIntegerValue milliseconds = xsmcToInteger(xsArg(0));
	if (milliseconds <= 0)
		return;
	struct timespec left = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };
	while (nanosleep(&left, &left) != 0)
		;
}
