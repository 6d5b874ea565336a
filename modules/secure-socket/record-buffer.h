/*
 * A receive buffer as large as the record that is on its way. mbedTLS gives each connection one for the largest record,
 * 16.7 KB, from its beginning to its end; most records of a handshake, and of MQTT, are below 500 bytes.
 *
 * mbedTLS checks what it receives against the length of its buffer where it was built with
 * MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH. Without, all of this does nothing.
 */
#ifndef FIELDNODE_RECORD_BUFFER_H
#define FIELDNODE_RECORD_BUFFER_H

#include "mbedtls-port.h"

/* After mbedtls_ssl_setup: a small buffer takes the place of the full one. Returns 0, or mbedTLS's error. */
int record_buffer_start(mbedtls_ssl_context *ssl);

/*
 * While mbedTLS receives, and has just been given the whole header of a record, in its buffer: makes room for `length`
 * bytes of content behind it, `limit` bytes being the most that the library would ever hold. Returns 0, or mbedTLS's error.
 */
int record_buffer_fit(mbedtls_ssl_context *ssl, size_t limit, size_t length);

/* While mbedTLS holds no record: gives back what the last one took. What cannot be had for it changes nothing. */
void record_buffer_shrink(mbedtls_ssl_context *ssl);

/* Bytes of the buffer; 0 where its length is fixed. */
size_t record_buffer_size(const mbedtls_ssl_context *ssl);

#endif
