/* The root certificates that a node trusts. Counted references: a TLS session keeps its store alive. Plain C, no XS. */
#ifndef FIELDNODE_TRUST_STORE_H
#define FIELDNODE_TRUST_STORE_H

#include "certificate-list.h"
#include "native-failure.h"

struct trust_store {
	unsigned references;
	unsigned count;
	mbedtls_x509_crt roots;
	unsigned char *memory; /* what the roots lie in; NULL when they lie in the firmware itself */
};

/* The roots in flash. NULL and a failure `identity.no-trust`, `identity.bad-trust`, `flash.…`, `tls.out-of-memory`. */
struct trust_store *trust_store_from_flash(struct native_failure *failure);
/* Amazon Root CA 1 and 3, compiled in. */
struct trust_store *trust_store_amazon(struct native_failure *failure);

/*
 * Writes roots to flash in one write, in place of those there or beside them; a root that is there already is not
 * written twice. PEM or DER; a zero must follow `bytes`, which are changed. `identity.bad-trust` for what is no
 * certificate of an authority; then the roots in flash stay as they are.
 */
bool trust_store_write(unsigned char *bytes, size_t length, bool beside, struct native_failure *failure);

void trust_store_retain(struct trust_store *store);
void trust_store_release(struct trust_store *store);

#endif
