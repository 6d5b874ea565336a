#include "load-identity.h"

#include "../../modules/identity/node-identity.h"
#include "../../modules/identity/trust-store.h"

#include <stdio.h>
#include <stdlib.h>

void judge(bool done, const struct native_failure *failure)
{
	bool printable = true;
	for (const char *c = failure->detail; *c; c++)
		printable = printable && *c >= ' ' && *c <= '~';
	if (done == (failure->code != NULL) || !printable) {
		fprintf(stderr, "broken promise: done %d, failure %s %s\n", done, failure->code, failure->detail);
		abort();
	}
}

void load_all(void)
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
