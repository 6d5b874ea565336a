/*
 * Counts the allocations that fail, as an ESP32's heap does, and fails one of them on request. Only `calloc` is watched:
 * it is what mbedTLS and the firmware's natives take memory with; XS and the host have other ways.
 *
 * FIELDNODE_FAIL_ALLOCATION=N in the environment fails the N-th one, counted from 1 (0: none), and says at the end how
 * many there were and how many blocks were never freed. It is for tests and benches: without it nothing is written down.
 */
#ifndef FIELDNODE_ALLOCATION_H
#define FIELDNODE_ALLOCATION_H

#include <stddef.h>

/* Reads the environment; from here on allocations count. */
void allocation_watch(void);

/* Zeroed memory for the host itself, which is never made to fail. `free` frees it. */
void* allocation_for_host(size_t count, size_t size);

/* Bytes of all blocks that are there now, and the most there have been since the last call of `allocation_reset_peak`. */
size_t allocation_bytes(void);
size_t allocation_peak(void);
void allocation_reset_peak(void);

/* Writes the one line of a test to stderr. */
void allocation_report(void);

#endif
