/*
 * Alerts: what a fatal one from the server means to a node (RFC 8446, 6; for the numbers it retired RFC 5246, 7.2), and
 * the one that a server gets when the library has sent none.
 */
#include "tls-engine.h"

#include <string.h>

static const struct alert {
	unsigned char number;
	const char *name;
	const char *code;
} alerts[] = {
	{10, "unexpected_message", "tls.not-understood"},
	/* Our records or our Finished did not arrive as they were sent. */
	{20, "bad_record_mac", "tls.tampered"},
	{21, "decryption_failed", "tls.tampered"},
	{22, "record_overflow", "tls.not-understood"},
	{30, "decompression_failure", "tls.not-understood"},
	{40, "handshake_failure", "tls.refused"},
	{41, "no_certificate", "tls.certificate-missing"},
	{42, "bad_certificate", "tls.certificate-refused"},
	{43, "unsupported_certificate", "tls.certificate-unsupported"},
	{44, "certificate_revoked", "tls.certificate-revoked"},
	{45, "certificate_expired", "tls.certificate-expired"},
	{46, "certificate_unknown", "tls.certificate-refused"},
	{47, "illegal_parameter", "tls.not-understood"},
	{48, "unknown_ca", "tls.certificate-unknown-issuer"},
	{49, "access_denied", "tls.access-denied"},
	{50, "decode_error", "tls.not-understood"},
	{51, "decrypt_error", "tls.tampered"},
	{60, "export_restriction", "tls.no-common-suite"},
	{70, "protocol_version", "tls.no-common-version"},
	{71, "insufficient_security", "tls.no-common-suite"},
	{80, "internal_error", "tls.server-failed"},
	{86, "inappropriate_fallback", "tls.no-common-version"},
	{90, "user_canceled", "tls.server-failed"},
	{100, "no_renegotiation", "tls.not-understood"},
	{109, "missing_extension", "tls.not-understood"},
	{110, "unsupported_extension", "tls.not-understood"},
	{111, "certificate_unobtainable", "tls.certificate-refused"},
	{112, "unrecognized_name", "tls.unknown-name"},
	{113, "bad_certificate_status_response", "tls.not-understood"},
	{114, "bad_certificate_hash_value", "tls.certificate-refused"},
	{115, "unknown_psk_identity", "tls.refused"},
	{116, "certificate_required", "tls.certificate-missing"},
	{120, "no_application_protocol", "tls.alpn-refused"},
};

enum { HANDSHAKE_FAILURE = 40 };

/* Servers give this alert for all that they cannot agree on; where in the handshake it comes tells most of the cause. */
static const char *code_of_handshake_failure(const struct tls_engine *engine)
{
	if (engine->state != TLS_HANDSHAKE)
		return "tls.refused";
	/* Up to the server's first message nothing is agreed: what goes wrong there is the offer. */
	if (tls_library_state(engine) <= MBEDTLS_SSL_SERVER_HELLO)
		return "tls.no-common-suite";
	/* TLS 1.2 has no alert for a certificate that is missing. */
	return engine->identity ? "tls.refused" : "tls.certificate-missing";
}

void tls_failure_from_alert(struct tls_engine *engine)
{
	int number = mp_ssl_alert(&engine->ssl);
	const struct alert *alert = alerts;
	const struct alert *end = alerts + sizeof alerts / sizeof alerts[0];
	while (alert < end && alert->number != number)
		alert++;
	if (alert < end)
		native_failure_set(&engine->failure,
		                   number == HANDSHAKE_FAILURE ? code_of_handshake_failure(engine) : alert->code, "alert %d %s",
		                   number, alert->name);
	else if (number >= 0)
		native_failure_set(&engine->failure, "tls.alert", "alert %d", number);
	else
		native_failure_set(&engine->failure, "tls.alert", NULL);
}

void tls_alert_make_sure(struct tls_engine *engine)
{
	if (tls_engine_pending(engine) > 0)
		return;
	const char *code = engine->failure.code;
	unsigned char alert = MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
	if (strcmp(code, "tls.record-too-long") == 0)
		alert = MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW;
	else if (strcmp(code, "tls.protocol") == 0 || strcmp(code, "tls.unsupported") == 0)
		alert = MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE;
	mbedtls_ssl_send_alert_message(&engine->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
}
