/* embedded:io/socket/tcp: a TCP stream as a JavaScript object. */
#include "tcp.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "network.h"
#include "tcp-stream.h"

enum format { format_buffer, format_number };

/* Exists as long as the object is open. */
struct tcp {
	struct tcp_stream* stream;
	xsMachine* the;
	xsSlot object; /* remembered */
	xsSlot *on_readable, *on_writable, *on_error;
	enum format format;
};

void xs_tcp_destructor(void* data)
{
	struct tcp* tcp = data;
	if (!tcp)
		return;
	tcp_stream_send_and_delete(tcp->stream);
	free(tcp);
}

static void mark(xsMachine* the, void* data, xsMarkRoot mark_root)
{
	struct tcp* tcp = data;
	if (!tcp)
		return;
	callback_mark(the, mark_root, tcp->on_readable);
	callback_mark(the, mark_root, tcp->on_writable);
	callback_mark(the, mark_root, tcp->on_error);
}

static const xsHostHooks hooks = { .destructor = xs_tcp_destructor, .marker = mark };

static void readable(void* owner, size_t bytes)
{
	struct tcp* tcp = owner;
	callback_call_with_integer(tcp->the, tcp->on_readable, &tcp->object, (xsIntegerValue)bytes);
}

static void writable(void* owner, size_t bytes)
{
	struct tcp* tcp = owner;
	callback_call_with_integer(tcp->the, tcp->on_writable, &tcp->object, (xsIntegerValue)bytes);
}

static void failed(void* owner)
{
	struct tcp* tcp = owner;
	callback_call(tcp->the, tcp->on_error, &tcp->object);
}

static const struct tcp_events events = { .readable = readable, .writable = writable, .failed = failed };

static struct tcp* tcp_of(xsMachine* the, xsSlot* object)
{
	struct tcp* tcp = xsmcGetHostDataValidate(*object, (void*)&hooks);
	if (!tcp)
		xsUnknownError("TCP: closed");
	return tcp;
}

/* Makes the object the stream's owner. Takes the stream, also when it throws; NULL is an error of the caller's attempt. */
static struct tcp* attach(xsMachine* the, xsSlot* object, struct tcp_stream* stream)
{
	if (!stream)
		xsUnknownError("TCP: no socket is left");
	struct tcp* tcp = calloc(1, sizeof(*tcp));
	if (!tcp) {
		tcp_stream_close(stream);
		xsUnknownError("TCP: not enough memory");
	}
	tcp->stream = stream;
	tcp->the = the;
	tcp->object = *object;
	xsmcSetHostData(*object, tcp);
	xsSetHostHooks(*object, &hooks);
	xsRemember(tcp->object);
	tcp_stream_own(stream, &events, tcp);
	return tcp;
}

/* Closes the object and leaves the stream to the caller. */
static struct tcp_stream* detach(xsMachine* the, xsSlot* object)
{
	struct tcp* tcp = tcp_of(the, object);
	struct tcp_stream* stream = tcp->stream;
	tcp_stream_own(stream, NULL, NULL);
	xsmcSetHostData(*object, NULL);
	xsForget(tcp->object);
	free(tcp);
	return stream;
}

void tcp_adopt(xsMachine* the, xsSlot* object, int fd)
{
	attach(the, object, tcp_stream_adopt(fd));
}

static enum format parse_format(xsMachine* the, xsSlot* value)
{
	if (xsmcTypeOf(*value) == xsStringType) {
		const char* name = xsmcToString(*value);
		if (strcmp(name, "buffer") == 0)
			return format_buffer;
		if (strcmp(name, "number") == 0)
			return format_number;
	}
	xsRangeError("TCP: the format is buffer or number");
}

static void parse_peer(xsMachine* the, xsSlot* options, struct sockaddr_in* peer)
{
	xsSlot value;
	xsmcGet(value, *options, xsID_port);
	double port = xsmcTypeOf(value) == xsUndefinedType ? 0 : xsmcToNumber(value);
	if (!(port >= 1 && port <= 65535))
		xsRangeError("TCP: the port must be a number from 1 to 65535");
	xsmcGet(value, *options, xsID_address);
	if (xsmcTypeOf(value) != xsStringType)
		xsTypeError("TCP: an address is needed; resolve the name first");
	if (!network_parse_address(xsmcToString(value), (uint16_t)port, peer))
		xsRangeError("TCP: the address is not an IPv4 address");
}

static bool has_true(xsMachine* the, xsSlot* options, xsIdentifier name)
{
	xsSlot value;
	xsmcGet(value, *options, name);
	return xsmcTest(value);
}

static struct tcp_stream* connect_as_told(xsMachine* the, xsSlot* options)
{
	struct sockaddr_in peer;
	parse_peer(the, options, &peer);
	if (!network_has_link())
		xsUnknownError("TCP: the node is on no network"); /* lwIP: ERR_RTE */
	return tcp_stream_connect(&peer);
}

