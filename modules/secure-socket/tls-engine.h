/*
 * A TLS client without I/O: bytes from the wire go in by `feed`, bytes for the wire come out by `take`, and nothing here
 * waits, reads a clock or touches a socket. Plain C, no XS: the natives of tls-session.ts, tests and fuzzers stand on it.
 *
 * The files: tls-engine.c opens a session and moves bytes, tls-handshake.c steps the handshake, record-buffer.c keeps
 * mbedTLS's receive buffer small, tls-suites.c says what is offered, tls-verify.c judges the server's certificate,
 * tls-name.c its name, tls-key-exchange.c its signature, tls-failure.c and tls-alert.c give every end its code.
 */
#ifndef FIELDNODE_TLS_ENGINE_H
#define FIELDNODE_TLS_ENGINE_H

#include "mbedtls-port.h"
#include "../identity/native-failure.h"
#include "../identity/node-identity.h"
#include "../identity/trust-store.h"

enum {
	/* Ciphertext that waits for mbedTLS. A 16 KB record passes through in pieces: mbedTLS collects it. */
	TLS_INPUT_SIZE = 1024,
	/* Ciphertext that waits for the wire, and at its end plaintext that waits for its record. */
	TLS_OUTPUT_SIZE = 2048,
	/* A record's header, nonce, tag and inner type: 29 bytes in TLS 1.2 with GCM, 22 in TLS 1.3 (RFC 5246, 8446). */
	TLS_RECORD_OVERHEAD = 32,
	TLS_RECORD_HEADER = 5,
	/* The most that a record may say to hold: 16 KB and what encryption adds (RFC 8446, 5.2). */
	TLS_RECORD_LIMIT = 16384 + 256,
	TLS_NAME_SIZE = 128,
	TLS_ALPN_SIZE = 64,
	TLS_ALPN_LIMIT = 4,
	TLS_SUITE_LIMIT = 8,
	/*
	 * Messages without data that a server may send in a row: empty records, requests to renegotiate, and session tickets,
	 * each of which takes two turns. A server that goes on beyond keeps the node busy and gives it nothing.
	 */
	TLS_IDLE_TURNS = 64,
};

/* What a session needs to know. Texts are read during `tls_engine_open` only. */
struct tls_options {
	const char *server_name;      /* DNS name, or an IPv4 address in dots */
	struct trust_store *trust;    /* NULL: refused, `identity.no-trust` */
	struct node_identity *identity; /* NULL: no client certificate */
	const char *alpn;             /* protocol names with commas between, "" for none */
	const char *suites;           /* OpenSSL's or RFC 8446's names with commas between, "" for the default */
	int least_version;            /* 12 or 13 */
	int newest_version;           /* 12; else the newest that the library has */
	double now;                   /* ms since 1970, by the node's own clock */
};

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_FAILED, TLS_CLOSED };

/* What `step` asks for next. */
enum tls_step { TLS_STEP_FAILED = -1, TLS_STEP_READING, TLS_STEP_WRITING, TLS_STEP_OPEN };

/* What was learnt of the server's certificate while it was judged. */
struct tls_peer {
	char subject[TLS_NAME_SIZE];
	char issuer[TLS_NAME_SIZE];
	double not_before, not_after; /* ms since 1970 */
};

/* What the verify callback gathers from the root down to the leaf (tls-verify.c); then what its signature is worth. */
struct tls_judgement {
	struct native_failure failure; /* code NULL: nothing against the certificate */
	const mbedtls_x509_crt *top;
	/* The certificates nearest to the root whose dates, key or signature, and usage are not right; NULL for none. */
	const mbedtls_x509_crt *untimely, *weak, *misused;
	uint32_t flags;
	int top_depth;
	uint32_t memory_failures; /* before the step that is being made */
};

struct tls_engine {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config configuration;
	mbedtls_x509_crt_profile profile;
	struct trust_store *trust;
	struct node_identity *identity;
	enum tls_state state;
	bool has_name;        /* false: server_name is an IPv4 address, in `address` */
	bool library_open;    /* the mbedTLS structures are in use */
	bool in_turn;         /* for tls-session.c: TCP is being read or written out of a turn */
	unsigned char address[4];
	char server_name[256];
	char alpn_text[TLS_ALPN_SIZE];
	const char *alpn[TLS_ALPN_LIMIT + 1];
	int suites[TLS_SUITE_LIMIT + 1];
	double now_ms;
	bool clock_is_set;
	struct tls_peer peer;
	struct tls_judgement judgement;
	struct native_failure failure;
	uint32_t memory_failures; /* before the handshake; once it is over, before the last call of the library */
	size_t input_start, input_end;
	size_t record_left;   /* of the record that mbedTLS is reading: bytes it has not asked for yet */
	size_t buffer_limit;  /* what mbedTLS's receive buffer may grow to */
	size_t output_start, output_end;
	size_t staged;        /* plaintext at the end of `output` that waits for more of its record */
	unsigned char input[TLS_INPUT_SIZE];
	unsigned char output[TLS_OUTPUT_SIZE];
};

