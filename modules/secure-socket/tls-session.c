/* The natives of tls-session.ts: XS values in and out of the engine. */
#include "tls-engine.h"
#include "../identity/identity-host.h"

#include <stdlib.h>

/* What `text` is asked for; the numbers stand in tls-session.ts too. */
enum session_text { TEXT_SUITE, TEXT_ALPN, TEXT_SUBJECT, TEXT_ISSUER };

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
	xsmcSetHostData(xsThis, NULL);
	xsSetHostHooks(xsThis, &session_hooks);
	struct tls_options options = {
		.trust = xsmcTest(xsArg(1)) ? trust_anchors_of(the, &xsArg(1)) : NULL,
		.identity = xsmcTest(xsArg(2)) ? identity_of(the, &xsArg(2)) : NULL,
		.least_version = xsmcToInteger(xsArg(5)),
		.now = xsmcToNumber(xsArg(6)),
		.newest_version = xsmcToInteger(xsArg(7)),
	};
	/* Making one a text may move another: all are texts before the first is kept. */
	xsmcToString(xsArg(0));
	xsmcToString(xsArg(3));
	xsmcToString(xsArg(4));
	options.server_name = xsmcToString(xsArg(0));
	options.alpn = xsmcToString(xsArg(3));
	options.suites = xsmcToString(xsArg(4));
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

/* What a step or a turn answers; the numbers stand in tls-session.ts too. */
enum { ANSWER_READING, ANSWER_WRITING, ANSWER_OPEN, ANSWER_FAILED, ANSWER_SENDING, ANSWER_AGAIN, ANSWER_BUSY };

static int make_step(struct tls_engine *engine)
{
	static const int answers[] = {
		[TLS_STEP_READING] = ANSWER_READING,
		[TLS_STEP_WRITING] = ANSWER_WRITING,
		[TLS_STEP_OPEN] = ANSWER_OPEN,
	};
	enum tls_step step = engine ? tls_engine_step(engine) : TLS_STEP_FAILED;
	return step == TLS_STEP_FAILED ? ANSWER_FAILED : answers[step];
}

