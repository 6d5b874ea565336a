/* The identity's flash (modules/identity/identity-flash.h) in memory, filled from a folder at the start of a fuzz target. */
#ifndef FIELDNODE_MEMORY_FLASH_H
#define FIELDNODE_MEMORY_FLASH_H

#include <stddef.h>

/* Puts back what lies in $FIELDNODE_FUZZ as `active`, `key0`, `cert0`, `trust`, and removes everything else. */
void memory_flash_restore(void);

/* Replaces an entry; length 0 removes it. */
void memory_flash_set(const char *name, const unsigned char *bytes, size_t length);

#endif
