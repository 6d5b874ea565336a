/*
 * Gives what reads a node's identity whatever a fuzzer makes of keys, certificates and roots: out of flash, and from the
 * other side of the network when it is to be stored. An input is one byte that says which, and then the bytes.
 */
#include "fixed-library.h"
#include "memory-flash.h"

#include "../../modules/identity/node-identity.h"
#include "../../modules/identity/pending-identity.h"
#include "../../modules/identity/trust-store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum subject { KEY, CERTIFICATES, ROOTS, ACTIVE, STORE_ROOTS, STORE_CERTIFICATE, REQUEST, SUBJECTS };

/* A loader has either done its work, or says why not in printable characters. */
static void judge(bool done, const struct native_failure *failure)
{
	bool printable = true;
	for (const char *c = failure->detail; *c; c++)
		printable = printable && *c >= ' ' && *c <= '~';
	if (done == (failure->code != NULL) || !printable) {
		fprintf(stderr, "broken promise: done %d, failure %s %s\n", done, failure->code, failure->detail);
		abort();
	}
}

/* Loads both slots and the roots, and reads what a node reads of them. */
static void load_all(void)
{
	for (int slot = IDENTITY_SLOT_ACTIVE; slot <= IDENTITY_SLOT_PENDING; slot++) {
		struct native_failure failure = {0};
		struct node_identity *identity = node_identity_load((enum identity_slot)slot, &failure);
		judge(identity != NULL, &failure);
		const mbedtls_x509_crt *one = identity ? &identity->certificates : NULL;
		for (; one; one = one->next) {
			char text[128];
			certificate_name_text(&one->subject, text, sizeof text);
			certificate_name_text(&one->issuer, text, sizeof text);
			if (certificate_time(&one->valid_to) != certificate_time(&one->valid_to))
				abort();
		}
		node_identity_release(identity);
	}
	struct native_failure failure = {0};
	struct trust_store *trust = trust_store_from_flash(&failure);
	judge(trust != NULL, &failure);
	trust_store_release(trust);
}

static void give(enum subject subject, unsigned char *bytes, size_t length)
{
	struct native_failure failure = {0};
	char pem[CERTIFICATE_REQUEST_SIZE];
	switch (subject) {
	case KEY:
		memory_flash_set("key0", bytes, length);
		break;
	case CERTIFICATES:
		memory_flash_set("cert0", bytes, length);
		break;
	case ROOTS:
		memory_flash_set("trust", bytes, length);
		break;
	case ACTIVE:
		memory_flash_set("active", bytes, length);
		break;
	case STORE_ROOTS:
		judge(trust_store_write(bytes, length, true, &failure), &failure);
		break;
	case STORE_CERTIFICATE:
		/* The active key in the pending slot: a certificate of its own then fits. */
		memory_flash_set("active", (const unsigned char[]){1}, 1);
		judge(pending_identity_store(bytes, length, &failure), &failure);
		break;
	default:
		memory_flash_set("active", (const unsigned char[]){1}, 1);
		judge(pending_identity_request((const char *)bytes, pem, &failure), &failure);
		break;
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t length)
{
	if (length < 2 || length > 16384)
		return 0;
	unsigned char *copy = calloc(1, length);
	memcpy(copy, bytes + 1, length - 1);
	fixed_library_restart();
	memory_flash_restore();
	give((enum subject)(bytes[0] % SUBJECTS), copy, length - 1);
	free(copy);
	load_all();
	return 0;
}
