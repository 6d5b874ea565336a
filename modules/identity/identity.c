/* The natives of identity.ts. They give out what a certificate says, and nothing of a private key. */
#include "identity-host.h"
#include "pending-identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What `text` and `time` are asked for; the numbers stand in identity.ts too. */
enum identity_text { TEXT_SUBJECT, TEXT_ISSUER, TEXT_SERIAL, TEXT_FINGERPRINT };
enum identity_time { TIME_NOT_BEFORE, TIME_NOT_AFTER };
enum { TEXT_SIZE = 256, FINGERPRINT_LENGTH = 32 };

void xs_identity_destructor(void *data)
{
	if (data)
		node_identity_release(data);
}

static const xsHostHooks identity_hooks = {.destructor = xs_identity_destructor};

struct node_identity *identity_of(xsMachine *the, xsSlot *object)
{
	struct node_identity *identity = xsmcGetHostDataValidate(*object, (void *)&identity_hooks);
	if (!identity)
		xsTypeError("closed identity");
	return identity;
}

/* (slot: 0 active, 1 pending) → "" or a failure as native-failure.ts reads it */
void xs_identity_open(xsMachine *the)
{
	struct native_failure failure = {0};
	char text[NATIVE_FAILURE_TEXT];
	xsmcSetHostData(xsThis, NULL);
	xsSetHostHooks(xsThis, &identity_hooks);
	enum identity_slot slot = xsmcToInteger(xsArg(0)) == 1 ? IDENTITY_SLOT_PENDING : IDENTITY_SLOT_ACTIVE;
	xsmcSetHostData(xsThis, node_identity_load(slot, &failure));
	native_failure_text(&failure, text);
	xsmcSetString(xsResult, text);
}

void xs_identity_close(xsMachine *the)
{
	struct node_identity *identity = xsmcGetHostDataValidate(xsThis, (void *)&identity_hooks);
	xsmcSetHostData(xsThis, NULL);
	node_identity_release(identity);
}

static void write_hexadecimal(const unsigned char *bytes, size_t length, char text[TEXT_SIZE])
{
	for (size_t i = 0; i < length && 2 * i + 2 < TEXT_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* (what) → text */
void xs_identity_text(xsMachine *the)
{
	const mbedtls_x509_crt *certificate = &identity_of(the, &xsThis)->certificates;
	char text[TEXT_SIZE] = "";
	unsigned char digest[FINGERPRINT_LENGTH];
	switch (xsmcToInteger(xsArg(0))) {
	case TEXT_SUBJECT:
		certificate_name_text(&certificate->subject, text, sizeof text);
		break;
	case TEXT_ISSUER:
		certificate_name_text(&certificate->issuer, text, sizeof text);
		break;
	case TEXT_SERIAL:
		write_hexadecimal(certificate->serial.p, certificate->serial.len, text);
		break;
	case TEXT_FINGERPRINT:
		if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), certificate->raw.p, certificate->raw.len,
		               digest) == 0)
			write_hexadecimal(digest, sizeof digest, text);
		break;
	}
	xsmcSetString(xsResult, text);
}

/* (which) → milliseconds since 1970 */
void xs_identity_time(xsMachine *the)
{
	const mbedtls_x509_crt *certificate = &identity_of(the, &xsThis)->certificates;
	bool after = xsmcToInteger(xsArg(0)) == TIME_NOT_AFTER;
	xsmcSetNumber(xsResult, certificate_time(after ? &certificate->valid_to : &certificate->valid_from));
}

unsigned char *identity_copy_of_buffer(xsMachine *the, xsSlot *buffer, size_t *length, struct native_failure *failure)
{
	void *bytes;
	xsUnsignedValue count;
	xsmcGetBufferReadable(*buffer, &bytes, &count);
	unsigned char *copy = calloc(1, (size_t)count + 1);
	if (!copy) {
		native_failure_set(failure, "tls.out-of-memory", "copy of a certificate");
		return NULL;
	}
	memcpy(copy, bytes, count);
	*length = count;
	return copy;
}

static void set_result(xsMachine *the, const struct native_failure *failure)
{
	char text[NATIVE_FAILURE_TEXT];
	native_failure_text(failure, text);
	xsmcSetString(xsResult, text);
}

/* () → "" or a failure */
void xs_identity_generate(xsMachine *the)
{
	struct native_failure failure = {0};
	pending_identity_generate(&failure);
	set_result(the, &failure);
}

/* (subject) → PEM or a failure */
void xs_identity_csr(xsMachine *the)
{
	struct native_failure failure = {0};
	char subject[TEXT_SIZE];
	xsmcToStringBuffer(xsArg(0), subject, sizeof subject);
	char *pem = calloc(1, CERTIFICATE_REQUEST_SIZE);
	if (!pem)
		native_failure_set(&failure, "tls.out-of-memory", "certificate request");
	if (pem && pending_identity_request(subject, pem, &failure))
		xsmcSetString(xsResult, pem);
	else
		set_result(the, &failure);
	free(pem);
}

/* (certificates: a buffer) → "" or a failure */
void xs_identity_store(xsMachine *the)
{
	struct native_failure failure = {0};
	size_t length;
	unsigned char *bytes = identity_copy_of_buffer(the, &xsArg(0), &length, &failure);
	if (bytes)
		pending_identity_store(bytes, length, &failure);
	free(bytes);
	set_result(the, &failure);
}

/* (back: boolean) → "" or a failure */
void xs_identity_switch(xsMachine *the)
{
	struct native_failure failure = {0};
	if (xsmcToBoolean(xsArg(0)))
		pending_identity_roll_back(&failure);
	else
		pending_identity_activate(&failure);
	set_result(the, &failure);
}
