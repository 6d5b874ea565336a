/* Loads a private key. The bytes of a key in flash live only inside `node_key_load`. */
#include "node-key.h"

#include "flash-failure.h"
#include "library-failure.h"

#include <stdlib.h>
#include <string.h>

/* What AWS IoT Core takes of a device's RSA key, and what mbedTLS can hold. */
enum { RSA_LEAST_BITS = 2048, RSA_MOST_BITS = 4096 };

void node_key_init(struct node_key *key)
{
	mbedtls_pk_init(&key->pk);
	key->in_hardware = false;
	memset(&key->hardware, 0, sizeof key->hardware);
}

void node_key_free(struct node_key *key)
{
	mbedtls_pk_free(&key->pk);
	mp_wipe_stack();
	if (key->in_hardware && key->hardware.close)
		key->hardware.close(&key->hardware);
	key->in_hardware = false;
}

/*
 * EncryptedPrivateKeyInfo (RFC 5958, 3) is SEQUENCE { SEQUENCE { OID … }, OCTET STRING }; every key in clear begins with
 * a version number. A library without PKCS #5 takes it for nonsense, so it is looked at here.
 */
static bool is_encrypted_der(const unsigned char *der, size_t length)
{
	unsigned char *position = (unsigned char *)der;
	const unsigned char *end = der + length;
	size_t content;
	const int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
	if (mbedtls_asn1_get_tag(&position, end, &content, sequence) != 0 ||
	    mbedtls_asn1_get_tag(&position, end, &content, sequence) != 0)
		return false;
	const unsigned char *algorithm = position;
	position += content;
	return content > 0 && *algorithm == MBEDTLS_ASN1_OID &&
	       mbedtls_asn1_get_tag(&position, end, &content, MBEDTLS_ASN1_OCTET_STRING) == 0;
}

/* In PEM the words before the Base64 say it: of PKCS #8, and of the older forms (RFC 1421, 4.6.1.1). */
static bool is_encrypted_pem(const char *text)
{
	return strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || strstr(text, "Proc-Type: 4,ENCRYPTED");
}

static bool is_allowed(const mbedtls_pk_context *pk, struct native_failure *failure)
{
	unsigned bits = (unsigned)mbedtls_pk_get_bitlen(pk);
	switch (mp_pk_kind(pk)) {
	case MP_KEY_P256:
	case MP_KEY_P384:
		return true;
	case MP_KEY_RSA:
		if (bits >= RSA_LEAST_BITS && bits <= RSA_MOST_BITS)
			return true;
		native_failure_set(failure, bits < RSA_LEAST_BITS ? "identity.weak-key" : "identity.unsupported-key",
		                   "RSA with %u bits", bits);
		return false;
	case MP_KEY_OTHER:
		break;
	}
	native_failure_set(failure, "identity.unsupported-key", "a curve of %u bits", bits);
	return false;
}

static bool parse(struct node_key *key, const unsigned char *bytes, size_t length, struct native_failure *failure)
{
	bool pem = strstr((const char *)bytes, "-----BEGIN") != NULL;
	if (pem ? is_encrypted_pem((const char *)bytes) : is_encrypted_der(bytes, length)) {
		native_failure_set(failure, "identity.encrypted-key", NULL);
		return false;
	}
	uint32_t before = tls_memory_failures();
	/* The zero behind PEM counts; a byte behind DER would be an error. */
	int error = mp_pk_parse_key(&key->pk, bytes, pem ? length + 1 : length);
	if (!error)
		return is_allowed(&key->pk, failure);
	const char *code = mp_is_encrypted(error)     ? "identity.encrypted-key"
	                   : mp_is_unknown_key(error) ? "identity.unsupported-key"
	                                              : "identity.bad-key";
	library_failure_set(failure, error, before, code, "private key");
	return false;
}

static bool open_hardware(struct node_key *key, const char *name, struct native_failure *failure)
{
	key->in_hardware = hardware_key_open(name, &key->hardware);
	if (!key->in_hardware) {
		native_failure_set(failure, "identity.hardware-key", "no key %.80s", name);
		return false;
	}
	const struct mp_signer *signer = &key->hardware.signer;
	int error = signer->sign ? mp_pk_setup_signer(&key->pk, signer)
	                         : mp_pk_setup_psa(&key->pk, key->hardware.psa_key);
	if (error)
		native_failure_set(failure, "identity.hardware-key", "%.80s, mbedTLS -0x%04X", name, (unsigned)-error);
	return !error;
}

bool node_key_load(struct node_key *key, const char *name, struct native_failure *failure)
{
	unsigned char *bytes;
	size_t length;
	enum identity_flash_result result = identity_flash_read(name, &bytes, &length);
	if (result != IDENTITY_FLASH_OK) {
		flash_failure_set(failure, result, name, "identity.no-key");
		return false;
	}
	const size_t prefix = sizeof HARDWARE_KEY_PREFIX - 1;
	bool done = length > prefix && memcmp(bytes, HARDWARE_KEY_PREFIX, prefix) == 0
	                ? open_hardware(key, (const char *)bytes + prefix, failure)
	                : parse(key, bytes, length, failure);
	mbedtls_platform_zeroize(bytes, length);
	free(bytes);
	return done;
}

/* A key in hardware shows nothing to compare, so it has to sign, and the certificate to verify. */
static int prove(struct node_key *key, mbedtls_x509_crt *certificate)
{
	static const unsigned char digest[32] = "Fieldnode: does this key fit?";
	unsigned char *signature = calloc(1, MBEDTLS_PK_SIGNATURE_MAX_SIZE);
	size_t length = 0;
	if (!signature)
		return MBEDTLS_ERR_X509_ALLOC_FAILED;
	int error = mp_pk_sign_sha256(&key->pk, digest, signature, MBEDTLS_PK_SIGNATURE_MAX_SIZE, &length);
	if (!error && mbedtls_pk_verify(&certificate->pk, MBEDTLS_MD_SHA256, digest, sizeof digest, signature, length) != 0)
		error = MBEDTLS_ERR_PK_KEY_INVALID_FORMAT;
	free(signature);
	return error;
}

/* A node whose certificate is for another key would be refused by every server, with an alert that does not say why. */
bool node_key_fits(struct node_key *key, mbedtls_x509_crt *certificate, struct native_failure *failure)
{
	uint32_t before = tls_memory_failures();
	int error = key->in_hardware ? prove(key, certificate) : mp_pk_check_pair(&certificate->pk, &key->pk);
	if (!error)
		return true;
	if (mp_is_out_of_memory(error) || tls_memory_failures() != before)
		native_failure_set(failure, "tls.out-of-memory", "comparing key and certificate");
	else if (key->in_hardware && error != MBEDTLS_ERR_PK_KEY_INVALID_FORMAT)
		native_failure_set(failure, "identity.hardware-key", "it does not sign, error %d", error);
	else
		native_failure_set(failure, "identity.mismatch", NULL);
	return false;
}
