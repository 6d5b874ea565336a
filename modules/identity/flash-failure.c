/* Results of the identity's flash in words. */
#include "flash-failure.h"

void flash_failure_set(struct native_failure *failure, enum identity_flash_result result, const char *name,
                       const char *absent)
{
	switch (result) {
	case IDENTITY_FLASH_OK:
		return;
	case IDENTITY_FLASH_ABSENT:
		native_failure_set(failure, absent, NULL);
		return;
	case IDENTITY_FLASH_CORRUPT:
		native_failure_set(failure, "flash.corrupt", "identity entry %s", name);
		return;
	case IDENTITY_FLASH_NO_MEMORY:
		native_failure_set(failure, "tls.out-of-memory", "identity entry %s", name);
		return;
	case IDENTITY_FLASH_WRITE_FAILED:
		native_failure_set(failure, "flash.write-failed", "identity entry %s", name);
		return;
	case IDENTITY_FLASH_UNREADABLE:
		native_failure_set(failure, "flash.unreadable", "identity entry %s", name);
		return;
	}
}
