/*
 * The one place where the versions of mbedTLS differ: 2.28 (Debian 12), 3.6 (Debian 13, ESP-IDF 5) and 4.x (ESP-IDF 6).
 *
 * Every C file of this project that needs mbedTLS includes this header and no header of mbedTLS, so that all of them see
 * one configuration. On an ESP32 that is essential: the library's structures have other sizes under ESP-IDF's
 * configuration than under mbedTLS's own, and C that sees the wrong one compiles and then corrupts memory.
 *
 * Names that begin with `mp_` are neutral; each says below what it hides.
 */
#ifndef FIELDNODE_MBEDTLS_PORT_H
#define FIELDNODE_MBEDTLS_PORT_H

#if defined(ESP_PLATFORM)
/* Moddable compiles all C as if it were the boot loader, which turns ESP-IDF's locks into nothing. */
#undef BOOTLOADER_BUILD
/* Moddable silences this warning; without it a function that this mbedTLS lacks is found by the linker only. */
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#ifndef MBEDTLS_CONFIG_FILE
#define MBEDTLS_CONFIG_FILE "mbedtls/esp_config.h"
#endif
#ifndef TF_PSA_CRYPTO_USER_CONFIG_FILE
#define TF_PSA_CRYPTO_USER_CONFIG_FILE "mbedtls/esp_config.h"
#endif
#endif

#include <mbedtls/version.h>

#if defined(ESP_PLATFORM)
#ifndef ESP_CONFIG_H
#error "mbedTLS is configured without ESP-IDF's mbedtls/esp_config.h: its structures would have the wrong sizes"
#endif
#if defined(CONFIG_MBEDTLS_DYNAMIC_BUFFER)
#error "set MBEDTLS_DYNAMIC_BUFFER to n, and MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH to y: the firmware sizes the buffer itself"
#endif
#endif

#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if MBEDTLS_VERSION_NUMBER < 0x021C0000
#error "mbedTLS 2.28 or newer is needed"
#endif

/* ESP-IDF's names: MBEDTLS_PEM_PARSE_C, MBEDTLS_PEM_WRITE_C and MBEDTLS_X509_CREATE_C. */
#if !defined(MBEDTLS_PEM_PARSE_C) || !defined(MBEDTLS_PEM_WRITE_C) || !defined(MBEDTLS_X509_CSR_WRITE_C)
#error "mbedTLS is built without PEM or certificate requests: keys and certificates come, and requests go, in PEM"
#endif

/* Fields of mbedTLS's structures that are private from 3.0 on. */
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && MBEDTLS_VERSION_NUMBER >= 0x03060000
#define MP_HAS_TLS_1_3 1
#else
#define MP_HAS_TLS_1_3 0
#endif

/*
 * The random generator, shared by all users of mbedTLS in the process; seeded by the first, freed by the last.
 * 2.28 and 3.6: a CTR-DRBG seeded from the platform's entropy. 3.6 and 4.x: PSA as well. Returns 0 or mbedTLS's error.
 */
int mp_random_acquire(void);
void mp_random_release(void);
/* Random bytes for functions that take a generator; `context` is not used. */
int mp_random(void *context, unsigned char *output, size_t length);

/*
 * How many allocations have failed on this machine so far. mbedTLS reports many of them as something else (an unknown
 * root, an invalid key), so whoever called it compares this number before and after. 0 where nobody counts.
 */
uint32_t tls_memory_failures(void);

/* True when an error number of mbedTLS says by itself that memory ran out. */
bool mp_is_out_of_memory(int error);
/* True when it says that there are no random numbers: the generator's sources give nothing. */
bool mp_is_out_of_randomness(int error);

/* Keys. Lengths are exact: 3.6 and 4.x refuse a DER key with a byte after it. */
int mp_pk_parse_key(mbedtls_pk_context *key, const unsigned char *der, size_t length);
/* 0 when the private key belongs to the public one. */
int mp_pk_check_pair(const mbedtls_pk_context *public_key, const mbedtls_pk_context *private_key);
/* True for an RSA key, false for an elliptic curve. */
bool mp_pk_is_rsa(const mbedtls_pk_context *key);

/*
 * The client's offer: versions from `least` to `most` (12 or 13), curves P-256 and P-384, signatures with SHA-256 and
 * better; no renegotiation, no session tickets.
 */
void mp_ssl_conf_offer(mbedtls_ssl_config *configuration, int least, int most);

/* Whether that offers a kind of signature for TLS 1.2, by its number there (RFC 8446, 4.2.3; RFC 5246, 7.4.1.4.1). */
bool mp_ssl_is_offered(unsigned signature);

/* True once application data may flow. */
bool mp_ssl_is_over(const mbedtls_ssl_context *ssl);
/* 12 or 13; 0 before the server has chosen. */
int mp_ssl_version(const mbedtls_ssl_context *ssl);
/*
 * Gives back the memory of the server's certificates once the chain is judged: 2 to 6 KB that are there else for as long
 * as the session. The server's public key stays for the signature that follows; with that checked, nothing is needed.
 */
void mp_ssl_forget_certificates(mbedtls_ssl_context *ssl);
/* True when `error` only says that a TLS 1.3 session ticket has come. The number means another thing in 2.28. */
bool mp_is_ticket(int error);
/* Number of the fatal alert that the server sent, or -1. Valid right after MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE. */
int mp_ssl_alert(const mbedtls_ssl_context *ssl);

#endif
