/* Opens a session, and moves bytes between the wire, mbedTLS and the application. No I/O: see tls-engine.h. */
#include "tls-engine.h"
#include "record-buffer.h"

#include <stdlib.h>
#include <string.h>

/* Gives mbedTLS so many bytes of the current record. */
static int give(struct tls_engine *engine, unsigned char *bytes, size_t length)
{
	memcpy(bytes, engine->input + engine->input_start, length);
	engine->input_start += length;
	engine->record_left -= length;
	if (engine->input_start == engine->input_end)
		engine->input_start = engine->input_end = 0;
	return (int)length;
}

/*
 * A record begins. One that is longer than any may be (RFC 5246, 6.2.1; RFC 8446, 5.2) is refused, for all others mbedTLS's
 * buffer is made to fit; what is no record at all mbedTLS refuses by its header.
 */
static int begin_record(struct tls_engine *engine, unsigned char header[TLS_RECORD_HEADER])
{
	const unsigned char *from = engine->input + engine->input_start;
	size_t length = (size_t)from[3] << 8 | from[4];
	bool is_record = from[0] >= MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC && from[0] <= MBEDTLS_SSL_MSG_APPLICATION_DATA;
	if (is_record && length > TLS_RECORD_LIMIT) {
		native_failure_set(&engine->failure, "tls.record-too-long", "%u bytes", (unsigned)length);
		return MBEDTLS_ERR_SSL_INVALID_RECORD;
	}
	engine->record_left = TLS_RECORD_HEADER + length;
	give(engine, header, TLS_RECORD_HEADER);
	int error = is_record ? record_buffer_fit(&engine->ssl, engine->buffer_limit, length) : 0;
	return error ? error : TLS_RECORD_HEADER;
}

