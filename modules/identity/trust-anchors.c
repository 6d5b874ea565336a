/* The natives of trust-anchors.ts. */
#include "identity-host.h"

#include <stdlib.h>

void xs_trust_anchors_destructor(void *data)
{
	if (data)
		trust_store_release(data);
}

static const xsHostHooks trust_anchors_hooks = {.destructor = xs_trust_anchors_destructor};

struct trust_store *trust_anchors_of(xsMachine *the, xsSlot *object)
{
	struct trust_store *store = xsmcGetHostDataValidate(*object, (void *)&trust_anchors_hooks);
	if (!store)
		xsTypeError("closed trust anchors");
	return store;
}

/* (amazon: boolean) → "" or a failure as native-failure.ts reads it */
void xs_trust_anchors_open(xsMachine *the)
{
	struct native_failure failure = {0};
	char text[NATIVE_FAILURE_TEXT];
	xsmcSetHostData(xsThis, NULL);
	xsSetHostHooks(xsThis, &trust_anchors_hooks);
	bool amazon = xsmcToBoolean(xsArg(0));
	xsmcSetHostData(xsThis, amazon ? trust_store_amazon(&failure) : trust_store_from_flash(&failure));
	native_failure_text(&failure, text);
	xsmcSetString(xsResult, text);
}

void xs_trust_anchors_count(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)trust_anchors_of(the, &xsThis)->count);
}

void xs_trust_anchors_close(xsMachine *the)
{
	struct trust_store *store = xsmcGetHostDataValidate(xsThis, (void *)&trust_anchors_hooks);
	xsmcSetHostData(xsThis, NULL);
	trust_store_release(store);
}

/* (roots: a buffer, beside those that are there: boolean) → "" or a failure */
void xs_trust_anchors_store(xsMachine *the)
{
	struct native_failure failure = {0};
	char text[NATIVE_FAILURE_TEXT];
	size_t length;
	bool beside = xsmcToBoolean(xsArg(1));
	unsigned char *bytes = identity_copy_of_buffer(the, &xsArg(0), &length, &failure);
	if (bytes)
		trust_store_write(bytes, length, beside, &failure);
	free(bytes);
	native_failure_text(&failure, text);
	xsmcSetString(xsResult, text);
}
