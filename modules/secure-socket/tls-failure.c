/*
 * Gives every way a session can end its code in modules/system/failures.ts: mbedTLS's error number, what tls-verify.c
 * found, and the step at which it happened. A number alone is not enough: mbedTLS uses the same ones for a wrong root and
 * for memory that ran out.
 */
#include "tls-engine.h"

/* Errors that have another name in 2.28, or none there. */
enum {
	ILLEGAL_PARAMETER = -0x6600,
	HANDSHAKE_FAILURE = -0x6E00,
	BAD_PROTOCOL_VERSION = -0x6E80,
	OWN_CERTIFICATE_TOO_LARGE = -0x7500, /* 2.28 only */
	NO_APPLICATION_PROTOCOL = -0x7580,   /* 3.x and 4.x only */
	BAD_CERTIFICATE = -0x7A00,
	KEY_FLAGS = MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_PK,
};

/* The code of an error that means the same wherever it comes up; NULL for all others. */
static const char *code_anywhere(int error)
{
	/* Not a switch: some of these names are the same number in 4.x. */
	if (error == MBEDTLS_ERR_SSL_INVALID_MAC)
		return "tls.tampered";
	if (error == BAD_PROTOCOL_VERSION)
		return "tls.no-common-version";
	if (error == MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE)
		return "tls.unsupported";
	if (error == MBEDTLS_ERR_SSL_INTERNAL_ERROR || error == MBEDTLS_ERR_SSL_COUNTER_WRAPPING)
		return "tls.internal";
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (error == NO_APPLICATION_PROTOCOL)
		return "tls.alpn-refused";
#endif
	return mp_is_out_of_randomness(error) ? "tls.no-randomness" : NULL;
}

/* Errors of mbedTLS's X.509 and key modules, which a server's certificate brings about by its content. */
static bool is_certificate_error(int error)
{
	int high = -error & 0x7F80;
	/* 4.x gives the number of ASN.1 alone, where the others add it to X.509's. */
	if (high == 0)
		return -error >= 0x60 && -error <= 0x6C;
	return (high >= 0x2080 && high <= 0x2A80) || (high >= 0x3900 && high <= 0x3F80) || high == 0x1080;
}

/* A certificate with a key, curve or signature that this library was built without, mostly because it is too weak. */
static bool is_unknown_algorithm(int error)
{
	int high = -error & 0x7F80;
	return high == 0x2600 /* X.509 unknown signature algorithm */ || high == 0x3A00 /* unknown named curve */ ||
	       high == 0x3C80 /* unknown key algorithm */;
}

static const char *code_of_certificate(const struct tls_engine *engine, int error)
{
	/* So it ends when there are more certificates than mbedTLS looks at. */
	if (error == MBEDTLS_ERR_X509_FATAL_ERROR)
		return "tls.chain-too-long";
	if (is_unknown_algorithm(error))
		return "tls.weak-certificate";
	/* Found after tls-verify.c was called: the key lies on a curve that was not offered. */
	if (error == BAD_CERTIFICATE && mbedtls_ssl_get_verify_result(&engine->ssl) & KEY_FLAGS)
		return "tls.weak-certificate";
	if (error == BAD_CERTIFICATE || is_certificate_error(error))
		return "tls.bad-certificate";
	return "tls.protocol";
}

/* The suites of TLS 1.3 have numbers of their own (RFC 8446, appendix B.4). */
static bool offers_tls_1_3(const struct tls_engine *engine)
{
	for (const int *suite = engine->suites; *suite; suite++)
		if (*suite >> 8 == 0x13)
			return true;
	return false;
}

/* A signature or a checksum over what both sides saw does not fit, or is none that mbedTLS can check. */
static const char *code_of_proof(const struct tls_engine *engine, int error)
{
	if (error == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE)
		return "tls.protocol";
	/* mbedTLS offers RSA-PSS in TLS 1.2 too, because TLS 1.3 needs it, and refuses it there. */
	if (error == ILLEGAL_PARAMETER && offers_tls_1_3(engine))
		return "tls.no-common-signature";
	return "tls.tampered";
}

static const char *code_of_handshake(const struct tls_engine *engine, int error)
{
	switch (tls_library_state(engine)) {
	case MBEDTLS_SSL_HELLO_REQUEST:
	case MBEDTLS_SSL_CLIENT_HELLO:
		return "tls.internal";
	case MBEDTLS_SSL_SERVER_HELLO:
		return error == HANDSHAKE_FAILURE ? "tls.no-common-suite" : "tls.protocol";
	case MBEDTLS_SSL_SERVER_CERTIFICATE:
		return code_of_certificate(engine, error);
	case MBEDTLS_SSL_SERVER_KEY_EXCHANGE:
	case MBEDTLS_SSL_SERVER_FINISHED:
		return code_of_proof(engine, error);
	case MBEDTLS_SSL_CLIENT_CERTIFICATE:
		return error == MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL || error == OWN_CERTIFICATE_TOO_LARGE ? "tls.own-chain-too-long"
		                                                                                       : "tls.internal";
	case MBEDTLS_SSL_CLIENT_KEY_EXCHANGE:
		return "tls.internal";
	case MBEDTLS_SSL_CERTIFICATE_VERIFY:
		/* In TLS 1.2 the node's signature, in TLS 1.3 the server's. */
		return mp_ssl_version(&engine->ssl) == 13 ? code_of_proof(engine, error) : "tls.cannot-sign";
#if MP_HAS_TLS_1_3
	case MBEDTLS_SSL_CLIENT_CERTIFICATE_VERIFY:
		return "tls.cannot-sign";
#endif
	default:
		return "tls.protocol";
	}
}

/* The handshake proved that the server speaks TLS: what is wrong now it does otherwise, or was changed on its way. */
static const char *code_of_record(int error)
{
	return error == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE ? "tls.unsupported" : "tls.tampered";
}

static const char *code_of(const struct tls_engine *engine, int error)
{
	const char *code = code_anywhere(error);
	if (code)
		return code;
	return engine->state == TLS_OPEN ? code_of_record(error) : code_of_handshake(engine, error);
}

void tls_failure_from_library(struct tls_engine *engine, int error)
{
	struct native_failure *failure = &engine->failure;
	if (failure->code)
		return;
	/* A message of ours that was computed wrongly for want of memory is refused by the server only steps later. */
	if (mp_is_out_of_memory(error) || tls_memory_failures() != engine->memory_failures)
		native_failure_set(failure, "tls.out-of-memory", "mbedTLS -0x%04X", (unsigned)-error);
	else if (engine->judgement.failure.code)
		*failure = engine->judgement.failure;
	else if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		tls_failure_from_alert(engine);
	else if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		native_failure_set(failure, "tls.closed", NULL);
	else
		native_failure_set(failure, code_of(engine, error), "mbedTLS -0x%04X at step %d", (unsigned)-error,
		                   tls_library_state(engine));
}