/* () → what to do next, plus ANSWER_SENDING when there is something for the wire */
void xs_tls_session_step(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	int answer = make_step(engine);
	if (engine && tls_engine_pending(engine) > 0)
		answer += ANSWER_SENDING;
	xsmcSetInteger(xsResult, answer);
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

/* (limit) → an ArrayBuffer of what there is for the wire, `limit` bytes at most; undefined when there is nothing */
void xs_tls_session_take(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	if (!engine)
		return;
	size_t limit = (size_t)xsmcToInteger(xsArg(0)), length = tls_engine_ready(engine);
	if (length > limit)
		length = limit;
	if (length > 0) {
		xsmcSetArrayBuffer(xsResult, NULL, (xsIntegerValue)length);
		tls_engine_take(engine, xsmcToArrayBuffer(xsResult), length);
	}
	free_when_done(the, engine);
}

void xs_tls_session_pending(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	xsmcSetInteger(xsResult, engine ? (xsIntegerValue)tls_engine_pending(engine) : 0);
}

/*
 * The ways between a TCP socket and the session. They are gone for every message, and in JavaScript each would cost three
 * calls and a view. What TCP does may close the session, so that is looked up again after it.
 */

/* Gives the session what it has room for of the bytes that TCP holds; returns how many that holds then, -1 when it threw. */
static xsIntegerValue fill(xsMachine *the, xsSlot *tcp, xsIntegerValue arrived)
{
	struct tls_engine *engine = engine_of(the);
	xsIntegerValue count = engine ? (xsIntegerValue)tls_engine_room(engine) : 0;
	volatile xsIntegerValue left = arrived;
	if (count > arrived)
		count = arrived;
	if (count <= 0)
		return arrived;
	xsTry {
		xsmcSetInteger(xsVar(0), count);
		xsmcCall(xsVar(1), *tcp, xsID_read, &xsVar(0), NULL);
		left = 0;
		engine = engine_of(the);
		if (engine && xsmcTypeOf(xsVar(1)) == xsReferenceType) {
			void *bytes;
			xsUnsignedValue length;
			xsmcGetBufferReadable(xsVar(1), &bytes, &length);
			tls_engine_feed(engine, bytes, length);
			left = arrived - count;
		}
	}
	xsCatch {
		left = -1;
	}
	return left;
}

/* Gives TCP, which takes `room` bytes, what there is for the wire; returns how many may follow, -1 when it threw. */
static xsIntegerValue flush(xsMachine *the, xsSlot *tcp, xsIntegerValue room)
{
	struct tls_engine *engine = engine_of(the);
	xsIntegerValue count = engine ? (xsIntegerValue)tls_engine_ready(engine) : 0;
	volatile xsIntegerValue left = -1;
	if (count > room)
		count = room;
	if (count <= 0)
		return room;
	xsTry {
		xsmcSetArrayBuffer(xsVar(0), NULL, count);
		tls_engine_take(engine, xsmcToArrayBuffer(xsVar(0)), (size_t)count);
		xsmcCall(xsVar(1), *tcp, xsID_write, &xsVar(0), NULL);
		xsType kind = xsmcTypeOf(xsVar(1));
		left = kind == xsIntegerType || kind == xsNumberType ? xsmcToInteger(xsVar(1)) : room - count;
	}
	xsCatch {
	}
	engine = engine_of(the);
	if (engine)
		free_when_done(the, engine);
	return left;
}

/* (tcp, arrived) → arrived */
void xs_tls_session_fill(xsMachine *the)
{
	xsmcVars(2);
	xsmcSetInteger(xsResult, fill(the, &xsArg(0), xsmcToInteger(xsArg(1))));
}

/* (tcp, room) → room */
void xs_tls_session_flush(xsMachine *the)
{
	xsmcVars(2);
	xsmcSetInteger(xsResult, flush(the, &xsArg(0), xsmcToInteger(xsArg(1))));
}

static xsIntegerValue count_of(xsMachine *the, xsIdentifier name)
{
	xsmcGet(xsVar(0), xsArg(0), name);
	return xsmcToInteger(xsVar(0));
}

/* Notes in the wire, which is the first argument, how many bytes TCP holds or takes; -1: it has ended. */
static void set_count(xsMachine *the, xsIdentifier name, xsIntegerValue count)
{
	if (count < 0) {
		xsmcSetTrue(xsVar(0));
		xsmcSet(xsArg(0), xsID_hasEnded, xsVar(0));
		count = 0;
	}
	xsmcSetInteger(xsVar(0), count);
	xsmcSet(xsArg(0), name, xsVar(0));
}

/* (wire, tcp) → what to do next */
void xs_tls_session_turn(xsMachine *the)
{
	struct tls_engine *engine = engine_of(the);
	if (engine && engine->in_turn) {
		xsmcSetInteger(xsResult, ANSWER_BUSY);
		return;
	}
	if (engine)
		engine->in_turn = true;
	xsmcVars(2);
	xsIntegerValue arrived = count_of(the, xsID_arrived);
	if (arrived > 0) {
		arrived = fill(the, &xsArg(1), arrived);
		set_count(the, xsID_arrived, arrived);
	}
	engine = engine_of(the);
	int answer = make_step(engine);
	bool is_full = false;
	if (engine && tls_engine_pending(engine) > 0) {
		xsIntegerValue room = count_of(the, xsID_room);
		if (room > 0) {
			room = flush(the, &xsArg(1), room);
			set_count(the, xsID_room, room);
		}
		is_full = room <= 0;
		engine = engine_of(the);
	}
	if (engine)
		engine->in_turn = false;
	if (answer == ANSWER_WRITING ? !is_full : answer == ANSWER_READING && arrived > 0)
		answer = ANSWER_AGAIN;
	xsmcSetInteger(xsResult, answer);
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
	bool more = xsmcArgc > 1 && xsmcTest(xsArg(1));
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
