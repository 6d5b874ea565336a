/*
 * Who the node is: its private key and its certificate, out of flash, in mbedTLS's form. Counted references: a TLS
 * session keeps its identity alive. Plain C, no XS; nothing here gives the key away.
 */
#ifndef FIELDNODE_NODE_IDENTITY_H
#define FIELDNODE_NODE_IDENTITY_H

#include "certificate-list.h"
#include "native-failure.h"

struct node_identity {
	unsigned references;
	mbedtls_x509_crt certificates; /* the node's own, then its intermediates */
	mbedtls_pk_context key;
	unsigned char *memory; /* what the certificates lie in */
};

enum identity_slot { IDENTITY_SLOT_ACTIVE, IDENTITY_SLOT_PENDING };

/*
 * Loads a slot. NULL and a failure: `identity.no-key`, `identity.no-certificate`, `identity.bad-key`,
 * `identity.bad-certificate`, `identity.mismatch`, `flash.…` or `tls.out-of-memory`.
 */
struct node_identity *node_identity_load(enum identity_slot slot, struct native_failure *failure);

void node_identity_retain(struct node_identity *identity);
void node_identity_release(struct node_identity *identity);

#endif
