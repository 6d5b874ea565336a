/* Loads a node's key and certificate from flash. */
#include "node-identity.h"

#include "flash-failure.h"
#include "library-failure.h"

#include <stdlib.h>

static bool load_certificates(struct node_identity *identity, const char *name, struct native_failure *failure)
{
	size_t length;
	enum identity_flash_result result = identity_flash_read(name, &identity->memory, &length);
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, name, "identity.no-certificate");
		return false;
	}
	return certificate_list_read(&identity->certificates, identity->memory, length, "identity.bad-certificate", failure);
}

static struct node_identity *load(const struct identity_entries *entries, struct native_failure *failure)
{
	struct node_identity *identity = calloc(1, sizeof *identity);
	if (!identity) {
		native_failure_set(failure, "tls.out-of-memory", "identity");
		return NULL;
	}
	if (!library_acquire(failure)) {
		free(identity);
		return NULL;
	}
	identity->references = 1;
	mbedtls_x509_crt_init(&identity->certificates);
	node_key_init(&identity->key);
	if (node_key_load(&identity->key, entries->key, failure) &&
	    load_certificates(identity, entries->certificate, failure) &&
	    node_key_fits(&identity->key, &identity->certificates, failure))
		return identity;
	node_identity_release(identity);
	return NULL;
}

struct node_identity *node_identity_load(enum identity_slot slot, struct native_failure *failure)
{
	struct identity_slots slots;
	if (!identity_slots_read(&slots, failure))
		return NULL;
	struct identity_entries entries = identity_slots_entries(&slots, slot);
	return load(&entries, failure);
}

void node_identity_retain(struct node_identity *identity)
{
	identity->references++;
}

void node_identity_release(struct node_identity *identity)
{
	if (!identity || --identity->references > 0)
		return;
	node_key_free(&identity->key);
	mbedtls_x509_crt_free(&identity->certificates);
	mp_random_release();
	free(identity->memory);
	free(identity);
}
