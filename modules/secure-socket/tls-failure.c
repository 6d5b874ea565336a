/*
 * Gives every way a session can end its code in modules/system/failures.ts: mbedTLS's error number, the alert that came,
 * what tls-verify.c found, and the step at which it happened. A number alone is not enough: mbedTLS uses the same ones
 * for a wrong root and for memory that ran out.
 */
#include "tls-engine.h"

enum alert {
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_UNSUPPORTED_CERTIFICATE = 43,
	ALERT_CERTIFICATE_REVOKED = 44,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_CERTIFICATE_UNKNOWN = 46,
	ALERT_UNKNOWN_CA = 48,
	ALERT_ACCESS_DENIED = 49,
	ALERT_DECRYPT_ERROR = 51,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INSUFFICIENT_SECURITY = 71,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_CERTIFICATE_REQUIRED = 116,
	ALERT_NO_APPLICATION_PROTOCOL = 120,
};

/* RFC 8446, 6, and for the numbers it retired RFC 5246, 7.2. */
static const char *alert_name(int alert)
{
	static const struct {
		unsigned char number;
		const char *name;
	} names[] = {
		{ALERT_UNEXPECTED_MESSAGE, "unexpected_message"},
		{ALERT_BAD_RECORD_MAC, "bad_record_mac"},
		{21, "decryption_failed"},
		{22, "record_overflow"},
		{30, "decompression_failure"},
		{ALERT_HANDSHAKE_FAILURE, "handshake_failure"},
		{41, "no_certificate"},
		{ALERT_BAD_CERTIFICATE, "bad_certificate"},
		{ALERT_UNSUPPORTED_CERTIFICATE, "unsupported_certificate"},
		{ALERT_CERTIFICATE_REVOKED, "certificate_revoked"},
		{ALERT_CERTIFICATE_EXPIRED, "certificate_expired"},
		{ALERT_CERTIFICATE_UNKNOWN, "certificate_unknown"},
		{47, "illegal_parameter"},
		{ALERT_UNKNOWN_CA, "unknown_ca"},
		{ALERT_ACCESS_DENIED, "access_denied"},
		{50, "decode_error"},
		{ALERT_DECRYPT_ERROR, "decrypt_error"},
		{60, "export_restriction"},
		{ALERT_PROTOCOL_VERSION, "protocol_version"},
		{ALERT_INSUFFICIENT_SECURITY, "insufficient_security"},
		{80, "internal_error"},
		{86, "inappropriate_fallback"},
		{90, "user_canceled"},
		{100, "no_renegotiation"},
		{109, "missing_extension"},
		{110, "unsupported_extension"},
		{111, "certificate_unobtainable"},
		{ALERT_UNRECOGNIZED_NAME, "unrecognized_name"},
		{113, "bad_certificate_status_response"},
		{114, "bad_certificate_hash_value"},
		{115, "unknown_psk_identity"},
		{ALERT_CERTIFICATE_REQUIRED, "certificate_required"},
		{ALERT_NO_APPLICATION_PROTOCOL, "no_application_protocol"},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number == alert)
			return names[i].name;
	return "unknown";
}

static int state_of(const struct tls_engine *engine)
{
	return (int)engine->ssl.MBEDTLS_PRIVATE(state);
}

/* Up to the server's first message nothing is agreed; what goes wrong there is about versions and suites. */
static bool before_agreement(const struct tls_engine *engine)
{
	return engine->state == TLS_HANDSHAKE && state_of(engine) <= MBEDTLS_SSL_SERVER_HELLO;
}

