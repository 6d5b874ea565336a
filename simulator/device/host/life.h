/*
 * A node's lives. It may start itself anew, at once or after a sleep: the process replaces itself, so that it keeps its
 * number, its options and its output, and loses everything else, as a chip does: files are closed, for the host opens them
 * all with close-on-exec. The wall clock goes on meanwhile.
 */
#ifndef FIELDNODE_LIFE_H
#define FIELDNODE_LIFE_H

#include <stdint.h>

/* Why this life began: "power-on", "software", "sleep" or "watchdog". To be read once the options are. */
const char* life_reset_reason(void);

/* Takes over what the life before left. To be called first. */
void life_begin(void);

/* Sets the wall clock as it went on since the life before; in a first life it is left as the options set it. */
void life_resume_clock(void);

/* Waits so many of the node's milliseconds, frozen, then begins the next life for that reason. Returns only if it cannot. */
void life_renew(const char* reason, uint64_t milliseconds);

#endif