/*
 * Prepares a session; nothing is sent before the first step. Always returns an engine, or NULL when there is no memory
 * for one; when `failure.code` is set it can only be freed.
 */
struct tls_engine *tls_engine_open(const struct tls_options *options);

/*
 * At most one message of the handshake, and the signals around it. Whatever it returns, `take` may have something for the
 * wire: of the message, or after TLS_STEP_FAILED an alert.
 */
enum tls_step tls_engine_step(struct tls_engine *engine);

/* Bytes that `feed` would take now. */
size_t tls_engine_room(const struct tls_engine *engine);
/* Ciphertext from the wire; returns how much was taken. */
size_t tls_engine_feed(struct tls_engine *engine, const unsigned char *bytes, size_t length);
/* Ciphertext that `take` gives now. */
size_t tls_engine_ready(struct tls_engine *engine);
/* Ciphertext for the wire; returns how much there was. */
size_t tls_engine_take(struct tls_engine *engine, unsigned char *bytes, size_t length);

/* Ciphertext that waits for the wire, an alert that is still in the library included. */
size_t tls_engine_pending(const struct tls_engine *engine);

/* Plaintext that can be read now: the rest of one record. -1 after a failure, 0 when more ciphertext is needed. */
long tls_engine_readable(struct tls_engine *engine);
/* Plaintext out of the current record; -1 after a failure. */
long tls_engine_read(struct tls_engine *engine, unsigned char *bytes, size_t length);

/* Plaintext that `write` takes now, whole. */
size_t tls_engine_writable(const struct tls_engine *engine);
/*
 * Plaintext to send. With `more`, it waits for the next write and joins its record. Returns `length`, 0 when it is longer
 * than `writable`, -1 after a failure.
 */
long tls_engine_write(struct tls_engine *engine, const unsigned char *bytes, size_t length, bool more);

/* Queues close_notify when the session is open, and frees all of mbedTLS. `take` still works. */
void tls_engine_close(struct tls_engine *engine);
void tls_engine_free(struct tls_engine *engine);

/* What was agreed; valid once open. */
const char *tls_engine_suite(const struct tls_engine *engine);
const char *tls_engine_alpn(const struct tls_engine *engine);

/* --- between the engine's own files --- */

/* tls-engine.c: true when mbedTLS, which asks for ciphertext, would get some. */
bool tls_has_input(const struct tls_engine *engine);
/* tls-engine.c: the session ends by an error of mbedTLS's. */
void tls_fail(struct tls_engine *engine, int error);

/*
 * tls-suites.c: chooses the suites, and with them the versions, to offer. False when a name is none of a suite, or when
 * no suite is left.
 */
bool tls_suites_choose(struct tls_engine *engine, const struct tls_options *options);
/* tls-suites.c: the name of a suite by mbedTLS's name for it. */
const char *tls_suite_name(const char *library_name);

/* tls-verify.c: mbedTLS's verify callback; the engine is its context. */
int tls_verify(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);
/* tls-verify.c: sets `now_ms` and `clock_is_set`. */
void tls_verify_set_clock(struct tls_engine *engine, double now);

/* tls-key-exchange.c: after mbedTLS has taken the key exchange of TLS 1.2; notes in `judgement` what is wrong with it. */
void tls_judge_key_exchange(struct tls_engine *engine);

/* tls-name.c: reads an IPv4 address in dots; false when it is none. */
bool tls_name_is_address(const char *name, unsigned char address[4]);
/* tls-name.c: whether the certificate is for the engine's server, and what it is for in words. */
bool tls_name_matches(const struct tls_engine *engine, const mbedtls_x509_crt *certificate);
void tls_name_describe(const mbedtls_x509_crt *certificate, char *text, size_t size);

/* Where mbedTLS stands in its handshake. */
static inline int tls_library_state(const struct tls_engine *engine)
{
	return (int)engine->ssl.MBEDTLS_PRIVATE(state);
}

/* tls-failure.c: notes why the session ended, from mbedTLS's error number. Keeps the first failure. */
void tls_failure_from_library(struct tls_engine *engine, int error);
/* tls-alert.c: the same from the fatal alert that the server has just sent. */
void tls_failure_from_alert(struct tls_engine *engine);
/*
 * tls-alert.c: tells the server that the session has failed, when nothing does so yet. mbedTLS ends some handshakes in
 * silence, as when its own cryptography fails; the server would wait (RFC 5246, 7.2.2).
 */
void tls_alert_make_sure(struct tls_engine *engine);

#endif
