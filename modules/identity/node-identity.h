/*
 * Who the node is: its private key and its certificate, out of flash, in mbedTLS's form. Counted references: a TLS
 * session keeps its identity alive. Plain C, no XS; nothing here gives the key away.
 */
#ifndef FIELDNODE_NODE_IDENTITY_H
#define FIELDNODE_NODE_IDENTITY_H

#include "certificate-list.h"
#include "identity-slots.h"
#include "node-key.h"

struct node_identity {
	unsigned references;
	mbedtls_x509_crt certificates; /* the node's own, then its intermediates */
	struct node_key key;
	unsigned char *memory; /* what the certificates lie in */
};

/*
 * Loads a slot. NULL and a failure: `identity.no-certificate`, `identity.bad-certificate`, `flash.…`,
 * `tls.out-of-memory`, or one of node-key.h.
 */
struct node_identity *node_identity_load(enum identity_slot slot, struct native_failure *failure);

void node_identity_retain(struct node_identity *identity);
void node_identity_release(struct node_identity *identity);

#endif
