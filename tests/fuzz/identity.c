/*
 * Gives what reads a node's identity whatever a fuzzer makes of keys, certificates and roots: out of flash, and from the
 * other side of the network when it is to be stored. An input is one byte that says which, and then the bytes.
 */
#include "fixed-library.h"
#include "load-identity.h"
#include "memory-flash.h"

#include "../../modules/identity/pending-identity.h"
#include "../../modules/identity/trust-store.h"

#include <stdlib.h>
#include <string.h>

enum subject { KEY, CERTIFICATES, ROOTS, ACTIVE, STORE_ROOTS, STORE_CERTIFICATE, REQUEST, SUBJECTS };

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
