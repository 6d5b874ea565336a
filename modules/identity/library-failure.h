/* What an error of mbedTLS means to a person, where the library is used for keys and certificates. */
#ifndef FIELDNODE_LIBRARY_FAILURE_H
#define FIELDNODE_LIBRARY_FAILURE_H

#include "mbedtls-port.h"
#include "native-failure.h"

/*
 * Notes an error: `code` with mbedTLS's number, or that there are no random numbers, or that memory ran out over `what`.
 * mbedTLS calls memory that ran out many names, so the count of failed allocations from before the call
 * (`tls_memory_failures`) is compared too.
 */
void library_failure_set(struct native_failure *failure, int error, uint32_t before, const char *code,
                         const char *what);

/* Takes the random generator, which all of mbedTLS stands on: mp_random_acquire with a failure. */
bool library_acquire(struct native_failure *failure);

#endif
