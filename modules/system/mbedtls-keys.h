/*
 * Private keys over the versions of mbedTLS, beyond what mbedtls-port.h has: what kind a key is, making one, writing it,
 * signing with it, and a key whose signatures somebody else makes.
 */
#ifndef FIELDNODE_MBEDTLS_KEYS_H
#define FIELDNODE_MBEDTLS_KEYS_H

#include "mbedtls-port.h"

#include <mbedtls/x509_csr.h>

enum mp_key_kind { MP_KEY_OTHER, MP_KEY_P256, MP_KEY_P384, MP_KEY_RSA };

enum mp_key_kind mp_pk_kind(const mbedtls_pk_context *key);

/* True when an error of mp_pk_parse_key says that the key is encrypted. */
bool mp_is_encrypted(int error);
/* True when an error of mp_pk_parse_key says that the key is of a kind that this library does not have. */
bool mp_is_unknown_key(int error);

/* Makes a P-256 key in `key`, which must be initialised. Returns 0 or mbedTLS's error. */
int mp_pk_generate(mbedtls_pk_context *key);

/* Writes the key as DER (SEC1, PKCS#1) to the end of `buffer`; returns its length or mbedTLS's error. */
int mp_pk_write_der(mbedtls_pk_context *key, unsigned char *buffer, size_t size);

/* Signs a SHA-256 digest. `size` is the room in `signature`, MBEDTLS_PK_SIGNATURE_MAX_SIZE being always enough. */
int mp_pk_sign_sha256(mbedtls_pk_context *key, const unsigned char digest[32], unsigned char *signature, size_t size,
                      size_t *length);

/* Writes a certificate request as PEM with its end; returns 0 or mbedTLS's error. */
int mp_csr_write_pem(mbedtls_x509write_csr *request, unsigned char *buffer, size_t size);

/*
 * Somebody who signs with a private key that mbedTLS does not have. `sign` gets a digest and what made it, and writes
 * an ECDSA signature in DER (RFC 3279, 2.2.3) or an RSA signature with PKCS #1 v1.5 padding (RFC 8017, 8.2). It returns
 * 0, or any negative number when it cannot.
 */
struct mp_signer {
	enum mp_key_kind kind;
	size_t bits;
	int (*sign)(void *context, mbedtls_md_type_t hash, const unsigned char *digest, size_t digest_length,
	            unsigned char *signature, size_t size, size_t *length);
	void *context;
};

/*
 * Makes `key`, which must be initialised, a key that signs by `signer`, which must outlive it. Returns 0, or an error
 * where the library has no way: 4.x takes a PSA key instead (mp_pk_setup_psa).
 */
int mp_pk_setup_signer(mbedtls_pk_context *key, const struct mp_signer *signer);

/* Makes `key` a key of PSA by its number: 4.x, and 3.6 built with MBEDTLS_USE_PSA_CRYPTO. Returns 0 or an error. */
int mp_pk_setup_psa(mbedtls_pk_context *key, uint32_t psa_key);

/*
 * Overwrites what a call with a private key may have left below the caller on the stack: mbedTLS does not clear all of
 * its working room there (the input of a deterministic nonce), and registers are saved there with parts of a key in them.
 */
void mp_wipe_stack(void);

/* Takes out of the client's offer what its key cannot sign for: an RSA key with a signer has no PSS, so no TLS 1.3. */
void mp_ssl_conf_for_key(mbedtls_ssl_config *configuration, const mbedtls_pk_context *key);

#endif
