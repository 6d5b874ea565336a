/* Loads trusted roots from flash or from the firmware itself. */
#include "trust-store.h"

#include "amazon-roots.h"
#include "flash-failure.h"
#include "library-failure.h"

#include <stdlib.h>
#include <string.h>

static struct trust_store *store_of(const unsigned char *der, size_t length, unsigned char *memory,
                                    struct native_failure *failure)
{
	struct trust_store *store = calloc(1, sizeof *store);
	if (!store || !library_acquire(failure)) {
		if (!store)
			native_failure_set(failure, "tls.out-of-memory", "trusted roots");
		free(memory);
		free(store);
		return NULL;
	}
	store->references = 1;
	store->memory = memory;
	mbedtls_x509_crt_init(&store->roots);
	uint32_t before = tls_memory_failures();
	int error = certificate_list_parse(&store->roots, der, length);
	if (error) {
		library_failure_set(failure, error, before, "identity.bad-trust", "trusted roots");
		trust_store_release(store);
		return NULL;
	}
	for (const mbedtls_x509_crt *root = &store->roots; root; root = root->next)
		store->count++;
	return store;
}

/* The roots in flash as DER, in memory that the caller frees. */
static enum identity_flash_result read_roots(unsigned char **der, size_t *length, struct native_failure *failure)
{
	enum identity_flash_result result = identity_flash_read("trust", der, length);
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, "trust", "identity.no-trust");
		return result;
	}
	uint32_t before = tls_memory_failures();
	int error = certificate_list_to_der(*der, length);
	if (!error)
		return IDENTITY_FLASH_OK;
	library_failure_set(failure, error, before, "identity.bad-trust", "trusted roots");
	free(*der);
	return IDENTITY_FLASH_CORRUPT;
}

struct trust_store *trust_store_from_flash(struct native_failure *failure)
{
	unsigned char *der;
	size_t length;
	if (read_roots(&der, &length, failure) != IDENTITY_FLASH_OK)
		return NULL;
	return store_of(der, length, der, failure);
}

struct trust_store *trust_store_amazon(struct native_failure *failure)
{
	return store_of(amazon_roots, amazon_roots_length, NULL, failure);
}

/* Version 1 knows no basicConstraints; old roots are of it, and being trusted makes them authorities. */
static bool is_authority(const mbedtls_x509_crt *certificate, struct native_failure *failure)
{
	char name[128];
	if (certificate->version < 3 || certificate->MBEDTLS_PRIVATE(ca_istrue))
		return true;
	certificate_name_text(&certificate->subject, name, sizeof name);
	native_failure_set(failure, "identity.bad-trust", "%s is no certificate authority", name);
	return false;
}

static bool is_among(const mbedtls_x509_crt *certificate, const unsigned char *der, size_t length)
{
	const mbedtls_x509_buf *raw = &certificate->raw;
	for (size_t at = 0; at + raw->len <= length; at++)
		if (memcmp(der + at, raw->p, raw->len) == 0)
			return true;
	return false;
}

/* Writes the new roots behind those that `before` holds. */
static bool write_behind(const struct trust_store *roots, const unsigned char *before, size_t before_length,
                         size_t new_length, struct native_failure *failure)
{
	unsigned char *all = calloc(1, before_length + new_length);
	if (!all) {
		native_failure_set(failure, "tls.out-of-memory", "trusted roots");
		return false;
	}
	size_t length = before_length;
	if (before_length > 0)
		memcpy(all, before, before_length);
	for (const mbedtls_x509_crt *root = &roots->roots; root; root = root->next)
		if (!is_among(root, all, length)) {
			memcpy(all + length, root->raw.p, root->raw.len);
			length += root->raw.len;
		}
	enum identity_flash_result result = identity_flash_write("trust", all, length);
	flash_failure_set(failure, result, "trust", "flash.unreadable");
	free(all);
	return result == IDENTITY_FLASH_OK;
}

/* Whether all of them are authorities; then they are written. */
static bool write_roots(const struct trust_store *roots, size_t length, bool beside, struct native_failure *failure)
{
	unsigned char *before = NULL;
	size_t before_length = 0;
	for (const mbedtls_x509_crt *root = &roots->roots; root; root = root->next)
		if (!is_authority(root, failure))
			return false;
	struct native_failure none = {0};
	enum identity_flash_result result = beside ? read_roots(&before, &before_length, &none) : IDENTITY_FLASH_ABSENT;
	if (result != IDENTITY_FLASH_OK && result != IDENTITY_FLASH_ABSENT) {
		*failure = none;
		return false;
	}
	bool done = write_behind(roots, before, before_length, length, failure);
	free(before);
	return done;
}

bool trust_store_write(unsigned char *bytes, size_t length, bool beside, struct native_failure *failure)
{
	uint32_t before = tls_memory_failures();
	int error = certificate_list_to_der(bytes, &length);
	if (error) {
		library_failure_set(failure, error, before, "identity.bad-trust", "trusted roots");
		return false;
	}
	struct trust_store *roots = store_of(bytes, length, NULL, failure);
	bool done = roots && write_roots(roots, length, beside, failure);
	trust_store_release(roots);
	return done;
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
