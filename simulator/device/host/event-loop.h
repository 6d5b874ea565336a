/*
 * One thread, one loop: waits with ppoll() for files and for the next timer, and runs the promise jobs after every call
 * into JavaScript. One process is one device, so there is one loop, and it needs no handle.
 *
 * Watches and timers are structures of their owners, linked into the loop while active. Every function may be called from
 * within a callback, also to stop the watch or timer whose callback it is.
 */
#ifndef FIELDNODE_EVENT_LOOP_H
#define FIELDNODE_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	int fd;
	short events; /* POLLIN, POLLOUT; 0 waits for errors and hang-up only. May be changed at any time. */
	void (*ready)(struct watch* watch, short events);
	struct watch* next;
	bool active;
};

struct event_timer {
	uint64_t due; /* ms of the node's time since the process started */
	void (*fire)(struct event_timer* timer);
	struct event_timer* next;
	bool active;
	bool background; /* does not keep the process running */
};

void watch_start(struct watch* watch);
void watch_stop(struct watch* watch);

/* Fires once, `milliseconds` from now. A timer that is active already is moved. */
void timer_start(struct event_timer* timer, uint64_t milliseconds);
void timer_stop(struct event_timer* timer);

/* Runs until nothing is left that could happen, or until event_loop_end. `after_each` runs what every callback leaves. */
void event_loop_run(void (*after_each)(void*), void* argument);
void event_loop_end(void);

#endif
