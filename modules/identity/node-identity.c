/* Loads a node's key and certificate from flash. The key's bytes live only inside `load_key`. */
#include "node-identity.h"

#include "flash-failure.h"

#include <stdlib.h>
#include <string.h>

/*
 * The one place where a private key is made known to mbedTLS. A key that lives in hardware is taken up here as well:
 * with mbedTLS 4.x by mbedtls_pk_wrap_psa of its PSA key id, before that by an RSA key with a signing callback.
 */
static bool load_key(struct node_identity *identity, const char *name, struct native_failure *failure)
{
	unsigned char *der;
	size_t length;
	enum identity_flash_result result = identity_flash_read(name, &der, &length);
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, name, "identity.no-key");
		return false;
	}
	uint32_t failures = tls_memory_failures();
	int error = mp_pk_parse_key(&identity->key, der, length);
	mbedtls_platform_zeroize(der, length);
	free(der);
	if (!error)
		return true;
	if (mp_is_out_of_memory(error) || tls_memory_failures() != failures)
		native_failure_set(failure, "tls.out-of-memory", "private key");
	else
		native_failure_set(failure, "identity.bad-key", "mbedTLS -0x%04X", (unsigned)-error);
	return false;
}

static bool load_certificates(struct node_identity *identity, const char *name, struct native_failure *failure)
{
	size_t length;
	enum identity_flash_result result = identity_flash_read(name, &identity->memory, &length);
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, name, "identity.no-certificate");
		return false;
	}
	uint32_t failures = tls_memory_failures();
	int error = certificate_list_parse(&identity->certificates, identity->memory, length);
	if (!error)
		return true;
	if (mp_is_out_of_memory(error) || tls_memory_failures() != failures)
		native_failure_set(failure, "tls.out-of-memory", "certificate");
	else
		native_failure_set(failure, "identity.bad-certificate", "mbedTLS -0x%04X", (unsigned)-error);
	return false;
}

/* A node whose certificate is for another key would be refused by every server, with an alert that does not say why. */
static bool belong_together(struct node_identity *identity, struct native_failure *failure)
{
	uint32_t failures = tls_memory_failures();
	int error = mp_pk_check_pair(&identity->certificates.pk, &identity->key);
	if (!error)
		return true;
	if (mp_is_out_of_memory(error) || tls_memory_failures() != failures)
		native_failure_set(failure, "tls.out-of-memory", "comparing key and certificate");
	else
		native_failure_set(failure, "identity.mismatch", NULL);
	return false;
}

/* Number of the active slot; 0 when none was ever chosen, -1 and a failure when the flash does not tell. */
static int active_slot(struct native_failure *failure)
{
	unsigned char *byte;
	size_t length;
	enum identity_flash_result result = identity_flash_read("active", &byte, &length);
	if (result == IDENTITY_FLASH_ABSENT)
		return 0;
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, "active", "flash.unreadable");
		return -1;
	}
	int slot = length == 1 && byte[0] <= 1 ? byte[0] : -1;
	free(byte);
	if (slot < 0)
		native_failure_set(failure, "flash.corrupt", "identity entry active");
	return slot;
}

struct node_identity *node_identity_load(enum identity_slot slot, struct native_failure *failure)
{
	int number = active_slot(failure);
	if (number < 0)
		return NULL;
	if (slot == IDENTITY_SLOT_PENDING)
		number = 1 - number;
	struct node_identity *identity = calloc(1, sizeof *identity);
	if (!identity) {
		native_failure_set(failure, "tls.out-of-memory", "identity");
		return NULL;
	}
	uint32_t failures = tls_memory_failures();
	int error = mp_random_acquire();
	if (error) {
		free(identity);
		if (mp_is_out_of_memory(error) || tls_memory_failures() != failures)
			native_failure_set(failure, "tls.out-of-memory", "random generator");
		else
			native_failure_set(failure, "tls.internal", "random generator, mbedTLS -0x%04X", (unsigned)-error);
		return NULL;
	}
	identity->references = 1;
	mbedtls_x509_crt_init(&identity->certificates);
	mbedtls_pk_init(&identity->key);
	if (load_key(identity, number ? "key1" : "key0", failure) &&
	    load_certificates(identity, number ? "cert1" : "cert0", failure) && belong_together(identity, failure))
		return identity;
	node_identity_release(identity);
	return NULL;
}

void node_identity_retain(struct node_identity *identity)
{
	identity->references++;
}

void node_identity_release(struct node_identity *identity)
{
	if (!identity || --identity->references > 0)
		return;
	mbedtls_pk_free(&identity->key);
	mbedtls_x509_crt_free(&identity->certificates);
	mp_random_release();
	free(identity->memory);
	free(identity);
}
