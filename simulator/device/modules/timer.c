/* timer: a JavaScript callback on a timer of the event loop. While it is to fire, the loop keeps the object alive. */
#include <stdlib.h>
#include <time.h>

#include "allocation.h"
#include "callback.h"
#include "clock.h"
#include "event-loop.h"

struct timer {
	struct event_timer event; /* first: the loop hands this back */
	xsMachine* the;
	xsSlot object; /* remembered while the timer is alive */
	xsSlot* callback;
	uint64_t repeat; /* ms, 0 for once */
	bool alive; /* has to fire, or is firing, or rests */
	bool resting; /* waits for nothing, but may be scheduled again */
	bool firing;
	bool orphan; /* its object was collected while it was firing */
};

void xs_timer_destructor(void* data)
{
	struct timer* timer = data;
	if (!timer)
		return; /* the prototype of the class */
	timer_stop(&timer->event);
	timer->alive = false;
	if (timer->firing)
		timer->orphan = true;
	else
		free(timer);
}

static void mark(xsMachine* the, void* data, xsMarkRoot mark_root)
{
	struct timer* timer = data;
	if (timer)
		callback_mark(the, mark_root, timer->callback);
}

static const xsHostHooks hooks = { .destructor = xs_timer_destructor, .marker = mark };

static void end(struct timer* timer)
{
	if (!timer->alive)
		return;
	xsMachine* the = timer->the;
	timer->alive = false;
	timer->callback = NULL;
	timer_stop(&timer->event);
	xsForget(timer->object);
}

static void fire(struct event_timer* event)
{
	struct timer* timer = (struct timer*)event;
	timer->resting = false;
	/* Scheduled before the call, so that the callback can clear or move it. */
	if (timer->repeat > 0)
		timer_start(event, timer->repeat);
	timer->firing = true;
	callback_call_with_itself(timer->the, timer->callback, &timer->object);
	timer->firing = false;
	if (timer->orphan)
		free(timer);
	else if (!timer->event.active && !timer->resting)
		end(timer);
}

static xsIntegerValue argument(xsMachine* the, int index, xsIntegerValue otherwise)
{
	return index >= xsmcArgc || xsmcTypeOf(xsArg(index)) == xsUndefinedType ? otherwise : xsmcToInteger(xsArg(index));
}

/* (callback, interval, repeat) → a timer of the class */
void xs_timer_set(xsMachine* the)
{
	if (xsmcArgc < 1 || !xsmcIsCallable(xsArg(0)))
		xsTypeError("Timer: the callback is not a function");
	xsIntegerValue interval = argument(the, 1, 0), repeat = argument(the, 2, 0);
	struct timer* timer = allocation_for_host(1, sizeof(*timer));
	if (!timer)
		xsUnknownError("Timer: not enough memory");
	xsmcGet(xsResult, xsThis, xsID_prototype);
	xsResult = xsNewHostInstance(xsResult);
	timer->event.fire = fire;
	timer->the = the;
	timer->object = xsResult;
	timer->callback = xsmcToReference(xsArg(0));
	timer->repeat = repeat > 0 ? (uint64_t)repeat : 0;
	timer->alive = true;
	xsmcSetHostData(xsResult, timer);
	xsSetHostHooks(xsResult, &hooks);
	xsRemember(timer->object);
	timer_start(&timer->event, interval > 0 ? (uint64_t)interval : 0);
}

/* (timer, interval, repeat) */
void xs_timer_schedule(xsMachine* the)
{
	struct timer* timer = xsmcGetHostDataValidate(xsArg(0), (void*)&hooks);
	xsIntegerValue interval = argument(the, 1, -1), repeat = argument(the, 2, 0);
	if (!timer->alive)
		xsUnknownError("Timer: it has fired for the last time or was cleared");
	/* The SDK's on Linux would fire for ever, and one that fires once not again. */
	if (timer->firing)
		xsUnknownError("Timer: it cannot be scheduled by its own callback");
	timer->repeat = repeat > 0 ? (uint64_t)repeat : 0;
	timer->resting = interval < 0;
	if (timer->resting)
		timer_stop(&timer->event);
	else
		timer_start(&timer->event, (uint64_t)interval);
}

/* (timer | undefined | null) */
void xs_timer_clear(xsMachine* the)
{
	if (xsmcArgc > 0 && xsmcTest(xsArg(0)))
		end(xsmcGetHostDataValidate(xsArg(0), (void*)&hooks));
}

void xs_timer_delay(xsMachine* the)
{
	xsIntegerValue milliseconds = xsmcToInteger(xsArg(0));
	if (milliseconds <= 0)
		return;
	uint64_t wait = clock_real_microseconds((uint64_t)milliseconds);
	struct timespec left = { .tv_sec = (time_t)(wait / 1000000), .tv_nsec = (long)(wait % 1000000) * 1000 };
	while (nanosleep(&left, &left) != 0)
		;
}
