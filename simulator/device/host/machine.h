/* The one XS machine of the process: its creation, its heap and the promise jobs. */
#ifndef FIELDNODE_MACHINE_H
#define FIELDNODE_MACHINE_H

#include "xs-internal.h"

/* A machine with the globals of the Native API and the ids of mc.xs.h. Its heap is limited as the options say. */
xsMachine* machine_create(void);
void machine_delete(xsMachine* the);

/* Runs promise jobs until none is left, then reports rejections that nobody handled. */
void machine_run_jobs(xsMachine* the);

/* Bytes that XS holds for chunks and slots now, free room included. */
size_t machine_heap_size(void);

#endif
