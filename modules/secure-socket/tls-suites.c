/*
 * The cipher suites a node offers: only what AWS IoT Core lists, cheapest for the node first. On 32-bit software crypto
 * a handshake with the RSA chain costs less than half of one with the EC chain, so ECDHE-RSA comes before ECDHE-ECDSA.
 */
#include "tls-engine.h"

#include <mbedtls/ssl_ciphersuites.h>

#include <string.h>

static const struct suite {
	int id;
	const char *name;         /* OpenSSL's, as in AWS's documents; RFC 8446's for TLS 1.3 */
	const char *library_name; /* mbedTLS's */
} suites[] = {
#if MP_HAS_TLS_1_3
	{MBEDTLS_TLS1_3_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", "TLS1-3-AES-128-GCM-SHA256"},
	{MBEDTLS_TLS1_3_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", "TLS1-3-AES-256-GCM-SHA384"},
#endif
	{MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256",
     "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256"},
	{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256",
     "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"},
	{MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384",
     "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384"},
	{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384",
     "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"},
};

enum { SUITE_COUNT = sizeof suites / sizeof suites[0] };

bool tls_suites_choose(struct tls_engine *engine, const char *names)
{
	size_t count = 0;
	if (*names == '\0') {
		for (size_t i = 0; i < SUITE_COUNT; i++)
			engine->suites[count++] = suites[i].id;
	}
	while (*names) {
		size_t length = strcspn(names, ",");
		size_t i = 0;
		while (i < SUITE_COUNT && (strlen(suites[i].name) != length || memcmp(suites[i].name, names, length) != 0))
			i++;
		if (i == SUITE_COUNT || count == TLS_SUITE_LIMIT)
			return false;
		engine->suites[count++] = suites[i].id;
		names += length;
		if (*names == ',')
			names++;
	}
	engine->suites[count] = 0;
	mbedtls_ssl_conf_ciphersuites(&engine->configuration, engine->suites);
	return true;
}

const char *tls_suite_name(const char *library_name)
{
	for (size_t i = 0; library_name && i < SUITE_COUNT; i++)
		if (strcmp(suites[i].library_name, library_name) == 0)
			return suites[i].name;
	return "";
}
