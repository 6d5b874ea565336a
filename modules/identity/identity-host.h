/* How the natives of other rooms get at what an Identity or a TrustAnchors holds. */
#ifndef FIELDNODE_IDENTITY_HOST_H
#define FIELDNODE_IDENTITY_HOST_H

#include "node-identity.h"
#include "trust-store.h"

#include "xs-port.h"

/* What the object holds; throws a TypeError for any other object, and when it was closed. */
struct node_identity *identity_of(xsMachine *the, xsSlot *object);
struct trust_store *trust_anchors_of(xsMachine *the, xsSlot *object);

/*
 * A copy of a buffer's bytes with a zero behind them, to be freed: what is made of certificates needs bytes of its own,
 * and those of a buffer move. NULL and a failure when there is no memory.
 */
unsigned char *identity_copy_of_buffer(xsMachine *the, xsSlot *buffer, size_t *length, struct native_failure *failure);

#endif
