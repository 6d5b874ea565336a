/*
 * The next identity of a node, prepared in the pending slot: a key made on the node, a request for its certificate, the
 * certificate, the change of slots. Each step stands in flash when it is done, so that a node whose power failed goes on
 * from the step it had reached; the active identity is whole and untouched at every moment. Plain C, no XS.
 *
 * Each function returns whether it did its work, and if not says why; besides what stands below, that can be `flash.…`,
 * `tls.out-of-memory`, or what node-key.h says of a key.
 */
#ifndef FIELDNODE_PENDING_IDENTITY_H
#define FIELDNODE_PENDING_IDENTITY_H

#include "native-failure.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for a request's PEM: the key's 550 bytes at most (RSA-4096), as many for the signature, and a name. */
enum { CERTIFICATE_REQUEST_SIZE = 3072 };

/* Makes a P-256 key in the pending slot. What was there before, also an identity to roll back to, is gone then. */
bool pending_identity_generate(struct native_failure *failure);

/*
 * Writes a certificate request (PKCS #10, RFC 2986) for the pending slot's key, signed by that key, as PEM with its end.
 * `subject` is a name as in "CN=greenhouse-1,O=Example"; `config.invalid` when it is none.
 */
bool pending_identity_request(const char *subject, char pem[CERTIFICATE_REQUEST_SIZE], struct native_failure *failure);

/*
 * Stores the certificate for the pending slot's key with its intermediates behind it, in PEM or DER; a zero must follow
 * `bytes`, which are changed. `identity.bad-certificate`, or `identity.mismatch` when it is for another key.
 */
bool pending_identity_store(unsigned char *bytes, size_t length, struct native_failure *failure);

/* Makes the pending slot the active one by one write; `identity.no-pending` when it holds no whole new identity. */
bool pending_identity_activate(struct native_failure *failure);

/* Returns to the slot that `activate` left by one write; `identity.no-previous` when there is none. */
bool pending_identity_roll_back(struct native_failure *failure);

#endif
