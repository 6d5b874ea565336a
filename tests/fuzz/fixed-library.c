#include "fixed-library.h"

#include "mbedtls-port.h"

#include <mbedtls/cipher.h>
#include <psa/crypto.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2026-01-01, for the first bytes of a ClientHello's random number. */
enum { FIXED_TIME = 1767225600 };

static uint64_t drawn;
static bool open_records;
static record_watcher watcher;

void fixed_library_restart(void)
{
	drawn = 0;
}

void fixed_library_open_records(bool open)
{
	open_records = open;
}

void fixed_library_watch(record_watcher function)
{
	watcher = function;
}

/* A generator of Vigna's (splitmix64): any that looks like chance will do. */
static void draw(unsigned char *output, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint64_t x = (drawn += 0x9E3779B97F4A7C15u);
		x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
		x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
		output[i] = (unsigned char)(x >> 56);
	}
}

int __wrap_mbedtls_ctr_drbg_random(void *context, unsigned char *output, size_t length);
int __wrap_mbedtls_ctr_drbg_random(void *context, unsigned char *output, size_t length)
{
	(void)context;
	draw(output, length);
	return 0;
}

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context, uint8_t *output,
                                             size_t size, size_t *length)
{
	(void)context;
	draw(output, size);
	*length = size;
	return PSA_SUCCESS;
}

time_t __wrap_time(time_t *result);
time_t __wrap_time(time_t *result)
{
	if (result)
		*result = FIXED_TIME;
	return FIXED_TIME;
}

int __real_mbedtls_cipher_auth_decrypt_ext(mbedtls_cipher_context_t *, const unsigned char *, size_t,
                                           const unsigned char *, size_t, const unsigned char *, size_t,
                                           unsigned char *, size_t, size_t *, size_t);
int __wrap_mbedtls_cipher_auth_decrypt_ext(mbedtls_cipher_context_t *cipher, const unsigned char *nonce,
                                           size_t nonce_length, const unsigned char *more, size_t more_length,
                                           const unsigned char *input, size_t length, unsigned char *output,
                                           size_t output_size, size_t *output_length, size_t tag_length);
int __wrap_mbedtls_cipher_auth_decrypt_ext(mbedtls_cipher_context_t *cipher, const unsigned char *nonce,
                                           size_t nonce_length, const unsigned char *more, size_t more_length,
                                           const unsigned char *input, size_t length, unsigned char *output,
                                           size_t output_size, size_t *output_length, size_t tag_length)
{
	if (open_records && length >= tag_length && output_size >= length - tag_length) {
		*output_length = length - tag_length;
		memmove(output, input, *output_length);
		return 0;
	}
	unsigned char *ciphertext = watcher ? malloc(length) : NULL;
	if (ciphertext)
		memcpy(ciphertext, input, length);
	int error = __real_mbedtls_cipher_auth_decrypt_ext(cipher, nonce, nonce_length, more, more_length, input, length,
	                                                   output, output_size, output_length, tag_length);
	if (ciphertext && !error)
		watcher(ciphertext, length, output, *output_length);
	free(ciphertext);
	return error;
}

/* Verdicts on signatures, by a hash of all that they depend on. */
enum { VERDICTS = 4096 };
static struct {
	uint64_t key;
	int verdict;
} verdicts[VERDICTS];

static uint64_t hash_of(uint64_t hash, const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x100000001B3u;
	return hash;
}

int __real_mbedtls_pk_verify_ext(mbedtls_pk_type_t, const void *, mbedtls_pk_context *, mbedtls_md_type_t,
                                 const unsigned char *, size_t, const unsigned char *, size_t);
int __wrap_mbedtls_pk_verify_ext(mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *key,
                                 mbedtls_md_type_t md, const unsigned char *digest, size_t digest_length,
                                 const unsigned char *signature, size_t length);
int __wrap_mbedtls_pk_verify_ext(mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *key,
                                 mbedtls_md_type_t md, const unsigned char *digest, size_t digest_length,
                                 const unsigned char *signature, size_t length)
{
	unsigned char der[1024];
	int size = mbedtls_pk_write_pubkey_der(key, der, sizeof der);
	uint64_t hash = hash_of(0xCBF29CE484222325u + (uint64_t)type * 31 + (uint64_t)md, digest, digest_length);
	hash = hash_of(hash, signature, length);
	if (size > 0)
		hash = hash_of(hash, der + sizeof der - size, (size_t)size);
	size_t at = hash % VERDICTS;
	if (size > 0 && verdicts[at].key == hash)
		return verdicts[at].verdict;
	int verdict = __real_mbedtls_pk_verify_ext(type, options, key, md, digest, digest_length, signature, length);
	verdicts[at].key = size > 0 ? hash : 0;
	verdicts[at].verdict = verdict;
	return verdict;
}