void xs_tcp_open(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL); /* throws before anything is allocated when this is not a TCP */
	xsmcVars(1);
	xsSlot* on_readable = callback_from_options(the, &xsArg(0), xsID_onReadable);
	xsSlot* on_writable = callback_from_options(the, &xsArg(0), xsID_onWritable);
	xsSlot* on_error = callback_from_options(the, &xsArg(0), xsID_onError);
	xsmcGet(xsVar(0), xsArg(0), xsID_format);
	enum format format =
		xsmcTypeOf(xsVar(0)) == xsUndefinedType ? format_buffer : parse_format(the, &xsVar(0));
	bool no_delay = has_true(the, &xsArg(0), xsID_noDelay) || has_true(the, &xsArg(0), xsID_nodelay);
	xsmcGet(xsVar(0), xsArg(0), xsID_from);
	bool from = xsmcTypeOf(xsVar(0)) != xsUndefinedType;
	struct tcp_stream* stream = from ? detach(the, &xsVar(0)) : connect_as_told(the, &xsArg(0));
	struct tcp* tcp = attach(the, &xsThis, stream);
	tcp->format = format;
	tcp->on_readable = on_readable;
	tcp->on_writable = on_writable;
	tcp->on_error = on_error;
	tcp_stream_set_no_delay(stream, no_delay);
}

void xs_tcp_close(xsMachine* the)
{
	/* Closing what was never open, or closing twice, does nothing. */
	if (xsmcGetHostData(xsThis))
		tcp_stream_close(detach(the, &xsThis));
}

static size_t check_request(xsMachine* the, const struct tcp* tcp, double requested)
{
	if (!(requested >= 1 && requested <= (double)tcp_stream_readable(tcp->stream)))
		xsRangeError("TCP: so many bytes cannot be read");
	return (size_t)requested;
}

void xs_tcp_read(xsMachine* the)
{
	struct tcp* tcp = tcp_of(the, &xsThis);
	size_t count = tcp_stream_readable(tcp->stream);
	if (count == 0)
		return;
	if (tcp->format == format_number) {
		uint8_t byte;
		tcp_stream_read(tcp->stream, &byte, 1);
		xsmcSetInteger(xsResult, byte);
		return;
	}
	if (xsmcArgc > 0 && xsmcTypeOf(xsArg(0)) == xsReferenceType) {
		void* buffer;
		xsUnsignedValue size;
		xsmcGetBufferWritable(xsArg(0), &buffer, &size);
		count = check_request(the, tcp, size);
		tcp_stream_read(tcp->stream, buffer, count);
		xsmcSetInteger(xsResult, (xsIntegerValue)count);
		return;
	}
	if (xsmcArgc > 0 && xsmcTypeOf(xsArg(0)) != xsUndefinedType)
		count = check_request(the, tcp, xsmcToNumber(xsArg(0)));
	xsmcSetArrayBuffer(xsResult, NULL, (xsIntegerValue)count);
	tcp_stream_read(tcp->stream, xsmcToArrayBuffer(xsResult), count);
}

void xs_tcp_write(xsMachine* the)
{
	struct tcp* tcp = tcp_of(the, &xsThis);
	if (tcp_stream_is_connecting(tcp->stream))
		xsUnknownError("TCP: not connected yet");
	uint8_t byte;
	void* data = &byte;
	xsUnsignedValue size = 1;
	if (tcp->format == format_number)
		byte = (uint8_t)xsmcToInteger(xsArg(0));
	else
		xsmcGetBufferReadable(xsArg(0), &data, &size);
	if (tcp_stream_has_failed(tcp->stream)) {
		xsmcSetInteger(xsResult, 0); /* onError tells, or has told */
		return;
	}
	if (size > tcp_stream_writable(tcp->stream))
		xsUnknownError("TCP: would block");
	tcp_stream_write(tcp->stream, data, size);
	xsmcSetInteger(xsResult, (xsIntegerValue)tcp_stream_writable(tcp->stream));
}

void xs_tcp_get_remote_address(xsMachine* the)
{
	char text[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &tcp_stream_peer(tcp_of(the, &xsThis)->stream)->sin_addr, text, sizeof(text));
	xsmcSetString(xsResult, text);
}

void xs_tcp_get_remote_port(xsMachine* the)
{
	xsmcSetInteger(xsResult, ntohs(tcp_stream_peer(tcp_of(the, &xsThis)->stream)->sin_port));
}

void xs_tcp_get_format(xsMachine* the)
{
	xsmcSetString(xsResult, tcp_of(the, &xsThis)->format == format_number ? "number" : "buffer");
}

void xs_tcp_set_format(xsMachine* the)
{
	tcp_of(the, &xsThis)->format = parse_format(the, &xsArg(0));
}
