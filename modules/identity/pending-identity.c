/* Prepares the next identity of a node. */
#include "pending-identity.h"

#include "flash-failure.h"
#include "library-failure.h"
#include "node-identity.h"

#include <stdlib.h>
#include <string.h>

/* A P-256 key in SEC1 is 121 bytes. */
enum { NEW_KEY_SIZE = 160 };

/* The names of the pending slot's entries, unless what lies there is the identity from before. */
static bool pending_entries(struct identity_entries *entries, struct native_failure *failure)
{
	struct identity_slots slots;
	if (!identity_slots_read(&slots, failure))
		return false;
	*entries = identity_slots_entries(&slots, IDENTITY_SLOT_PENDING);
	if (slots.has_previous)
		native_failure_set(failure, "identity.no-pending", NULL);
	return !slots.has_previous;
}

/* Loads the pending slot's key, of which there is none before `generate`. */
static bool load_pending_key(struct node_key *key, const char *name, struct native_failure *failure)
{
	bool done = node_key_load(key, name, failure);
	if (!done && strcmp(failure->code, "identity.no-key") == 0)
		native_failure_set(failure, "identity.no-pending", NULL);
	return done;
}

static bool write_entry(const char *name, const unsigned char *bytes, size_t length, struct native_failure *failure)
{
	enum identity_flash_result result = identity_flash_write(name, bytes, length);
	flash_failure_set(failure, result, name, "flash.unreadable");
	return result == IDENTITY_FLASH_OK;
}

/* Makes a key's DER at the end of `der`; its length, or 0 and a failure. */
static size_t make_key(unsigned char der[NEW_KEY_SIZE], struct native_failure *failure)
{
	mbedtls_pk_context key;
	if (!library_acquire(failure))
		return 0;
	mbedtls_pk_init(&key);
	uint32_t before = tls_memory_failures();
	int result = mp_pk_generate(&key);
	if (!result)
		result = mp_pk_write_der(&key, der, NEW_KEY_SIZE);
	if (result <= 0)
		library_failure_set(failure, result, before, "tls.internal", "making a key");
	mbedtls_pk_free(&key);
	mp_wipe_stack();
	mp_random_release();
	return result > 0 ? (size_t)result : 0;
}

/*
 * Empties the pending slot for a new key. The order matters: first nothing leads to the slot any more, then its
 * certificate goes, so that a new key never stands beside an old certificate.
 */
static bool clear_pending(struct identity_entries *entries, struct native_failure *failure)
{
	struct identity_slots slots;
	if (!identity_slots_read(&slots, failure))
		return false;
	if (slots.has_previous) {
		slots.has_previous = false;
		if (!identity_slots_write(&slots, failure))
			return false;
	}
	*entries = identity_slots_entries(&slots, IDENTITY_SLOT_PENDING);
	enum identity_flash_result result = identity_flash_erase(entries->certificate);
	flash_failure_set(failure, result, entries->certificate, "flash.unreadable");
	return result == IDENTITY_FLASH_OK;
}

bool pending_identity_generate(struct native_failure *failure)
{
	unsigned char der[NEW_KEY_SIZE];
	struct identity_entries entries;
	size_t length = make_key(der, failure);
	bool done = length > 0 && clear_pending(&entries, failure) &&
	            write_entry(entries.key, der + NEW_KEY_SIZE - length, length, failure);
	mbedtls_platform_zeroize(der, sizeof der);
	return done;
}

/* Whether each part of a name between commas has a `=`: mbedTLS leaves a part without one out and says nothing. */
static bool is_name(const char *subject)
{
	bool named = false;
	for (const char *at = subject; *at; at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '=')
			named = true;
		else if (*at == ',' && !named)
			return false;
		else if (*at == ',')
			named = false;
	}
	return named;
}