static const char *code_of_alert(const struct tls_engine *engine, int alert)
{
	switch (alert) {
	case ALERT_BAD_CERTIFICATE:
	case ALERT_UNSUPPORTED_CERTIFICATE:
	case ALERT_CERTIFICATE_REVOKED:
	case ALERT_CERTIFICATE_EXPIRED:
	case ALERT_CERTIFICATE_UNKNOWN:
	case ALERT_UNKNOWN_CA:
	case ALERT_ACCESS_DENIED:
	case ALERT_CERTIFICATE_REQUIRED:
		return "tls.certificate-refused";
	case ALERT_HANDSHAKE_FAILURE:
		if (before_agreement(engine))
			return "tls.no-common-suite";
		/* TLS 1.2 has no alert for a certificate that is missing; servers send this one. */
		return engine->identity ? "tls.alert" : "tls.certificate-refused";
	case ALERT_INSUFFICIENT_SECURITY:
		return "tls.no-common-suite";
	case ALERT_PROTOCOL_VERSION:
		return "tls.no-common-version";
	case ALERT_UNRECOGNIZED_NAME:
		return "tls.unknown-name";
	case ALERT_NO_APPLICATION_PROTOCOL:
		return "tls.alpn-refused";
	case ALERT_BAD_RECORD_MAC:
	case ALERT_DECRYPT_ERROR:
		/* Our records or our Finished did not arrive as they were sent. */
		return "tls.tampered";
	default:
		return "tls.alert";
	}
}

static void note_alert(struct tls_engine *engine)
{
	int alert = mp_ssl_alert(&engine->ssl);
	if (alert < 0)
		native_failure_set(&engine->failure, "tls.alert", "alert of unknown number");
	else
		native_failure_set(&engine->failure, code_of_alert(engine, alert), "alert %d %s", alert, alert_name(alert));
}

/* Errors of mbedTLS's X.509 and key modules, which a server's certificate brings about by its content. */
static bool is_certificate_error(int error)
{
	int high = -error & 0x7F80;
	return (high >= 0x2080 && high <= 0x2A80) || (high >= 0x3900 && high <= 0x3F80) || high == 0x1080;
}

/* A certificate with a key, curve or signature that this library was built without, mostly because it is too weak. */
static bool is_unknown_algorithm(int error)
{
	int high = -error & 0x7F80;
	return high == 0x2600 /* X.509 unknown signature algorithm */ || high == 0x3A00 /* unknown named curve */ ||
	       high == 0x3C80 /* unknown key algorithm */;
}

/* 2.28 calls it BAD_HS_CERTIFICATE. */
enum { BAD_CERTIFICATE = -0x7A00, BAD_PROTOCOL_VERSION = -0x6E80, HANDSHAKE_FAILURE = -0x6E00 };

static const char *code_of_certificate(int error)
{
	if (is_unknown_algorithm(error))
		return "tls.weak-certificate";
	if (error == BAD_CERTIFICATE || is_certificate_error(error))
		return "tls.bad-certificate";
	return "tls.protocol";
}

static const char *code_of(const struct tls_engine *engine, int error)
{
	if (engine->state == TLS_OPEN)
		/* The handshake proved that the server speaks TLS: what is wrong now was changed on its way. */
		return error == MBEDTLS_ERR_SSL_INTERNAL_ERROR ? "tls.internal" : "tls.tampered";
	if (error == MBEDTLS_ERR_SSL_INVALID_MAC)
		return "tls.tampered";
	if (error == BAD_PROTOCOL_VERSION)
		return "tls.no-common-version";
	switch (state_of(engine)) {
	case MBEDTLS_SSL_HELLO_REQUEST:
	case MBEDTLS_SSL_CLIENT_HELLO:
		return "tls.internal";
	case MBEDTLS_SSL_SERVER_HELLO:
		return error == HANDSHAKE_FAILURE ? "tls.no-common-suite" : "tls.protocol";
	case MBEDTLS_SSL_SERVER_CERTIFICATE:
		return code_of_certificate(error);
	case MBEDTLS_SSL_SERVER_KEY_EXCHANGE:
	case MBEDTLS_SSL_SERVER_FINISHED:
		/* A signature or a checksum over what both sides saw does not fit. */
		return error == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE ? "tls.protocol" : "tls.tampered";
	case MBEDTLS_SSL_CERTIFICATE_VERIFY:
	case MBEDTLS_SSL_CLIENT_CERTIFICATE:
	case MBEDTLS_SSL_CLIENT_KEY_EXCHANGE:
		return MP_HAS_TLS_1_3 && mp_ssl_version(&engine->ssl) == 13 ? "tls.tampered" : "tls.internal";
	default:
		return "tls.protocol";
	}
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
		note_alert(engine);
	else if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		native_failure_set(failure, "tls.closed", NULL);
	else
		native_failure_set(failure, code_of(engine, error), "mbedTLS -0x%04X at step %d", (unsigned)-error,
		                   state_of(engine));
}
