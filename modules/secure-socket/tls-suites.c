/*
 * The cipher suites a node offers: only what AWS IoT Core lists, cheapest for the node first. On 32-bit software crypto
 * a handshake with the RSA chain costs less than half of one with the EC chain, so ECDHE-RSA comes before ECDHE-ECDSA.
 */
#include "tls-engine.h"

#include <mbedtls/ssl_ciphersuites.h>

#include <string.h>

/* RFC 8446, appendix B.4; named here because mbedTLS 2.28 does not know them. */
enum { AES_128_GCM_SHA256 = 0x1301, AES_256_GCM_SHA384 = 0x1302 };

static const struct suite {
	int id;
	int version;              /* of TLS, the only one that has the suite */
	const char *name;         /* OpenSSL's, as in AWS's documents; RFC 8446's for TLS 1.3 */
	const char *library_name; /* mbedTLS's */
} suites[] = {
	{AES_128_GCM_SHA256, 13, "TLS_AES_128_GCM_SHA256", "TLS1-3-AES-128-GCM-SHA256"},
	{AES_256_GCM_SHA384, 13, "TLS_AES_256_GCM_SHA384", "TLS1-3-AES-256-GCM-SHA384"},
	{MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 12, "ECDHE-RSA-AES128-GCM-SHA256",
     "TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256"},
	{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 12, "ECDHE-ECDSA-AES128-GCM-SHA256",
     "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"},
	{MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 12, "ECDHE-RSA-AES256-GCM-SHA384",
     "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384"},
	{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 12, "ECDHE-ECDSA-AES256-GCM-SHA384",
     "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"},
};

enum { SUITE_COUNT = sizeof suites / sizeof suites[0] };

/* The suite whose name are the `length` first characters of `name`; NULL when there is none. */
static const struct suite *find(const char *name, size_t length)
{
	for (size_t i = 0; i < SUITE_COUNT; i++)
		if (strlen(suites[i].name) == length && memcmp(suites[i].name, name, length) == 0)
			return &suites[i];
	return NULL;
}

bool tls_suites_choose(struct tls_engine *engine, const struct tls_options *options)
{
	const int newest = MP_HAS_TLS_1_3 && options->newest_version != 12 ? 13 : 12;
	const bool is_default = *options->suites == '\0';
	const char *rest = options->suites;
	int least = 13, most = 12;
	size_t count = 0;
	for (size_t i = 0; is_default ? i < SUITE_COUNT : *rest != '\0'; i++) {
		const struct suite *suite = &suites[i % SUITE_COUNT];
		if (!is_default) {
			size_t length = strcspn(rest, ",");
			suite = find(rest, length);
			rest += length + (rest[length] == ',');
		}
		if (!suite || count == TLS_SUITE_LIMIT)
			return false;
		/* A list may be for several builds of the node: what this one's versions do not have is left out. */
		if (suite->version < options->least_version || suite->version > newest)
			continue;
		engine->suites[count++] = suite->id;
		if (suite->version < least)
			least = suite->version;
		if (suite->version > most)
			most = suite->version;
	}
	engine->suites[count] = 0;
	mbedtls_ssl_conf_ciphersuites(&engine->configuration, engine->suites);
	mp_ssl_conf_offer(&engine->configuration, least, most);
	return count > 0;
}

const char *tls_suite_name(const char *library_name)
{
	for (size_t i = 0; library_name && i < SUITE_COUNT; i++)
		if (strcmp(suites[i].library_name, library_name) == 0)
			return suites[i].name;
	return "";
}
