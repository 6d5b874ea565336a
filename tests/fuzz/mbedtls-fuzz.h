/* What mbedTLS is built with for fuzzing, in addition to its own configuration: PSA's random numbers come from the target. */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