static bool write_request(struct node_key *key, const char *subject, char *pem, struct native_failure *failure)
{
	mbedtls_x509write_csr request;
	uint32_t before = tls_memory_failures();
	if (!is_name(subject)) {
		native_failure_set(failure, "config.invalid", "subject %.120s", subject);
		return false;
	}
	mbedtls_x509write_csr_init(&request);
	mbedtls_x509write_csr_set_md_alg(&request, MBEDTLS_MD_SHA256);
	mbedtls_x509write_csr_set_key(&request, &key->pk);
	int error = mbedtls_x509write_csr_set_subject_name(&request, subject);
	/* A signer's key shows no public part to write into a request: then the chip's own tool makes it. */
	const char *code = error ? "config.invalid" : key->in_hardware ? "identity.hardware-key" : "tls.internal";
	if (!error)
		error = mbedtls_x509write_csr_set_key_usage(&request, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (!error)
		error = mp_csr_write_pem(&request, (unsigned char *)pem, CERTIFICATE_REQUEST_SIZE);
	if (error)
		library_failure_set(failure, error, before, code, "certificate request");
	mbedtls_x509write_csr_free(&request);
	return !error;
}

bool pending_identity_request(const char *subject, char pem[CERTIFICATE_REQUEST_SIZE], struct native_failure *failure)
{
	struct identity_entries entries;
	struct node_key key;
	if (!pending_entries(&entries, failure) || !library_acquire(failure))
		return false;
	node_key_init(&key);
	bool done = load_pending_key(&key, entries.key, failure) && write_request(&key, subject, pem, failure);
	node_key_free(&key);
	mp_random_release();
	return done;
}

/* Whether the certificates can be read, and the first is for the key in flash. */
static bool belongs(const unsigned char *der, size_t length, const char *key_name, struct native_failure *failure)
{
	mbedtls_x509_crt certificates;
	struct node_key key;
	uint32_t before = tls_memory_failures();
	mbedtls_x509_crt_init(&certificates);
	node_key_init(&key);
	int error = certificate_list_parse(&certificates, der, length);
	if (error)
		library_failure_set(failure, error, before, "identity.bad-certificate", "certificate");
	bool done = !error && load_pending_key(&key, key_name, failure) && node_key_fits(&key, &certificates, failure);
	node_key_free(&key);
	mbedtls_x509_crt_free(&certificates);
	return done;
}

bool pending_identity_store(unsigned char *bytes, size_t length, struct native_failure *failure)
{
	struct identity_entries entries;
	if (!pending_entries(&entries, failure) || !library_acquire(failure))
		return false;
	uint32_t before = tls_memory_failures();
	int error = certificate_list_to_der(bytes, &length);
	if (error)
		library_failure_set(failure, error, before, "identity.bad-certificate", "certificate");
	bool done = !error && belongs(bytes, length, entries.key, failure) &&
	            write_entry(entries.certificate, bytes, length, failure);
	mp_random_release();
	return done;
}

/* Whether a slot holds a whole identity. */
static bool is_whole(enum identity_slot slot, struct native_failure *failure)
{
	struct node_identity *identity = node_identity_load(slot, failure);
	node_identity_release(identity);
	return identity != NULL;
}

static bool change_slots(struct identity_slots slots, bool has_previous, struct native_failure *failure)
{
	slots.active = 1 - slots.active;
	slots.has_previous = has_previous;
	return identity_slots_write(&slots, failure);
}

bool pending_identity_activate(struct native_failure *failure)
{
	struct identity_slots slots;
	struct native_failure active_failure = {0};
	if (!identity_slots_read(&slots, failure))
		return false;
	if (slots.has_previous || !is_whole(IDENTITY_SLOT_PENDING, failure)) {
		if (slots.has_previous || strcmp(failure->code, "identity.no-key") == 0)
			native_failure_set(failure, "identity.no-pending", NULL);
		return false;
	}
	/* A node's first identity has nothing before it. */
	bool has_previous = is_whole(IDENTITY_SLOT_ACTIVE, &active_failure);
	if (!has_previous && strcmp(active_failure.code, "tls.out-of-memory") == 0) {
		*failure = active_failure;
		return false;
	}
	return change_slots(slots, has_previous, failure);
}

bool pending_identity_roll_back(struct native_failure *failure)
{
	struct identity_slots slots;
	if (!identity_slots_read(&slots, failure))
		return false;
	if (!slots.has_previous)
		native_failure_set(failure, "identity.no-previous", NULL);
	return slots.has_previous && is_whole(IDENTITY_SLOT_PENDING, failure) && change_slots(slots, false, failure);
}
