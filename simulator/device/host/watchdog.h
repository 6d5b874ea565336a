/*
 * The twin of ESP-IDF's task watchdog: a turn of the event loop that takes longer than it may starts the node anew, with
 * the reset reason "watchdog". While the loop waits, nothing is late.
 */
#ifndef FIELDNODE_WATCHDOG_H
#define FIELDNODE_WATCHDOG_H

#include <stdbool.h>

/* Takes the option's text, seconds from 1 to 60 as ESP-IDF has them. False where it is something else. */
bool watchdog_set(const char* text);

/* A turn begins, or ends. Without the option these do nothing. */
void watchdog_begin_turn(void);
void watchdog_end_turn(void);

#endif
