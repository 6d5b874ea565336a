/* The functions of mbedtls-keys.h. */
#include "mbedtls-keys.h"

#include <string.h>

#if MBEDTLS_VERSION_NUMBER < 0x04000000
#include <mbedtls/ecp.h>
#include <mbedtls/rsa.h>
#endif
#if MBEDTLS_VERSION_NUMBER < 0x03000000
#include <mbedtls/pk_internal.h>
#endif

#if MBEDTLS_VERSION_NUMBER >= 0x04000000 || defined(MBEDTLS_USE_PSA_CRYPTO)
#define MP_HAS_PSA_KEYS 1
#include <psa/crypto.h>
#else
#define MP_HAS_PSA_KEYS 0
#endif

#define CANNOT MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE

#if MBEDTLS_VERSION_NUMBER < 0x04000000 && !MP_HAS_PSA_KEYS

static enum mp_key_kind kind_of_curve(const mbedtls_pk_context *key)
{
	switch (mbedtls_pk_ec(*key)->MBEDTLS_PRIVATE(grp).id) {
	case MBEDTLS_ECP_DP_SECP256R1:
		return MP_KEY_P256;
	case MBEDTLS_ECP_DP_SECP384R1:
		return MP_KEY_P384;
	default:
		return MP_KEY_OTHER;
	}
}

enum mp_key_kind mp_pk_kind(const mbedtls_pk_context *key)
{
	switch (mbedtls_pk_get_type(key)) {
	case MBEDTLS_PK_RSA:
		return MP_KEY_RSA;
	case MBEDTLS_PK_ECKEY:
		return kind_of_curve(key);
	default:
		return MP_KEY_OTHER;
	}
}

#else

enum mp_key_kind mp_pk_kind(const mbedtls_pk_context *key)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	enum mp_key_kind kind = MP_KEY_OTHER;
	if (mbedtls_pk_get_psa_attributes(key, PSA_KEY_USAGE_VERIFY_HASH, &attributes) != 0)
		return kind;
	psa_key_type_t type = psa_get_key_type(&attributes);
	size_t bits = psa_get_key_bits(&attributes);
	if (PSA_KEY_TYPE_IS_RSA(type))
		kind = MP_KEY_RSA;
	else if (PSA_KEY_TYPE_IS_ECC(type) && PSA_KEY_TYPE_ECC_GET_FAMILY(type) == PSA_ECC_FAMILY_SECP_R1)
		kind = bits == 256 ? MP_KEY_P256 : bits == 384 ? MP_KEY_P384 : MP_KEY_OTHER;
	psa_reset_key_attributes(&attributes);
	return kind;
}

#endif

bool mp_is_encrypted(int error)
{
	return error == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || error == MBEDTLS_ERR_PK_PASSWORD_MISMATCH;
}

bool mp_is_unknown_key(int error)
{
	/* A low-level number may be added. */
	int high = -error & 0x7F80;
	return high == -MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == -MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE || high == -CANNOT;
}

int mp_pk_generate(mbedtls_pk_context *key)
{
#if MBEDTLS_VERSION_NUMBER < 0x04000000
	int error = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (error)
		return error;
	return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mp_random, NULL);
#else
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	mbedtls_svc_key_id_t id;
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 256);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT | PSA_KEY_USAGE_COPY | PSA_KEY_USAGE_SIGN_HASH |
	                                         PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
	psa_status_t status = psa_generate_key(&attributes, &id);
	if (status != PSA_SUCCESS)
		return (int)status;
	int error = mbedtls_pk_copy_from_psa(id, key);
	psa_destroy_key(id);
	return error;
#endif
}

int mp_pk_write_der(mbedtls_pk_context *key, unsigned char *buffer, size_t size)
{
	return mbedtls_pk_write_key_der(key, buffer, size);
}

int mp_pk_sign_sha256(mbedtls_pk_context *key, const unsigned char digest[32], unsigned char *signature, size_t size,
                      size_t *length)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	(void)size;
	return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, digest, 32, signature, length, mp_random, NULL);
#elif MBEDTLS_VERSION_NUMBER < 0x04000000
	return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, digest, 32, signature, size, length, mp_random, NULL);
#else
	return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, digest, 32, signature, size, length);
#endif
}

int mp_csr_write_pem(mbedtls_x509write_csr *request, unsigned char *buffer, size_t size)
{
#if MBEDTLS_VERSION_NUMBER < 0x04000000
	return mbedtls_x509write_csr_pem(request, buffer, size, mp_random, NULL);
#else
	return mbedtls_x509write_csr_pem(request, buffer, size);
#endif
}

#if MBEDTLS_VERSION_NUMBER < 0x04000000

static size_t signer_bytes(void *context)
{
	return (((const struct mp_signer *)context)->bits + 7) / 8;
}

/* An RSA signature is exactly as long as the key; mbedTLS has that much room. */
static int sign_rsa(const struct mp_signer *signer, mbedtls_md_type_t hash, const unsigned char *digest,
                    size_t digest_length, unsigned char *signature)
{
	size_t size = (signer->bits + 7) / 8, length = 0;
	int error = signer->sign(signer->context, hash, digest, digest_length, signature, size, &length);
	return error ? error : length == size ? 0 : MBEDTLS_ERR_RSA_PRIVATE_FAILED;
}

#if MBEDTLS_VERSION_NUMBER < 0x03000000

typedef const void *pk_subject;

static const struct mp_signer *signer_of(pk_subject subject)
{
	return subject;
}

