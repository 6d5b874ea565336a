/*
 * The mbedTLS of the tests' second run: its own configuration, and receive buffers whose length may change, as a board has
 * them (modules/secure-socket/record-buffer.h). The system's, which the first run is on, has buffers of one length.
 */
#define MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH
