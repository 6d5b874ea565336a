/*
 * What mbedTLS is built with for fuzzing, in addition to its own configuration: PSA's random numbers come from the target,
 * and receive buffers change their length, as on a board.
 */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH
