/* What a result of identity-flash.h other than OK means to a person. */
#ifndef FIELDNODE_FLASH_FAILURE_H
#define FIELDNODE_FLASH_FAILURE_H

#include "identity-flash.h"
#include "native-failure.h"

/* Notes the failure; `absent` is the code for a blob that is not there. */
void flash_failure_set(struct native_failure *failure, enum identity_flash_result result, const char *name,
                       const char *absent);

#endif
