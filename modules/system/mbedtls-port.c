/* The functions of mbedtls-port.h: what differs between mbedTLS 2.28, 3.6 and 4.x. */
#include "mbedtls-port.h"

#include <stdlib.h>

#if MBEDTLS_VERSION_NUMBER < 0x04000000
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#define MP_HAS_DRBG 1
#else
#define MP_HAS_DRBG 0
#endif

#if MBEDTLS_VERSION_NUMBER >= 0x03060000 && defined(MBEDTLS_PSA_CRYPTO_C)
#include <psa/crypto.h>
#define MP_HAS_PSA 1
#else
#define MP_HAS_PSA 0
#endif

#if defined(ESP_PLATFORM)
#include "esp_heap_caps.h"
#endif

static struct {
	unsigned users;
#if MP_HAS_DRBG
	mbedtls_ctr_drbg_context drbg;
#endif
} random_state;

#if defined(ESP_PLATFORM)

static volatile uint32_t failed_allocations;

static void count_failed_allocation(size_t size, uint32_t capabilities, const char *function)
{
	(void)size;
	(void)capabilities;
	(void)function;
	failed_allocations++;
}

uint32_t tls_memory_failures(void)
{
	return failed_allocations;
}

#else

/* A desktop does not count by itself; a program that replaces `calloc` may define this function and do so. */
__attribute__((weak)) uint32_t tls_memory_failures(void)
{
	return 0;
}

#endif

#if MP_HAS_DRBG
/*
 * Seeds the generator. The collector lives only for the moment of seeding: it is 38 KB in Debian's 2.28, more than
 * everything else of a session.
 */
static int gather_entropy(void *context, unsigned char *output, size_t length)
{
	(void)context;
	mbedtls_entropy_context *entropy = calloc(1, sizeof *entropy);
	if (!entropy)
		return MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
	mbedtls_entropy_init(entropy);
	int error = mbedtls_entropy_func(entropy, output, length);
	mbedtls_entropy_free(entropy);
	free(entropy);
	return error;
}
#endif

int mp_random_acquire(void)
{
	if (random_state.users > 0) {
		random_state.users++;
		return 0;
	}
#if defined(ESP_PLATFORM)
	heap_caps_register_failed_alloc_callback(count_failed_allocation);
#endif
#if MP_HAS_PSA
	psa_status_t status = psa_crypto_init();
	if (status != PSA_SUCCESS)
		return (int)status;
#endif
#if MP_HAS_DRBG
	static const unsigned char purpose[] = "fieldnode";
	mbedtls_ctr_drbg_init(&random_state.drbg);
	int error = mbedtls_ctr_drbg_seed(&random_state.drbg, gather_entropy, NULL, purpose, sizeof purpose);
	if (error) {
		mbedtls_ctr_drbg_free(&random_state.drbg);
#if MP_HAS_PSA
		mbedtls_psa_crypto_free();
#endif
		return error;
	}
#endif
	random_state.users = 1;
	return 0;
}

void mp_random_release(void)
{
	if (random_state.users == 0 || --random_state.users > 0)
		return;
#if MP_HAS_DRBG
	mbedtls_ctr_drbg_free(&random_state.drbg);
#endif
	/* On an ESP32 PSA was started by the system and serves others too. */
#if MP_HAS_PSA && !defined(ESP_PLATFORM)
	mbedtls_psa_crypto_free();
#endif
}

int mp_random(void *context, unsigned char *output, size_t length)
{
	(void)context;
#if MP_HAS_DRBG
	return mbedtls_ctr_drbg_random(&random_state.drbg, output, length);
#else
	return (int)psa_generate_random(output, length);
#endif
}

bool mp_is_out_of_memory(int error)
{
	if (error >= 0)
		return false;
#if MP_HAS_PSA
	if (error == PSA_ERROR_INSUFFICIENT_MEMORY)
		return true;
#endif
#if MBEDTLS_VERSION_NUMBER < 0x04000000
	/* A low-level number (bignum 0x10, ASN.1 0x6A) is added to a high-level one. */
	int low = -error & 0x7F;
	if (low == 0x10 || low == 0x6A)
		return true;
	/* ECP 0x4D80, MD 0x5180, cipher 0x6180, SSL 0x7F00, X.509 0x2880, PK 0x3F80 */
	switch (-error & 0x7F80) {
	case 0x4D80:
	case 0x5180:
	case 0x6180:
	case 0x7F00:
	case 0x2880:
	case 0x3F80:
		return true;
	default:
		return false;
	}
#else
	return false;
#endif
}

bool mp_is_out_of_randomness(int error)
{
	/* Errors that have a name in some versions only, or one of PSA's. */
	enum {
		CTR_DRBG_ENTROPY_SOURCE_FAILED = -0x0034,
		ENTROPY_SOURCE_FAILED = -0x003C,
		ENTROPY_NO_STRONG_SOURCE = -0x003D,
		ENTROPY_NO_SOURCES_DEFINED = -0x0040,
		PSA_INSUFFICIENT_ENTROPY = -148,
	};
	switch (error) {
	case MBEDTLS_ERR_SSL_NO_RNG:
	case CTR_DRBG_ENTROPY_SOURCE_FAILED:
	case ENTROPY_SOURCE_FAILED:
	case ENTROPY_NO_STRONG_SOURCE:
	case ENTROPY_NO_SOURCES_DEFINED:
	case PSA_INSUFFICIENT_ENTROPY:
		return true;
	default:
		return false;
	}
}

