/* Steps the handshake, one message at a time. */
#include "tls-engine.h"

/* The handshake is complete: the application protocol must be one that was asked for, when one was. */
static enum tls_step finish_handshake(struct tls_engine *engine)
{
	if (engine->alpn[0] && !mbedtls_ssl_get_alpn_protocol(&engine->ssl)) {
		native_failure_set(&engine->failure, "tls.alpn-refused", "the server ignores ALPN; wanted %s", engine->alpn[0]);
		mbedtls_ssl_send_alert_message(&engine->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
		                               MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
		engine->state = TLS_FAILED;
		return TLS_STEP_FAILED;
	}
	engine->state = TLS_OPEN;
	return TLS_STEP_OPEN;
}

/*
 * States of mbedTLS's in which there is no message: its own start, and ChangeCipherSpec, which is a byte and no message of
 * the handshake (RFC 5246, 7.1). The one that follows belongs to the same step, and on its way out to the same segment.
 */
static bool leads_to_message(int state)
{
	switch (state) {
	case MBEDTLS_SSL_HELLO_REQUEST:
	case MBEDTLS_SSL_CLIENT_CHANGE_CIPHER_SPEC:
	case MBEDTLS_SSL_SERVER_CHANGE_CIPHER_SPEC:
#if MP_HAS_TLS_1_3
	case MBEDTLS_SSL_CLIENT_CCS_AFTER_SERVER_FINISHED:
	case MBEDTLS_SSL_CLIENT_CCS_BEFORE_2ND_CLIENT_HELLO:
#endif
		return true;
	default:
		return false;
	}
}

/* The same for what follows the last message. */
static bool follows_message(int state)
{
	return state == MBEDTLS_SSL_FLUSH_BUFFERS || state == MBEDTLS_SSL_HANDSHAKE_WRAPUP;
}

/* A flight is complete, and the server's answer is not there. */
static bool waits_for_server(const struct tls_engine *engine)
{
	int next = tls_library_state(engine);
	return (next == MBEDTLS_SSL_SERVER_HELLO || next == MBEDTLS_SSL_SERVER_CHANGE_CIPHER_SPEC) && !tls_has_input(engine);
}

/*
 * True when the next of mbedTLS's steps belongs to the message that was just made: it sends what the library still holds
 * of a flight, or follows the last message, when that is not held itself.
 */
static bool goes_on(const struct tls_engine *engine)
{
	bool holds = engine->ssl.MBEDTLS_PRIVATE(out_left) > 0;
	return holds ? waits_for_server(engine) : follows_message(tls_library_state(engine));
}

/* One message of the handshake, and what mbedTLS calls steps around it. */
static int shake_hands(struct tls_engine *engine)
{
	bool is_start;
	do {
		int state = tls_library_state(engine);
		is_start = leads_to_message(state);
		int error = mbedtls_ssl_handshake_step(&engine->ssl);
		if (error == 0 && state == MBEDTLS_SSL_SERVER_KEY_EXCHANGE)
			tls_judge_key_exchange(engine);
		/* What was judged bad here ends the session, whatever the library made of it. */
		if (error == 0 && engine->judgement.failure.code)
			error = MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
		if (error || mp_ssl_is_over(&engine->ssl))
			return error;
	} while (is_start || goes_on(engine));
	return 0;
}

enum tls_step tls_engine_step(struct tls_engine *engine)
{
	if (engine->state == TLS_OPEN)
		return TLS_STEP_OPEN;
	if (engine->state != TLS_HANDSHAKE)
		return TLS_STEP_FAILED;
	engine->judgement.memory_failures = tls_memory_failures();
	int error = shake_hands(engine);
	if (error == MBEDTLS_ERR_SSL_WANT_READ)
		return tls_has_input(engine) ? TLS_STEP_WRITING : TLS_STEP_READING;
	if (error == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_STEP_WRITING;
	if (error) {
		tls_fail(engine, error);
		if (error != MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && error != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
			tls_alert_make_sure(engine);
		return TLS_STEP_FAILED;
	}
	mp_ssl_forget_certificates(&engine->ssl);
	if (mp_ssl_is_over(&engine->ssl))
		return finish_handshake(engine);
	return waits_for_server(engine) ? TLS_STEP_READING : TLS_STEP_WRITING;
}
