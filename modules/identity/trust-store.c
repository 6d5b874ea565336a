/* Loads trusted roots from flash or from the firmware itself. */
#include "trust-store.h"

#include "amazon-roots.h"
#include "flash-failure.h"

#include <stdlib.h>

static struct trust_store *store_of(const unsigned char *der, size_t length, unsigned char *memory,
                                    struct native_failure *failure)
{
	struct trust_store *store = calloc(1, sizeof *store);
	if (!store) {
		free(memory);
		native_failure_set(failure, "tls.out-of-memory", "trusted roots");
		return NULL;
	}
	store->references = 1;
	store->memory = memory;
	mbedtls_x509_crt_init(&store->roots);

	uint32_t failures = tls_memory_failures();
	int error = mp_random_acquire();
	if (!error) {
		error = certificate_list_parse(&store->roots, der, length);
		if (!error) {
			for (const mbedtls_x509_crt *root = &store->roots; root; root = root->next)
				store->count++;
			return store;
		}
		mbedtls_x509_crt_free(&store->roots);
		mp_random_release();
	}
	if (mp_is_out_of_memory(error) || tls_memory_failures() != failures)
		native_failure_set(failure, "tls.out-of-memory", "trusted roots");
	else
		native_failure_set(failure, "identity.bad-trust", "mbedTLS -0x%04X", (unsigned)-error);
	free(memory);
	free(store);
	return NULL;
}

struct trust_store *trust_store_from_flash(struct native_failure *failure)
{
	unsigned char *der;
	size_t length;
	enum identity_flash_result result = identity_flash_read("trust", &der, &length);
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, "trust", "identity.no-trust");
		return NULL;
	}
	return store_of(der, length, der, failure);
}

struct trust_store *trust_store_amazon(struct native_failure *failure)
{
	return store_of(amazon_roots, amazon_roots_length, NULL, failure);
}

void trust_store_retain(struct trust_store *store)
{
	store->references++;
}

void trust_store_release(struct trust_store *store)
{
	if (!store || --store->references > 0)
		return;
	mbedtls_x509_crt_free(&store->roots);
	mp_random_release();
	free(store->memory);
	free(store);
}
