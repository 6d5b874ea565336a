#include "event-loop.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "watchdog.h"

static struct watch* first_watch;
static struct event_timer* first_timer; /* sorted by due */
static bool ended;

void watch_start(struct watch* watch)
{
	if (watch->active)
		return;
	watch->active = true;
	watch->next = first_watch;
	first_watch = watch;
}

void watch_stop(struct watch* watch)
{
	if (!watch->active)
		return;
	watch->active = false;
	struct watch** link = &first_watch;
	while (*link != watch)
		link = &(*link)->next;
	*link = watch->next;
}

void timer_start(struct event_timer* timer, uint64_t milliseconds)
{
	timer_stop(timer);
	timer->active = true;
	timer->due = clock_milliseconds() + milliseconds;
	struct event_timer** link = &first_timer;
	while (*link && (*link)->due <= timer->due)
		link = &(*link)->next;
	timer->next = *link;
	*link = timer;
}

void timer_stop(struct event_timer* timer)
{
	if (!timer->active)
		return;
	timer->active = false;
	struct event_timer** link = &first_timer;
	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
}

static bool anything_left(void)
{
	if (first_watch)
		return true;
	for (struct event_timer* timer = first_timer; timer; timer = timer->next)
		if (!timer->background)
			return true;
	return false;
}

/* The desktop's time until the next timer is due, as ppoll() wants it: NULL for ever. */
static struct timespec* time_to_next_timer(struct timespec* time)
{
	if (!first_timer)
		return NULL;
	uint64_t now = clock_milliseconds();
	uint64_t wait = first_timer->due > now ? clock_real_microseconds(first_timer->due - now) : 0;
	*time = (struct timespec){ .tv_sec = (time_t)(wait / 1000000), .tv_nsec = (long)(wait % 1000000) * 1000 };
	return time;
}

/* What poll() is given, and the watch of each entry. Grows with the number of watches, never shrinks. */
static struct pollfd* files;
static struct watch** watches;
static nfds_t capacity;

static nfds_t list_files(void)
{
	nfds_t count = 0;
	for (struct watch* watch = first_watch; watch; watch = watch->next) {
		if (count == capacity) {
			capacity += 16;
			files = realloc(files, capacity * sizeof(*files));
			watches = realloc(watches, capacity * sizeof(*watches));
			if (!files || !watches) {
				fprintf(stderr, "fieldnode: not enough memory\n");
				exit(1);
			}
		}
		files[count] = (struct pollfd){ .fd = watch->fd, .events = watch->events };
		watches[count++] = watch;
	}
	return count;
}

static struct watch* find_active(const struct watch* wanted, int fd)
{
	for (struct watch* watch = first_watch; watch; watch = watch->next)
		if (watch == wanted && watch->fd == fd)
			return watch;
	return NULL;
}

static void wait_for_files(const struct timespec* timeout, void (*after_each)(void*), void* argument)
{
	nfds_t count = list_files();
	watchdog_end_turn();
	int ready = ppoll(files, count, timeout, NULL);
	watchdog_begin_turn();
	if (ready < 0) {
		if (errno == EINTR)
			return;
		perror("fieldnode: ppoll");
		exit(1);
	}
	for (nfds_t i = 0; i < count && !ended; i++) {
		/* An earlier callback may have stopped this watch and freed it. */
		struct watch* watch = files[i].revents ? find_active(watches[i], files[i].fd) : NULL;
		if (!watch)
			continue;
		watch->ready(watch, files[i].revents);
		after_each(argument);
	}
}

static void fire_due_timers(void (*after_each)(void*), void* argument)
{
	/* Timers that a callback starts wait for the next turn, so that a timer of 0 ms cannot starve the files. */
	uint64_t now = clock_milliseconds();
	unsigned int due = 0;
	for (struct event_timer* timer = first_timer; timer && timer->due <= now; timer = timer->next)
		due++;
	while (due-- > 0 && first_timer && first_timer->due <= now && !ended) {
		struct event_timer* timer = first_timer;
		timer_stop(timer);
		timer->fire(timer);
		after_each(argument);
	}
}

void event_loop_run(void (*after_each)(void*), void* argument)
{
	after_each(argument);
	while (!ended && anything_left()) {
		struct timespec time;
		wait_for_files(time_to_next_timer(&time), after_each, argument);
		fire_due_timers(after_each, argument);
	}
	free(files);
	free(watches);
}

void event_loop_end(void)
{
	ended = true;
}
