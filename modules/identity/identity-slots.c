/* Which of the two slots is in use. */
#include "identity-slots.h"

#include "flash-failure.h"

#include <stdlib.h>

enum { ACTIVE_BIT = 1, PREVIOUS_BIT = 2 };

bool identity_slots_read(struct identity_slots *slots, struct native_failure *failure)
{
	unsigned char *byte;
	size_t length;
	*slots = (struct identity_slots){.active = 0, .has_previous = false};
	enum identity_flash_result result = identity_flash_read("active", &byte, &length);
	if (result == IDENTITY_FLASH_ABSENT)
		return true;
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, "active", "flash.unreadable");
		return false;
	}
	bool known = length == 1 && byte[0] <= (ACTIVE_BIT | PREVIOUS_BIT);
	if (known) {
		slots->active = byte[0] & ACTIVE_BIT;
		slots->has_previous = (byte[0] & PREVIOUS_BIT) != 0;
	} else {
		native_failure_set(failure, "flash.corrupt", "identity entry active");
	}
	free(byte);
	return known;
}

bool identity_slots_write(const struct identity_slots *slots, struct native_failure *failure)
{
	unsigned char byte = (unsigned char)(slots->active | (slots->has_previous ? PREVIOUS_BIT : 0));
	enum identity_flash_result result = identity_flash_write("active", &byte, 1);
	flash_failure_set(failure, result, "active", "flash.unreadable");
	return result == IDENTITY_FLASH_OK;
}

struct identity_entries identity_slots_entries(const struct identity_slots *slots, enum identity_slot slot)
{
	static const struct identity_entries entries[] = {{"key0", "cert0"}, {"key1", "cert1"}};
	return entries[slot == IDENTITY_SLOT_ACTIVE ? slots->active : 1 - slots->active];
}