static int sign_rsa_alt(void *context, int (*random)(void *, unsigned char *, size_t), void *random_context, int mode,
                        mbedtls_md_type_t hash, unsigned int digest_length, const unsigned char *digest,
                        unsigned char *signature)
{
	(void)random;
	(void)random_context;
	(void)mode;
	return sign_rsa(context, hash, digest, digest_length, signature);
}

static int sign_ec(void *subject, mbedtls_md_type_t hash, const unsigned char *digest, size_t digest_length,
                   unsigned char *signature, size_t *length, int (*random)(void *, unsigned char *, size_t),
                   void *random_context)
{
	(void)random;
	(void)random_context;
	const struct mp_signer *signer = subject;
	return signer->sign(signer->context, hash, digest, digest_length, signature, MBEDTLS_PK_SIGNATURE_MAX_SIZE, length);
}

#else

/* 3.6 keeps the table of a key's functions to itself; this is its layout (library/pk_wrap.h), the same in all of 3.6. */
struct mbedtls_pk_info_t {
	mbedtls_pk_type_t type;
	const char *name;
	size_t (*get_bitlen)(mbedtls_pk_context *key);
	int (*can_do)(mbedtls_pk_type_t type);
	void (*verify_func)(void);
	int (*sign_func)(mbedtls_pk_context *key, mbedtls_md_type_t hash, const unsigned char *digest,
	                 size_t digest_length, unsigned char *signature, size_t size, size_t *length,
	                 int (*random)(void *, unsigned char *, size_t), void *random_context);
#if defined(MBEDTLS_ECDSA_C) && defined(MBEDTLS_ECP_RESTARTABLE)
	void (*verify_rs_func)(void);
	void (*sign_rs_func)(void);
#endif
	void (*decrypt_func)(void);
	void (*encrypt_func)(void);
	void (*check_pair_func)(void);
	void *(*ctx_alloc_func)(void);
	void (*ctx_free_func)(void *context);
#if defined(MBEDTLS_ECDSA_C) && defined(MBEDTLS_ECP_RESTARTABLE)
	void (*rs_alloc_func)(void);
	void (*rs_free_func)(void);
#endif
	void (*debug_func)(void);
};

typedef mbedtls_pk_context *pk_subject;

static const struct mp_signer *signer_of(pk_subject subject)
{
	return subject->MBEDTLS_PRIVATE(pk_ctx);
}

static int sign_rsa_alt(void *context, int (*random)(void *, unsigned char *, size_t), void *random_context,
                        mbedtls_md_type_t hash, unsigned int digest_length, const unsigned char *digest,
                        unsigned char *signature)
{
	(void)random;
	(void)random_context;
	return sign_rsa(context, hash, digest, digest_length, signature);
}

static int sign_ec(mbedtls_pk_context *key, mbedtls_md_type_t hash, const unsigned char *digest, size_t digest_length,
                   unsigned char *signature, size_t size, size_t *length,
                   int (*random)(void *, unsigned char *, size_t), void *random_context)
{
	(void)random;
	(void)random_context;
	const struct mp_signer *signer = signer_of(key);
	return signer->sign(signer->context, hash, digest, digest_length, signature, size, length);
}

#endif

static size_t ec_bits(pk_subject subject)
{
	return signer_of(subject)->bits;
}

static int ec_can_do(mbedtls_pk_type_t type)
{
	return type == MBEDTLS_PK_ECDSA || type == MBEDTLS_PK_ECKEY;
}

/* The signer is not ours to free. */
static void ec_free(void *context)
{
	(void)context;
}

static const struct mbedtls_pk_info_t ec_functions = {
	.type = MBEDTLS_PK_ECDSA,
	.name = "EC by a signer",
	.get_bitlen = ec_bits,
	.can_do = ec_can_do,
	.sign_func = sign_ec,
	.ctx_free_func = ec_free,
};

int mp_pk_setup_signer(mbedtls_pk_context *key, const struct mp_signer *signer)
{
	if (signer->kind == MP_KEY_RSA)
		return mbedtls_pk_setup_rsa_alt(key, (void *)signer, NULL, sign_rsa_alt, signer_bytes);
	key->MBEDTLS_PRIVATE(pk_info) = &ec_functions;
	key->MBEDTLS_PRIVATE(pk_ctx) = (void *)signer;
	return 0;
}

void mp_ssl_conf_for_key(mbedtls_ssl_config *configuration, const mbedtls_pk_context *key)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	if (mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA_ALT)
		mbedtls_ssl_conf_max_tls_version(configuration, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	(void)configuration;
	(void)key;
#endif
}

#else

int mp_pk_setup_signer(mbedtls_pk_context *key, const struct mp_signer *signer)
{
	(void)key;
	(void)signer;
	return CANNOT;
}

void mp_ssl_conf_for_key(mbedtls_ssl_config *configuration, const mbedtls_pk_context *key)
{
	(void)configuration;
	(void)key;
}

#endif

__attribute__((noinline)) void mp_wipe_stack(void)
{
	unsigned char room[6144];
	mbedtls_platform_zeroize(room, sizeof room);
}

int mp_pk_setup_psa(mbedtls_pk_context *key, uint32_t psa_key)
{
#if MBEDTLS_VERSION_NUMBER >= 0x04000000
	return mbedtls_pk_wrap_psa(key, psa_key);
#elif MP_HAS_PSA_KEYS && MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_setup_opaque(key, psa_key);
#else
	(void)key;
	(void)psa_key;
	return CANNOT;
#endif
}
