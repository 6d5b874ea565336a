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

/*
 * mbedTLS judges the keys of authorities by the certificate below, and curves by what TLS offers, after this callback.
 * Here each certificate's own key counts: RSA of 2048 bits, a curve of 256; the server's own curve is one of those offered.
 */
static bool is_key_weak(const mbedtls_x509_crt *certificate, int depth)
{
	size_t bits = mbedtls_pk_get_bitlen(&certificate->pk);
	if (mp_pk_is_rsa(&certificate->pk))
		return bits < 2048;
	return depth == 0 ? bits != 256 && bits != 384 : bits < 256;
}

static bool is_for_servers(const mbedtls_x509_crt *certificate)
{
	return mbedtls_x509_crt_check_extended_key_usage(certificate, MBEDTLS_OID_SERVER_AUTH,
	                                                 MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0;
}

/* Replaces the dates' flags: the library's clock is libc's on a desktop, and absent in ESP-IDF's default build. */
static void judge_dates(const struct tls_engine *engine, const mbedtls_x509_crt *certificate, uint32_t *flags)
{
	*flags &= ~(uint32_t)DATE_FLAGS;
	if (engine->now_ms > certificate_time(&certificate->valid_to))
		*flags |= MBEDTLS_X509_BADCERT_EXPIRED;
	else if (engine->now_ms < certificate_time(&certificate->valid_from))
		*flags |= MBEDTLS_X509_BADCERT_FUTURE;
}

/* Remembers the certificate nearest to the root that has each kind of fault. */
static void note_faults(struct tls_judgement *judgement, const mbedtls_x509_crt *certificate, uint32_t flags)
{
	judgement->flags |= flags;
	if (flags & DATE_FLAGS && !judgement->untimely)
		judgement->untimely = certificate;
	if (flags & WEAK_FLAGS && !judgement->weak)
		judgement->weak = certificate;
	if (flags & USAGE_FLAGS && !judgement->misused)
		judgement->misused = certificate;
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
	                   known ? "the signature is not by the key that %s has here" : "issuer %s", name);
}

static void explain_dates(struct tls_engine *engine)
{
	const mbedtls_x509_crt *certificate = engine->judgement.untimely;
	bool expired = engine->now_ms > certificate_time(&certificate->valid_to);
	const mbedtls_x509_time *limit = expired ? &certificate->valid_to : &certificate->valid_from;
	const char *code = expired ? "tls.server-expired" : "tls.server-not-yet-valid";
	char name[64];
	certificate_name_text(&certificate->subject, name, sizeof name);
	native_failure_set(&engine->judgement.failure, engine->clock_is_set ? code : "tls.clock-unset",
	                   "%s is valid %s %04d-%02d-%02d %02d:%02d UTC", name, expired ? "until" : "from", limit->year,
	                   limit->mon, limit->day, limit->hour, limit->min);
}

static void explain_weakness(struct tls_judgement *judgement, const mbedtls_x509_crt *leaf)
{
	const mbedtls_x509_crt *certificate = judgement->weak;
	char name[TLS_NAME_SIZE];
	certificate_name_text(&certificate->subject, name, sizeof name);
	/* Nothing is against the key of the first certificate that has a fault: then the hash of its signature is old. */
	if (is_key_weak(certificate, certificate == leaf ? 0 : 1))
		native_failure_set(&judgement->failure, "tls.weak-certificate", "%s has a key of %u bits, %s", name,
		                   (unsigned)mbedtls_pk_get_bitlen(&certificate->pk),
		                   mp_pk_is_rsa(&certificate->pk) ? "RSA" : "on an elliptic curve");
	else
		native_failure_set(&judgement->failure, "tls.weak-certificate", "%s is signed with an old hash", name);
}

/* All that is against the chain is known: chooses the one reason, lasting ones before those that time may cure. */
static void choose_reason(struct tls_engine *engine, const mbedtls_x509_crt *leaf)
{
	struct tls_judgement *judgement = &engine->judgement;
	struct native_failure *failure = &judgement->failure;
	uint32_t flags = judgement->flags;
	char name[TLS_NAME_SIZE];
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
		explain_no_root(engine, leaf);
	} else if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
		tls_name_describe(leaf, name, sizeof name);
		native_failure_set(failure, "tls.wrong-name", "wanted %.60s; it is for %s", engine->server_name, name);
	} else if (flags & USAGE_FLAGS) {
		certificate_name_text(&judgement->misused->subject, name, sizeof name);
		native_failure_set(failure, "tls.wrong-usage",
		                   judgement->misused == leaf ? "%s is not for servers" : "%s may not issue to servers", name);
	} else if (flags & WEAK_FLAGS) {
		explain_weakness(judgement, leaf);
	} else if (flags & DATE_FLAGS) {
		explain_dates(engine);
	} else {
		certificate_name_text(&leaf->subject, name, sizeof name);
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
	if (is_key_weak(certificate, depth))
		*flags |= MBEDTLS_X509_BADCERT_BAD_KEY;
	/* An authority that says what for it issues is held to that, as browsers and OpenSSL do; mbedTLS looks at the leaf. */
	if (!is_for_servers(certificate))
		*flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
	if (depth == 0) {
		/* Every suite of ours signs its key exchange, so the server's key must be allowed to sign (RFC 5246, 7.4.2). */
		if (mbedtls_x509_crt_check_key_usage(certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
			*flags |= MBEDTLS_X509_BADCERT_KEY_USAGE;
		if (!tls_name_matches(engine, certificate))
			*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	note_faults(judgement, certificate, *flags);
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
	/* What these point to is freed with the handshake. */
	judgement->top = judgement->untimely = judgement->weak = judgement->misused = NULL;
	return 0;
}
