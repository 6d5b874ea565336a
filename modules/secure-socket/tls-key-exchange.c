/*
 * Judges the server's signature in the key exchange of TLS 1.2 (RFC 5246, 7.4.3) by its kind, which must be one that the
 * node has offered. mbedTLS has checked the signature itself, but 3.6.0 to 3.6.5 and 4.0 do so with any hash that they know,
 * SHA-1 for one (CVE-2026-25834).
 */
#include "tls-engine.h"

enum { SERVER_KEY_EXCHANGE = 12, HEADER_SIZE = 4, PARAMETERS_SIZE = 4 };

/* Hash and algorithm as the message gives them: behind kind and number of the curve, and a point with its length. */
static unsigned signature_of(const mbedtls_ssl_context *ssl)
{
	const unsigned char *message = ssl->MBEDTLS_PRIVATE(in_msg);
	size_t length = ssl->MBEDTLS_PRIVATE(in_hslen);
	if (length < HEADER_SIZE + PARAMETERS_SIZE || message[0] != SERVER_KEY_EXCHANGE)
		return 0;
	size_t offset = HEADER_SIZE + PARAMETERS_SIZE + message[HEADER_SIZE + PARAMETERS_SIZE - 1];
	return offset + 2 <= length ? (unsigned)message[offset] << 8 | message[offset + 1] : 0;
}

void tls_judge_key_exchange(struct tls_engine *engine)
{
	unsigned signature = signature_of(&engine->ssl);
	if (mp_ssl_is_offered(signature))
		return;
	native_failure_set(&engine->judgement.failure, "tls.tampered", "kind of signature 0x%04X at step %d", signature,
	                   MBEDTLS_SSL_SERVER_KEY_EXCHANGE);
	mbedtls_ssl_send_alert_message(&engine->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
	                               MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
}
