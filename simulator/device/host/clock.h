/*
 * The node's two clocks: ticks, which run evenly from the start of the process, and the wall clock, which a node that was
 * just switched on does not know. Setting the wall clock never touches the desktop's.
 *
 * Both may run faster than the desktop's by a whole factor (option --time-scale), and with them everything that waits:
 * timers, the Wi-Fi model, its outages. Computing and the network outside take as long as ever, so to the node they seem
 * slower by that factor.
 */
#ifndef FIELDNODE_CLOCK_H
#define FIELDNODE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds and microseconds since the process started. */
uint64_t clock_milliseconds(void);
uint64_t clock_microseconds(void);

/* How long the desktop waits while so many milliseconds pass for the node, in microseconds, rounded up. */
uint64_t clock_real_microseconds(uint64_t milliseconds);

/* Sets the factor as the option --time-scale says: a whole number from 1 to 100000. False: not one. To be called first. */
bool clock_set_scale(const char* option);

/* The wall clock, in microseconds since 1970. */
int64_t clock_wall(void);
void clock_set_wall(int64_t microseconds);

/* Sets the wall clock as the option --clock says: "unset", "desktop", or milliseconds since 1970. False: not one of them. */
bool clock_start(const char* option);

#endif