/* mbedTLS asks for ciphertext: for a record's header, which it gets whole or not at all, and then for the rest. */
static int receive(void *context, unsigned char *bytes, size_t length)
{
	struct tls_engine *engine = context;
	size_t there = engine->input_end - engine->input_start;
	if (engine->record_left == 0)
		return there < TLS_RECORD_HEADER || length < TLS_RECORD_HEADER ? MBEDTLS_ERR_SSL_WANT_READ
		                                                               : begin_record(engine, bytes);
	if (there == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (length > there)
		length = there;
	return give(engine, bytes, length < engine->record_left ? length : engine->record_left);
}

bool tls_has_input(const struct tls_engine *engine)
{
	size_t there = engine->input_end - engine->input_start;
	return there >= (engine->record_left == 0 ? TLS_RECORD_HEADER : 1);
}

static void compact_output(struct tls_engine *engine)
{
	if (engine->output_start == 0)
		return;
	memmove(engine->output, engine->output + engine->output_start, engine->output_end - engine->output_start);
	engine->output_end -= engine->output_start;
	engine->output_start = 0;
}

/* mbedTLS has ciphertext for the wire; it keeps what does not fit and offers it again. */
static int transmit(void *context, const unsigned char *bytes, size_t length)
{
	struct tls_engine *engine = context;
	compact_output(engine);
	size_t room = TLS_OUTPUT_SIZE - engine->output_end;
	if (room == 0)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	if (length > room)
		length = room;
	memcpy(engine->output + engine->output_end, bytes, length);
	engine->output_end += length;
	return (int)length;
}

/* Splits "a,b" into the NULL-ended list that mbedTLS wants. */
static bool choose_alpn(struct tls_engine *engine, const char *names)
{
	size_t length = strlen(names);
	if (length == 0)
		return true;
	if (length >= TLS_ALPN_SIZE)
		return false;
	memcpy(engine->alpn_text, names, length + 1);
	char *name = engine->alpn_text;
	for (size_t count = 0; count < TLS_ALPN_LIMIT; count++) {
		engine->alpn[count] = name;
		name = strchr(name, ',');
		if (!name)
			return mbedtls_ssl_conf_alpn_protocols(&engine->configuration, engine->alpn) == 0;
		*name++ = '\0';
	}
	return false;
}

/* What does not depend on the options that may be wrong; the library's structures are complete after it. */
static int set_up(struct tls_engine *engine)
{
	mbedtls_ssl_config *configuration = &engine->configuration;
	int error = 0;
	engine->profile = mbedtls_x509_crt_profile_default;
	engine->profile.allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
	                              MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512);
	engine->profile.rsa_min_bitlen = 2048;
	mbedtls_ssl_conf_cert_profile(configuration, &engine->profile);
	mbedtls_ssl_conf_authmode(configuration, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_verify(configuration, tls_verify, engine);
	mbedtls_ssl_conf_ca_chain(configuration, &engine->trust->roots, NULL);
	if (engine->identity) {
		mp_ssl_conf_for_key(configuration, &engine->identity->key.pk);
		error = mbedtls_ssl_conf_own_cert(configuration, &engine->identity->certificates, &engine->identity->key.pk);
	}
	if (!error) {
		error = mbedtls_ssl_setup(&engine->ssl, configuration);
		/* Which it forgets when it fails; with buffers of variable length it is read when the rest is freed. */
		engine->ssl.MBEDTLS_PRIVATE(conf) = configuration;
	}
	engine->buffer_limit = record_buffer_size(&engine->ssl);
	if (!error)
		error = record_buffer_start(&engine->ssl);
	/* An address is no server name (RFC 6066, 3): it is not sent, and tls-name.c alone compares it. */
	if (!error)
		error = mbedtls_ssl_set_hostname(&engine->ssl, engine->has_name ? engine->server_name : NULL);
	mbedtls_ssl_set_bio(&engine->ssl, engine, transmit, receive, NULL);
	return error;
}

void tls_fail(struct tls_engine *engine, int error)
{
	tls_failure_from_library(engine, error);
	engine->state = TLS_FAILED;
}

static void configure(struct tls_engine *engine, const struct tls_options *options)
{
	int error = mbedtls_ssl_config_defaults(&engine->configuration, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
	                                        MBEDTLS_SSL_PRESET_DEFAULT);
	if (error) {
		tls_fail(engine, error);
	} else if (!tls_suites_choose(engine, options)) {
		native_failure_set(&engine->failure, "config.invalid", "cipherSuites %.120s", options->suites);
	} else if (!choose_alpn(engine, options->alpn)) {
		native_failure_set(&engine->failure, "config.invalid", "alpn %.120s", options->alpn);
	} else {
		error = set_up(engine);
		if (error)
			tls_fail(engine, error);
		else
			engine->state = TLS_HANDSHAKE;
	}
}

/* A server's name as it is sent: what is not ASCII has to be written as `xn--…` (RFC 5890). */
static bool is_server_name(const char *name)
{
	size_t length = 0;
	for (; name[length]; length++)
		if (name[length] <= ' ' || name[length] > '~')
			return false;
	return length > 0 && length < sizeof ((struct tls_engine *)0)->server_name;
}

struct tls_engine *tls_engine_open(const struct tls_options *options)
{
	struct tls_engine *engine = calloc(1, sizeof *engine);
	if (!engine)
		return NULL;
	engine->state = TLS_FAILED;
	mbedtls_ssl_init(&engine->ssl);
	mbedtls_ssl_config_init(&engine->configuration);
	engine->memory_failures = tls_memory_failures();
	if (!options->trust) {
		native_failure_set(&engine->failure, "identity.no-trust", NULL);
		return engine;
	}
	if (!is_server_name(options->server_name)) {
		native_failure_set(&engine->failure, "config.invalid", "serverName \"%.120s\"", options->server_name);
		return engine;
	}
	if (options->least_version > 12 && !MP_HAS_TLS_1_3) {
		native_failure_set(&engine->failure, "tls.no-common-version", "this node's TLS library has no TLS 1.3");
		return engine;
	}
	int error = mp_random_acquire();
	if (error) {
		tls_fail(engine, error);
		return engine;
	}
	engine->library_open = true;
	memcpy(engine->server_name, options->server_name, strlen(options->server_name) + 1);
	engine->has_name = !tls_name_is_address(engine->server_name, engine->address);
	engine->trust = options->trust;
	trust_store_retain(engine->trust);
	engine->identity = options->identity;
	if (engine->identity)
		node_identity_retain(engine->identity);
	tls_verify_set_clock(engine, options->now);
	configure(engine, options);
	return engine;
}

size_t tls_engine_room(const struct tls_engine *engine)
{
	if (!engine->library_open || engine->state == TLS_FAILED)
		return 0;
	return TLS_INPUT_SIZE - (engine->input_end - engine->input_start);
}

size_t tls_engine_feed(struct tls_engine *engine, const unsigned char *bytes, size_t length)
{
	size_t room = tls_engine_room(engine);
	if (length > room)
		length = room;
	if (engine->input_end + length > TLS_INPUT_SIZE) {
		memmove(engine->input, engine->input + engine->input_start, engine->input_end - engine->input_start);
		engine->input_end -= engine->input_start;
		engine->input_start = 0;
	}
	memcpy(engine->input + engine->input_end, bytes, length);
	engine->input_end += length;
	return length;
}

/* What a session that failed could not yet put into `output`: a part of its alert. */
static size_t alert_left(const struct tls_engine *engine)
{
	if (engine->state != TLS_FAILED || !engine->library_open)
		return 0;
	return engine->ssl.MBEDTLS_PRIVATE(out_left);
}

size_t tls_engine_pending(const struct tls_engine *engine)
{
	return engine->output_end - engine->output_start + alert_left(engine);
}

size_t tls_engine_ready(struct tls_engine *engine)
{
	/* An alert that found no room is still in the library; any further alert pushes it out instead of itself. */
	if (alert_left(engine) > 0)
		mbedtls_ssl_send_alert_message(&engine->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
		                               MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);
	return engine->output_end - engine->output_start;
}

size_t tls_engine_take(struct tls_engine *engine, unsigned char *bytes, size_t length)
{
	size_t there = tls_engine_ready(engine);
	if (length > there)
		length = there;
	memcpy(bytes, engine->output + engine->output_start, length);
	engine->output_start += length;
	if (engine->output_start == engine->output_end)
		engine->output_start = engine->output_end = 0;
	return length;
}

/* The session ends while it is open; the server is told why, unless it said so itself or mbedTLS has done that. */
static void fail_open(struct tls_engine *engine, int error)
{
	tls_fail(engine, error);
	if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		/* A close_notify is answered by one (RFC 5246, 7.2.1). */
		mbedtls_ssl_close_notify(&engine->ssl);
	else if (error != MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		tls_alert_make_sure(engine);
}

/* Makes mbedTLS take in the next record when it holds no plaintext. Returns what it holds then, or -1. */
static long advance(struct tls_engine *engine)
{
	for (int turns = 0; turns < TLS_IDLE_TURNS; turns++) {
		size_t there = mbedtls_ssl_get_bytes_avail(&engine->ssl);
		if (there > 0)
			return (long)there;
		if (!tls_has_input(engine) && mbedtls_ssl_check_pending(&engine->ssl) == 0) {
			if (engine->record_left == 0)
				record_buffer_shrink(&engine->ssl);
			return 0;
		}
		engine->memory_failures = tls_memory_failures();
		int error = mbedtls_ssl_read(&engine->ssl, NULL, 0);
		if (error >= 0 || error == MBEDTLS_ERR_SSL_WANT_READ || mp_is_ticket(error))
			continue;
		if (error == MBEDTLS_ERR_SSL_WANT_WRITE)
			return 0;
		fail_open(engine, error);
		return -1;
	}
	fail_open(engine, MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
	return -1;
}

long tls_engine_readable(struct tls_engine *engine)
{
	if (engine->state != TLS_OPEN)
		return engine->state == TLS_FAILED ? -1 : 0;
	return advance(engine);
}

long tls_engine_read(struct tls_engine *engine, unsigned char *bytes, size_t length)
{
	long there = tls_engine_readable(engine);
	if (there <= 0 || length == 0)
		return there < 0 ? -1 : 0;
	if (length > (size_t)there)
		length = (size_t)there;
	int done = mbedtls_ssl_read(&engine->ssl, bytes, length);
	if (done >= 0)
		return done;
	fail_open(engine, done);
	return -1;
}

size_t tls_engine_writable(const struct tls_engine *engine)
{
	if (engine->state != TLS_OPEN)
		return 0;
	/* One overhead for the record itself, one kept free so that a close_notify always fits behind it. */
	size_t used = engine->output_end - engine->output_start + engine->staged + 2 * TLS_RECORD_OVERHEAD;
	return used < TLS_OUTPUT_SIZE ? TLS_OUTPUT_SIZE - used : 0;
}

/* Encrypts into `output`, where room for it was made sure of. */
static bool encrypt(struct tls_engine *engine, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		engine->memory_failures = tls_memory_failures();
		int done = mbedtls_ssl_write(&engine->ssl, bytes, length);
		if (mp_is_ticket(done))
			continue;
		if (done <= 0) {
			tls_fail(engine, done ? done : MBEDTLS_ERR_SSL_INTERNAL_ERROR);
			return false;
		}
		bytes += done;
		length -= (size_t)done;
	}
	return true;
}

/* The record of what was joined; nothing of the plaintext stays behind. */
static bool encrypt_staged(struct tls_engine *engine)
{
	size_t length = engine->staged;
	unsigned char *plaintext = engine->output + TLS_OUTPUT_SIZE - length;
	engine->staged = 0;
	bool done = encrypt(engine, plaintext, length);
	/* The record, one overhead longer at most, may have grown over it. */
	size_t behind = TLS_OUTPUT_SIZE - engine->output_end;
	if (length > behind)
		length = behind;
	mbedtls_platform_zeroize(engine->output + TLS_OUTPUT_SIZE - length, length);
	return done;
}

long tls_engine_write(struct tls_engine *engine, const unsigned char *bytes, size_t length, bool more)
{
	if (engine->state != TLS_OPEN)
		return -1;
	if (length > tls_engine_writable(engine))
		return 0;
	if (!more && engine->staged == 0)
		return encrypt(engine, bytes, length) ? (long)length : -1;
	/* Joined at the end of `output`: the record that it becomes needs that room anyway, and mbedTLS copies it first. */
	unsigned char *end = engine->output + TLS_OUTPUT_SIZE;
	compact_output(engine);
	memmove(end - engine->staged - length, end - engine->staged, engine->staged);
	memcpy(end - length, bytes, length);
	engine->staged += length;
	if (more)
		return (long)length;
	return encrypt_staged(engine) ? (long)length : -1;
}

void tls_engine_close(struct tls_engine *engine)
{
	if (engine->state == TLS_OPEN) {
		if (engine->staged > 0)
			encrypt_staged(engine);
		if (engine->state == TLS_OPEN)
			mbedtls_ssl_close_notify(&engine->ssl);
	}
	engine->state = TLS_CLOSED;
	if (!engine->library_open)
		return;
	engine->library_open = false;
	mbedtls_ssl_free(&engine->ssl);
	mbedtls_ssl_config_free(&engine->configuration);
	node_identity_release(engine->identity);
	trust_store_release(engine->trust);
	mp_random_release();
	engine->identity = NULL;
	engine->trust = NULL;
}

void tls_engine_free(struct tls_engine *engine)
{
	tls_engine_close(engine);
	free(engine);
}

const char *tls_engine_suite(const struct tls_engine *engine)
{
	return tls_suite_name(mbedtls_ssl_get_ciphersuite(&engine->ssl));
}

const char *tls_engine_alpn(const struct tls_engine *engine)
{
	const char *name = mbedtls_ssl_get_alpn_protocol(&engine->ssl);
	return name ? name : "";
}
