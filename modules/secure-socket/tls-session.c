/* The natives of tls-session.ts: XS values in and out of the engine. */
#include "tls-engine.h"
#include "../identity/identity-host.h"

#include <stdlib.h>

/* What `text` is asked for; the numbers stand in tls-session.ts too. */
enum session_text { TEXT_SUITE, TEXT_ALPN, TEXT_SUBJECT, TEXT_ISSUER };
enum { NAMES_SIZE = 256 };

void xs_tls_session_destructor(void *data)
{
	if (data)
		tls_engine_free(data);
}

static const xsHostHooks session_hooks = {.destructor = xs_tls_session_destructor};

/* The engine, or NULL once the session is closed and all of it is on the wire. */
static struct tls_engine *engine_of(xsMachine *the)
{
	return xsmcGetHostDataValidate(xsThis, (void *)&session_hooks);
}

/* Frees a closed session once its last bytes are on the wire; every call after that is one on a closed session. */
static void free_when_done(xsMachine *the, struct tls_engine *engine)
{
	if (engine->state != TLS_CLOSED || tls_engine_pending(engine) > 0)
		return;
	xsmcSetHostData(xsThis, NULL);
	tls_engine_free(engine);
}

/* (serverName, trust, identity | undefined, alpn, suites, least version, now, newest version) → whether there is an engine */
void xs_tls_session_open(xsMachine *the)
{
	char name[NAMES_SIZE], alpn[NAMES_SIZE], suites[NAMES_SIZE];
	xsmcSetHostData(xsThis, NULL);
	xsSetHostHooks(xsThis, &session_hooks);
	xsmcToStringBuffer(xsArg(0), name, sizeof name);
	xsmcToStringBuffer(xsArg(3), alpn, sizeof alpn);
	xsmcToStringBuffer(xsArg(4), suites, sizeof suites);
	struct tls_options options = {
		.server_name = name,
		.trust = xsmcTest(xsArg(1)) ? trust_anchors_of(the, &xsArg(1)) : NULL,
		.identity = xsmcTest(xsArg(2)) ? identity_of(the, &xsArg(2)) : NULL,
		.alpn = alpn,
		.suites = suites,
		.least_version = xsmcToInteger(xsArg(5)),
		.now = xsmcToNumber(xsArg(6)),
		.newest_version = xsmcToInteger(xsArg(7)),
	};
	struct tls_engine *engine = tls_engine_open(&options);
	xsmcSetHostData(xsThis, engine);
	xsmcSetBoolean(xsResult, engine && !engine->failure.code);
}

/* () → "" or why the session ended, as native-failure.ts reads it */
void xs_tls_session_failure(xsMachine *the)
{
	struct native_failure no_memory = {.code = "tls.out-of-memory", .detail = ""};
	struct tls_engine *engine = engine_of(the);
	char text[NATIVE_FAILURE_TEXT];
	native_failure_text(engine ? &engine->failure : &no_memory, text);
	xsmcSetString(xsResult, text);
}

/* () → enum tls_step */
void xs_tls_session_step(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	xsmcSetInteger(xsResult, engine ? tls_engine_step(engine) : TLS_STEP_FAILED);
}

void xs_tls_session_room(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_room(engine) : 0);
}

/* (bytes) → how many were taken */
void xs_tls_session_feed(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	void *bytes;
	xsUnsignedValue length;
	xsmcGetBufferReadable(xsArg(0), &bytes, &length);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_feed(engine, bytes, length) : 0);
}

/* (into) → how many bytes were put there */
void xs_tls_session_take(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	void *bytes;
	xsUnsignedValue length;
	xsmcGetBufferWritable(xsArg(0), &bytes, &length);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_take(engine, bytes, length) : 0);
	if (engine)
		free_when_done(the, engine);
}

void xs_tls_session_pending(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_pending(engine) : 0);
}

/* () → plaintext bytes to read, or -1 */
void xs_tls_session_readable(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_readable(engine) : 0);
}

/* (into) → how many bytes were put there, or -1 */
void xs_tls_session_read(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	void *bytes;
	xsUnsignedValue length;
	xsmcGetBufferWritable(xsArg(0), &bytes, &length);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_read(engine, bytes, length) : 0);
}

void xs_tls_session_writable(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_writable(engine) : 0);
}

/* (bytes, more) → how many were taken: all or none, or -1 */
void xs_tls_session_write(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	void *bytes;
	xsUnsignedValue length;
	bool more = xsmcToBoolean(xsArg(1));
	xsmcGetBufferReadable(xsArg(0), &bytes, &length);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_write(engine, bytes, length, more) : -1);
}

void xs_tls_session_close(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	if (!engine)
		return;
	tls_engine_close(engine);
	free_when_done(the, engine);
}

static struct tls_engine *open_engine_of(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	if (!engine || engine->state != TLS_OPEN)
		xsTypeError("the session is not open");
	return engine;
}

/* (what) → text */
void xs_tls_session_text(xsMachine *the)
{
	struct tls_engine *engine = open_engine_of(the);
	switch (xsmcToInteger(xsArg(0))) {
	case TEXT_SUITE:
		xsmcSetString(xsResult, (char *)tls_engine_suite(engine));
		break;
	case TEXT_ALPN:
		xsmcSetString(xsResult, (char *)tls_engine_alpn(engine));
		break;
	case TEXT_SUBJECT:
		xsmcSetString(xsResult, engine->peer.subject);
		break;
	case TEXT_ISSUER:
		xsmcSetString(xsResult, engine->peer.issuer);
		break;
	}
}

/* () → 12 or 13 */
void xs_tls_session_version(xsMachine *the)
{
	xsmcSetInteger(xsResult, mp_ssl_version(&open_engine_of(the)->ssl));
}

/* which (0: beginning, 1: end of the server's certificate) → ms since 1970 */
void xs_tls_session_time(xsMachine *the)
{
	const struct tls_peer *peer = &open_engine_of(the)->peer;
	xsmcSetNumber(xsResult, xsmcToInteger(xsArg(0)) == 0 ? peer->not_before : peer->not_after);
}