int mp_pk_parse_key(mbedtls_pk_context *key, const unsigned char *der, size_t length)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
	return mbedtls_pk_parse_key(key, der, length, NULL, 0, mp_random, NULL);
#else
	return mbedtls_pk_parse_key(key, der, length, NULL, 0);
#endif
}

int mp_pk_check_pair(const mbedtls_pk_context *public_key, const mbedtls_pk_context *private_key)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x04000000
	return mbedtls_pk_check_pair(public_key, private_key, mp_random, NULL);
#else
	return mbedtls_pk_check_pair(public_key, private_key);
#endif
}

bool mp_pk_is_rsa(const mbedtls_pk_context *key)
{
#if MBEDTLS_VERSION_NUMBER < 0x04000000
	return mbedtls_pk_can_do(key, MBEDTLS_PK_RSA);
#else
	return mbedtls_pk_can_do_psa(key, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256), PSA_KEY_USAGE_VERIFY_HASH);
#endif
}

#if MBEDTLS_VERSION_NUMBER < 0x03000000
/* What mbedTLS makes of the three hashes below: RSA and ECDSA with each. */
static const uint16_t signatures[] = {0x0401, 0x0403, 0x0501, 0x0503, 0x0601, 0x0603, 0};
#else
/*
 * PSS last: TLS 1.3 cannot do without, and whoever offers both versions offers it for both, but mbedTLS refuses it in
 * TLS 1.2. Where TLS 1.3 is not offered mbedTLS leaves it out.
 */
static const uint16_t signatures[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                      MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
                                      MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
                                      MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
                                      MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
                                      MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
                                      MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
                                      MBEDTLS_TLS1_3_SIG_NONE};
#endif

bool mp_ssl_is_offered(unsigned signature)
{
	for (const uint16_t *each = signatures; *each; each++)
		if (*each == signature)
			return true;
	return false;
}

void mp_ssl_conf_offer(mbedtls_ssl_config *configuration, int least, int most)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	static const mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
	                                              MBEDTLS_ECP_DP_NONE};
	static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};
	(void)least;
	(void)most;
	mbedtls_ssl_conf_min_version(configuration, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(configuration, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_curves(configuration, curves);
	mbedtls_ssl_conf_sig_hashes(configuration, hashes);
	mbedtls_ssl_conf_rng(configuration, mp_random, NULL);
#else
	static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
	                                  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
	mbedtls_ssl_conf_min_tls_version(configuration,
	                                 least >= 13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(configuration,
	                                 most >= 13 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_groups(configuration, groups);
	mbedtls_ssl_conf_sig_algs(configuration, signatures);
#if MP_HAS_DRBG
	mbedtls_ssl_conf_rng(configuration, mp_random, NULL);
#endif
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
	mbedtls_ssl_conf_renegotiation(configuration, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
	mbedtls_ssl_conf_session_tickets(configuration, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
}

bool mp_ssl_is_over(const mbedtls_ssl_context *ssl)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	return ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER;
#else
	return mbedtls_ssl_is_handshake_over((mbedtls_ssl_context *)ssl) != 0;
#endif
}

int mp_ssl_version(const mbedtls_ssl_context *ssl)
{
#if MBEDTLS_VERSION_NUMBER < 0x03000000
	return ssl->minor_ver == MBEDTLS_SSL_MINOR_VERSION_3 ? 12 : 0;
#else
	switch (mbedtls_ssl_get_version_number(ssl)) {
	case MBEDTLS_SSL_VERSION_TLS1_2:
		return 12;
	case MBEDTLS_SSL_VERSION_TLS1_3:
		return 13;
	default:
		return 0;
	}
#endif
}

#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
/* Whether the server has signed, by the state that follows: its key has done what it is for. */
static bool has_server_signed(const mbedtls_ssl_context *ssl)
{
	int state = (int)ssl->MBEDTLS_PRIVATE(state);
	return mp_ssl_is_over(ssl) ||
	       state == (mp_ssl_version(ssl) == 13 ? MBEDTLS_SSL_SERVER_FINISHED : MBEDTLS_SSL_CERTIFICATE_REQUEST);
}
#endif

void mp_ssl_forget_certificates(mbedtls_ssl_context *ssl)
{
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
	mbedtls_ssl_session *session = ssl->MBEDTLS_PRIVATE(session_negotiate);
	mbedtls_x509_crt *own = session ? session->MBEDTLS_PRIVATE(peer_cert) : NULL;
	if (!own)
		return;
	mbedtls_pk_context key = own->pk;
	mbedtls_pk_init(&own->pk);
	mbedtls_x509_crt_free(own);
	mbedtls_x509_crt_init(own);
	own->pk = key;
	if (!has_server_signed(ssl))
		return;
	mbedtls_x509_crt_free(own);
	mbedtls_free(own);
	session->MBEDTLS_PRIVATE(peer_cert) = NULL;
#else
	(void)ssl;
#endif
}

bool mp_is_ticket(int error)
{
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
	return error == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
	(void)error;
	return false;
#endif
}

int mp_ssl_alert(const mbedtls_ssl_context *ssl)
{
#if MBEDTLS_VERSION_NUMBER >= 0x04010000
	int alert = mbedtls_ssl_get_fatal_alert(ssl);
	return alert >= 0 ? alert : -1;
#else
	if (ssl->MBEDTLS_PRIVATE(in_msgtype) != MBEDTLS_SSL_MSG_ALERT || ssl->MBEDTLS_PRIVATE(in_msglen) < 2)
		return -1;
	return ssl->MBEDTLS_PRIVATE(in_msg)[1];
#endif
}
