/*
 * Feeds the TLS engine what a fuzzer makes of a server's recorded answers: the handshake, and the open session behind it.
 *
 * An input is one byte of choices and then the server's bytes. With OPEN_RECORDS the records that a server encrypts carry
 * plaintext, so that the fuzzer reaches what lies behind the tag; without, they are what they were on the wire.
 */
#include "fixed-library.h"
#include "memory-flash.h"
#include "server-answer.h"

#include "../../modules/secure-socket/tls-engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum choice { OPEN_RECORDS = 1, NO_IDENTITY = 2, ALPN = 4, ONE_BYTE_AT_A_TIME = 8, SEND = 16 };

/* More turns than any server's bytes can ask for: beyond, the engine runs in circles. */
enum { TURN_LIMIT = 1 << 20 };

static struct trust_store *trust;
static struct node_identity *identity;

/* Key, certificate and roots are the node's all the time; what they cost to load would hide what is looked for. */
static void start(void)
{
	struct native_failure failure = {0};
	memory_flash_restore();
	trust = trust_store_from_flash(&failure);
	identity = trust ? node_identity_load(IDENTITY_SLOT_ACTIVE, &failure) : NULL;
	if (!identity) {
		fprintf(stderr, "%s %s\n", failure.code, failure.detail);
		exit(1);
	}
}

struct tls_engine *open_session(unsigned choices)
{
	if (!trust)
		start();
	fixed_library_restart();
	struct tls_options options = {
		.server_name = "server.test",
		.trust = trust,
		.identity = choices & NO_IDENTITY ? NULL : identity,
		.alpn = choices & ALPN ? "x-amzn-mqtt-ca" : "",
		.suites = "",
		.least_version = 12,
		/* A day of the certificates' life, whenever this runs. */
		.now = certificate_time(&identity->certificates.valid_from) + 172800000.0,
	};
	return tls_engine_open(&options);
}

/* A promise of tls-engine.h that was broken. */
static void broken(const char *promise)
{
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

static void drain(struct tls_engine *engine)
{
	unsigned char bytes[500];
	for (int turns = 0; tls_engine_take(engine, bytes, sizeof bytes) > 0; turns++)
		if (turns == TURN_LIMIT)
			broken("output ends");
}

/* Reads what there is; false when the session ended. */
static bool exchange(struct tls_engine *engine, bool send)
{
	unsigned char bytes[300];
	long count;
	while ((count = tls_engine_read(engine, bytes, sizeof bytes)) > 0)
		if (count > (long)sizeof bytes)
			broken("a read gives no more than was asked for");
	if (count < 0)
		return false;
	if (!send || tls_engine_writable(engine) < sizeof bytes)
		return true;
	return tls_engine_write(engine, bytes, sizeof bytes, false) > 0;
}

/* Runs a session on a server's bytes until they are used up or it ends; returns the state it was in then. */
static enum tls_state run(struct tls_engine *engine, unsigned choices, const unsigned char *bytes, size_t length)
{
	for (int turns = 0; turns < TURN_LIMIT; turns++) {
		enum tls_step step = tls_engine_step(engine);
		drain(engine);
		if (step == TLS_STEP_FAILED)
			return engine->state;
		if (step == TLS_STEP_WRITING)
			continue;
		if (step == TLS_STEP_OPEN && !exchange(engine, choices & SEND)) {
			drain(engine);
			return engine->state;
		}
		size_t count = choices & ONE_BYTE_AT_A_TIME && length > 0 ? 1 : length;
		size_t taken = tls_engine_feed(engine, bytes, count);
		if (taken == 0)
			return engine->state;
		bytes += taken;
		length -= taken;
	}
	broken("a session ends or asks for more");
	return TLS_FAILED;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t length)
{
	if (length == 0)
		return 0;
	unsigned choices = bytes[0];
	fixed_library_open_records(choices & OPEN_RECORDS);
	struct tls_engine *engine = open_session(choices);
	enum tls_state state = run(engine, choices, bytes + 1, length - 1);
	if (state == TLS_FAILED && !engine->failure.code)
		broken("a session that failed says why");
	if (state != TLS_FAILED && engine->failure.code)
		broken("a session that goes on has no failure");
	if (getenv("FIELDNODE_FUZZ_TELL"))
		fprintf(stderr, "ended with %s\n", engine->failure.code ? engine->failure.code : "nothing");
	tls_engine_close(engine);
	drain(engine);
	if (tls_engine_pending(engine) > 0)
		broken("a closed session's bytes can be taken");
	tls_engine_free(engine);
	return 0;
}

/* With FIELDNODE_FUZZ_RECORD=PORT:FILE the target talks to that server instead, and writes its answer as two seeds. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	const char *wanted = getenv("FIELDNODE_FUZZ_RECORD");
	const char *file = wanted ? strchr(wanted, ':') : NULL;
	if (!file)
		return 0;
	struct tls_engine *engine = open_session(0);
	bool opened = record_answer(engine, atoi(wanted), file + 1, OPEN_RECORDS);
	if (!opened)
		fprintf(stderr, "%s %s\n", engine->failure.code, engine->failure.detail);
	tls_engine_free(engine);
	node_identity_release(identity);
	trust_store_release(trust);
	exit(opened ? 0 : 1);
}
