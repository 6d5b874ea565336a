/* Replaces mbedTLS's receive buffer by one that fits: see record-buffer.h. */
#include "record-buffer.h"

#include <string.h>

#if defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH)

enum {
	/* Of every message of the usual handshake but the certificates, and of MQTT's short ones. */
	SMALL_BUFFER = 512,
	/* Buffers grow by whole steps, so that a message in many small records is not copied for each. */
	STEP = 256,
	/* What a buffer may be too large by before a shorter one is worth the copy. */
	SPARE = 2048,
	/* The record's number, which mbedTLS keeps at the beginning of its buffer, and a header of TLS. */
	NUMBER_SIZE = 8,
	HEADER_SIZE = 5,
};

/*
 * Moves the first `kept` bytes, which end in or before the header that `in_hdr` points to, to a buffer of another size.
 * The old one is wiped, as far as it was ever `used`.
 */
static int replace(mbedtls_ssl_context *ssl, size_t size, size_t kept, size_t used)
{
	unsigned char *old = ssl->MBEDTLS_PRIVATE(in_buf);
	size_t offset = (size_t)(ssl->MBEDTLS_PRIVATE(in_hdr) - old);
	unsigned char *made = mbedtls_calloc(1, size);
	if (!made)
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	memcpy(made, old, kept);
	mbedtls_platform_zeroize(old, used);
	mbedtls_free(old);
	ssl->MBEDTLS_PRIVATE(in_buf) = made;
	ssl->MBEDTLS_PRIVATE(in_buf_len) = size;
	ssl->MBEDTLS_PRIVATE(in_ctr) = made;
	/* As mbedTLS sets them for a record that is still to come. */
	ssl->MBEDTLS_PRIVATE(in_hdr) = made + offset;
	ssl->MBEDTLS_PRIVATE(in_len) = made + offset + 3;
#if defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)
	ssl->MBEDTLS_PRIVATE(in_cid) = ssl->MBEDTLS_PRIVATE(in_len);
#endif
	ssl->MBEDTLS_PRIVATE(in_iv) = ssl->MBEDTLS_PRIVATE(in_msg) = made + offset + HEADER_SIZE;
	return 0;
}

/* The bytes before the header: the record's number, and of a message in several records what has come of it. */
static size_t before_header(const mbedtls_ssl_context *ssl)
{
	return (size_t)(ssl->MBEDTLS_PRIVATE(in_hdr) - ssl->MBEDTLS_PRIVATE(in_buf));
}

int record_buffer_start(mbedtls_ssl_context *ssl)
{
	return replace(ssl, SMALL_BUFFER, before_header(ssl), 0);
}

int record_buffer_fit(mbedtls_ssl_context *ssl, size_t limit, size_t length)
{
	size_t kept = before_header(ssl) + HEADER_SIZE;
	size_t size = (kept + length + STEP - 1) / STEP * STEP;
	if (size > limit)
		size = limit;
	if (size < SMALL_BUFFER)
		size = SMALL_BUFFER;
	if (kept + length > size)
		return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
	size_t there = ssl->MBEDTLS_PRIVATE(in_buf_len);
	if (size <= there && there <= size + SPARE)
		return 0;
	return replace(ssl, size, kept, there);
}

void record_buffer_shrink(mbedtls_ssl_context *ssl)
{
	size_t kept = before_header(ssl);
	if (kept == NUMBER_SIZE && ssl->MBEDTLS_PRIVATE(in_buf_len) > SMALL_BUFFER)
		(void)replace(ssl, SMALL_BUFFER, kept, ssl->MBEDTLS_PRIVATE(in_buf_len));
}

size_t record_buffer_size(const mbedtls_ssl_context *ssl)
{
	return ssl->MBEDTLS_PRIVATE(in_buf_len);
}

#else

int record_buffer_start(mbedtls_ssl_context *ssl)
{
	(void)ssl;
	return 0;
}

int record_buffer_fit(mbedtls_ssl_context *ssl, size_t limit, size_t length)
{
	(void)ssl;
	(void)limit;
	(void)length;
	return 0;
}

void record_buffer_shrink(mbedtls_ssl_context *ssl)
{
	(void)ssl;
}

size_t record_buffer_size(const mbedtls_ssl_context *ssl)
{
	(void)ssl;
	return 0;
}

#endif
