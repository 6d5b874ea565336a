/*
 * The two places for an identity in flash: the active one, which the node is, and the pending one, in which the next one
 * is prepared. One byte (`active`, see identity-flash.h) says which is which, so that changing them is one write.
 */
#ifndef FIELDNODE_IDENTITY_SLOTS_H
#define FIELDNODE_IDENTITY_SLOTS_H

#include "identity-flash.h"
#include "native-failure.h"

enum identity_slot { IDENTITY_SLOT_ACTIVE, IDENTITY_SLOT_PENDING };

/* What the byte says. */
struct identity_slots {
	unsigned active;   /* number of the active slot, 0 or 1 */
	bool has_previous; /* the other one holds what was active before: it can be returned to, but not activated */
};

/* Names of a slot's entries. */
struct identity_entries {
	const char *key;
	const char *certificate;
};

/* Reads the byte; false and a failure when the flash does not tell. Slot 0 when none was ever chosen. */
bool identity_slots_read(struct identity_slots *slots, struct native_failure *failure);
bool identity_slots_write(const struct identity_slots *slots, struct native_failure *failure);

struct identity_entries identity_slots_entries(const struct identity_slots *slots, enum identity_slot slot);

#endif
