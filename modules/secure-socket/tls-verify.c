/*
 * Judges the server's certificate. mbedTLS builds the chain and checks signatures, authority bits and path length; this
 * callback adds what it leaves out or does by the wrong clock, and decides on exactly one reason to give.
 *
 * It is called once for each certificate of the chain, from the root down to the server's own (depth 0). The flags that
 * it leaves decide whether the handshake ends and which alert the server is sent.
 */
#include "tls-engine.h"

#include <stdio.h>
#include <string.h>

/* 2024-01-01: no node of this firmware was awake before, so an earlier clock was never set. */
static const double earliest_clock = 1704067200000.0;

enum { DATE_FLAGS = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE };
enum { WEAK_FLAGS = MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY };
enum {
	USAGE_FLAGS = MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
	              MBEDTLS_X509_BADCERT_NS_CERT_TYPE
};

void tls_verify_set_clock(struct tls_engine *engine, double now)
{
	engine->clock_is_set = now >= earliest_clock;
	engine->now_ms = now;
}

static bool is_weak_curve(const mbedtls_x509_crt *certificate)
{
	return !mp_pk_is_rsa(&certificate->pk) && mbedtls_pk_get_bitlen(&certificate->pk) < 256;
}

/* Replaces the dates' flags: the library's clock is libc's on a desktop, and absent in ESP-IDF's default build. */
static void judge_dates(struct tls_engine *engine, const mbedtls_x509_crt *certificate, uint32_t *flags)
{
	struct tls_judgement *judgement = &engine->judgement;
	*flags &= ~(uint32_t)DATE_FLAGS;
	if (engine->now_ms > certificate_time(&certificate->valid_to))
		*flags |= MBEDTLS_X509_BADCERT_EXPIRED;
	else if (engine->now_ms < certificate_time(&certificate->valid_from))
		*flags |= MBEDTLS_X509_BADCERT_FUTURE;
	if ((*flags & DATE_FLAGS) == 0 || judgement->date_detail[0] != '\0')
		return;
	char name[64];
	certificate_name_text(&certificate->subject, name, sizeof name);
	judgement->expired = (*flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0;
	const mbedtls_x509_time *limit = judgement->expired ? &certificate->valid_to : &certificate->valid_from;
	snprintf(judgement->date_detail, sizeof judgement->date_detail, "%s is valid %s %04d-%02d-%02d %02d:%02d UTC", name,
	         judgement->expired ? "until" : "from", limit->year, limit->mon, limit->day, limit->hour, limit->min);
}

static bool same_name(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* Why `issuer`, whose name is right, does not count as the issuer of the chain's top; NULL when its key is not the one. */
static const char *flaw_of(const mbedtls_x509_crt *issuer, int depth)
{
	if (!issuer->MBEDTLS_PRIVATE(ca_istrue))
		return "is no certificate authority";
	if (mbedtls_x509_crt_check_key_usage(issuer, MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0)
		return "may not sign certificates";
	/* mbedTLS keeps the limit plus one, and 0 for no limit. */
	int limit = issuer->MBEDTLS_PRIVATE(max_pathlen);
	if (limit > 0 && limit < depth + 1)
		return "allows no chain of this length";
	return NULL;
}

/* The chain does not end at a trusted root: looks among what was sent and what is trusted for the nearest cause. */
static void explain_no_root(struct tls_engine *engine, const mbedtls_x509_crt *leaf)
{
	struct tls_judgement *judgement = &engine->judgement;
	const mbedtls_x509_buf *wanted = &judgement->top->issuer_raw;
	char name[TLS_NAME_SIZE];
	certificate_name_text(&judgement->top->issuer, name, sizeof name);
	const mbedtls_x509_crt *lists[] = {leaf->next, &engine->trust->roots};
	bool known = false;
	for (int i = 0; i < 2; i++)
		for (const mbedtls_x509_crt *issuer = lists[i]; issuer; issuer = issuer->next) {
			if (issuer == judgement->top || !same_name(&issuer->subject_raw, wanted))
				continue;
			const char *flaw = flaw_of(issuer, judgement->top_depth);
			if (flaw) {
				native_failure_set(&judgement->failure, "tls.wrong-usage", "%s %s", name, flaw);
				return;
			}
			known = true;
		}
	native_failure_set(&judgement->failure, "tls.unknown-root",
	                   known ? "a trusted root has the name %s, but another key" : "issuer %s", name);
}

/* All that is against the chain is known: chooses the one reason, lasting ones before those that time may cure. */
static void choose_reason(struct tls_engine *engine, const mbedtls_x509_crt *leaf)
{
	struct tls_judgement *judgement = &engine->judgement;
	struct native_failure *failure = &judgement->failure;
	uint32_t flags = judgement->flags;
	char name[TLS_NAME_SIZE];
	certificate_name_text(&leaf->subject, name, sizeof name);
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
		explain_no_root(engine, leaf);
	} else if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
		char names[TLS_NAME_SIZE];
		tls_name_describe(leaf, names, sizeof names);
		native_failure_set(failure, "tls.wrong-name", "wanted %.60s; it is for %s", engine->server_name, names);
	} else if (flags & USAGE_FLAGS) {
		native_failure_set(failure, "tls.wrong-usage", "%s is not for servers", name);
	} else if (flags & WEAK_FLAGS) {
		native_failure_set(failure, "tls.weak-certificate", "chain of %s", name);
	} else if (flags & DATE_FLAGS) {
		const char *code = judgement->expired ? "tls.server-expired" : "tls.server-not-yet-valid";
		native_failure_set(failure, engine->clock_is_set ? code : "tls.clock-unset", "%s", judgement->date_detail);
	} else {
		native_failure_set(failure, "tls.bad-certificate", "%s, flags 0x%X", name, (unsigned)flags);
	}
}

int tls_verify(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct tls_engine *engine = context;
	struct tls_judgement *judgement = &engine->judgement;
	if (!judgement->top || depth > judgement->top_depth) {
		judgement->top = certificate;
		judgement->top_depth = depth;
	}
	judge_dates(engine, certificate, flags);
	if (is_weak_curve(certificate))
		*flags |= MBEDTLS_X509_BADCERT_BAD_KEY;
	if (depth == 0) {
		/* Every suite of ours signs its key exchange, so the server's key must be allowed to sign (RFC 5246, 7.4.2). */
		if (mbedtls_x509_crt_check_key_usage(certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
			*flags |= MBEDTLS_X509_BADCERT_KEY_USAGE;
		if (mbedtls_x509_crt_check_extended_key_usage(certificate, MBEDTLS_OID_SERVER_AUTH,
		                                              MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
			*flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
		if (!tls_name_matches(engine, certificate))
			*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	judgement->flags |= *flags;
	if (depth > 0)
		return 0;
	/* Memory that ran out inside the check looks like an unknown root; the counter alone tells. */
	if (tls_memory_failures() != judgement->memory_failures)
		return MBEDTLS_ERR_X509_ALLOC_FAILED;
	certificate_name_text(&certificate->subject, engine->peer.subject, sizeof engine->peer.subject);
	certificate_name_text(&certificate->issuer, engine->peer.issuer, sizeof engine->peer.issuer);
	engine->peer.not_before = certificate_time(&certificate->valid_from);
	engine->peer.not_after = certificate_time(&certificate->valid_to);
	if (judgement->flags)
		choose_reason(engine, certificate);
	judgement->top = NULL;
	return 0;
}
