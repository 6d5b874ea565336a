/* Errors of mbedTLS in words. */
#include "library-failure.h"

void library_failure_set(struct native_failure *failure, int error, uint32_t before, const char *code,
                         const char *what)
{
	if (mp_is_out_of_memory(error) || tls_memory_failures() != before)
		native_failure_set(failure, "tls.out-of-memory", "%s", what);
	else
		native_failure_set(failure, mp_is_out_of_randomness(error) ? "tls.no-randomness" : code, "mbedTLS -0x%04X", (unsigned)-error);
}

bool library_acquire(struct native_failure *failure)
{
	uint32_t before = tls_memory_failures();
	int error = mp_random_acquire();
	if (error)
		library_failure_set(failure, error, before, "tls.internal", "random generator");
	return !error;
}
