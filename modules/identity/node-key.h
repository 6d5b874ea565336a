/*
 * A node's private key in mbedTLS's form. This is the one place where a key is made known to mbedTLS: out of flash, in
 * any form a key has, or by the name of a key in hardware. Plain C, no XS; nothing here gives the key away.
 */
#ifndef FIELDNODE_NODE_KEY_H
#define FIELDNODE_NODE_KEY_H

#include "hardware-key.h"
#include "native-failure.h"

struct node_key {
	mbedtls_pk_context pk;
	bool in_hardware;
	struct hardware_key hardware;
};

void node_key_init(struct node_key *key);

/*
 * Reads the flash's entry `name` into `key`, which is initialised. False and a failure: `identity.no-key`,
 * `identity.bad-key`, `identity.encrypted-key`, `identity.weak-key`, `identity.unsupported-key`,
 * `identity.hardware-key`, `flash.…` or `tls.out-of-memory`.
 */
bool node_key_load(struct node_key *key, const char *name, struct native_failure *failure);

/* Whether the certificate is for this key; `identity.mismatch`, `identity.hardware-key` or `tls.out-of-memory` if not. */
bool node_key_fits(struct node_key *key, mbedtls_x509_crt *certificate, struct native_failure *failure);

void node_key_free(struct node_key *key);

#endif
