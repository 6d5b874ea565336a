/* What the targets that fuzz the identity's flash load after each input, and what they hold its loaders to. */
#ifndef FIELDNODE_LOAD_IDENTITY_H
#define FIELDNODE_LOAD_IDENTITY_H

#include "../../modules/identity/native-failure.h"

#include <stdbool.h>

/* Ends the process when a loader has neither done its work nor said why not in printable characters, or both. */
void judge(bool done, const struct native_failure *failure);

/* Loads both slots and the roots, reads what a node reads of them, and frees them. */
void load_all(void);

#endif
