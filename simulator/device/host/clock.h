/*
 * The node's two clocks: ticks, which run evenly from the start of the process, and the wall clock, which a node that was
 * just switched on does not know. Setting the wall clock never touches the desktop's.
 */
#ifndef FIELDNODE_CLOCK_H
#define FIELDNODE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds and microseconds since the process started. */
uint64_t clock_milliseconds(void);
uint64_t clock_microseconds(void);

/* The wall clock, in microseconds since 1970. */
int64_t clock_wall(void);
void clock_set_wall(int64_t microseconds);

/* Sets the wall clock as the option --clock says: "unset", "desktop", or milliseconds since 1970. False: not one of them. */
bool clock_start(const char* option);

#endif
