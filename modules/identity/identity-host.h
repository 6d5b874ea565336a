/* How the natives of other rooms get at what an Identity or a TrustAnchors holds. */
#ifndef FIELDNODE_IDENTITY_HOST_H
#define FIELDNODE_IDENTITY_HOST_H

#include "node-identity.h"
#include "trust-store.h"

#include "xs-port.h"

/* What the object holds; throws a TypeError for any other object, and when it was closed. */
struct node_identity *identity_of(xsMachine *the, xsSlot *object);
struct trust_store *trust_anchors_of(xsMachine *the, xsSlot *object);

#endif
