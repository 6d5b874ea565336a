/*
 * embedded:io/socket/tcp over the desktop's sockets, with what an ESP32's lwIP does to a program: small buffers of fixed
 * size, output that leaves when the turn of the event loop is over, an error that waits until the input has been read.
 */
#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callback.h"
#include "event-loop.h"
#include "network.h"

/* ESP-IDF's defaults: CONFIG_LWIP_TCP_WND_DEFAULT and CONFIG_LWIP_TCP_SND_BUF_DEFAULT. */
enum { input_capacity = 5760, output_capacity = 5760 };

/* CONFIG_LWIP_TCP_MSS, and what the kernel holds in each direction before or behind our buffers. */
enum { segment = 1440, kernel_buffer = 16 * 1024 };

/* How long a closed socket may take to send what was written before, in ms. */
enum { linger_time = 5000 };

enum format { format_buffer, format_number };

struct tcp {
	struct watch watch; /* first: the loop hands this back */
	struct network_socket network;
	struct event_timer soon; /* callbacks that must not come from within a call of JavaScript */
	xsMachine* the;
	xsSlot object; /* remembered while open */
	xsSlot *on_readable, *on_writable, *on_error;
	struct sockaddr_in peer; /* as the node knows it */
	enum format format;
	enum { connecting, connected, failed } state;
	bool open; /* has an object that was not closed */
	bool calling; /* JavaScript runs: do not free */
	bool announce_input, announce_output, announce_error; /* what `soon` has to call */
	size_t input_size, output_size;
	uint8_t input[input_capacity], output[output_capacity];
};

static void on_soon(struct event_timer* timer);
static void on_ready(struct watch* watch, short events);
static void on_cut(struct network_socket* socket);

/*
 * The kernel's own buffers are kept small too, and its segments as Ethernet has them, so that a peer feels soon that nobody
 * reads, as it does from an ESP32.
 */
static void use_small_buffers(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ kernel_buffer }, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ kernel_buffer }, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){ segment }, sizeof(int));
}

static struct tcp* tcp_of_network(struct network_socket* socket)
{
	return (struct tcp*)((char*)socket - offsetof(struct tcp, network));
}

static struct tcp* tcp_of_soon(struct event_timer* timer)
{
	return (struct tcp*)((char*)timer - offsetof(struct tcp, soon));
}

static void disconnect(struct tcp* tcp)
{
	watch_stop(&tcp->watch);
	network_remove_socket(&tcp->network);
	if (tcp->watch.fd >= 0)
		close(tcp->watch.fd);
	tcp->watch.fd = -1;
}

static void dispose(struct tcp* tcp)
{
	disconnect(tcp);
	timer_stop(&tcp->soon);
	free(tcp);
}

void xs_tcp_destructor(void* data)
{
	struct tcp* tcp = data;
	if (tcp)
		dispose(tcp);
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

static struct tcp* tcp_of(xsMachine* the, xsSlot* object)
{
	struct tcp* tcp = xsmcGetHostDataValidate(*object, (void*)&hooks);
	if (!tcp)
		xsUnknownError("TCP: closed");
	return tcp;
}

/* What the loop shall wait for, after anything has changed. */
static void update_watch(struct tcp* tcp)
{
	short events = 0;
	if (tcp->state == connecting || tcp->output_size > 0)
		events |= POLLOUT;
	if (tcp->state == connected && tcp->open && tcp->input_size < input_capacity)
		events |= POLLIN;
	tcp->watch.events = events;
	/* poll() reports a hang-up also to who waits for nothing, again and again: with a full buffer, wait elsewhere. */
	if (tcp->watch.fd >= 0 && events)
		watch_start(&tcp->watch);
	else
		watch_stop(&tcp->watch);
}

static void call_soon(struct tcp* tcp)
{
	timer_start(&tcp->soon, 0);
}

/* The connection is over. The error is announced once everything that arrived before has been read. */
static void fail(struct tcp* tcp)
{
	if (tcp->state == failed)
		return;
	disconnect(tcp);
	tcp->state = failed;
	tcp->output_size = 0;
	tcp->announce_output = false;
	if (tcp->input_size == 0) {
		tcp->announce_error = true;
		call_soon(tcp);
	}
}

static void on_cut(struct network_socket* socket)
{
	struct tcp* tcp = tcp_of_network(socket);
	watch_stop(&tcp->watch);
	network_keep_silent(tcp->watch.fd);
	tcp->watch.fd = -1;
	if (tcp->open || tcp->calling)
		fail(tcp);
	else
		dispose(tcp);
}

static void send_output(struct tcp* tcp)
{
	while (tcp->output_size > 0) {
		ssize_t sent = send(tcp->watch.fd, tcp->output, tcp->output_size, MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				fail(tcp);
			return;
		}
		tcp->output_size -= (size_t)sent;
		memmove(tcp->output, tcp->output + sent, tcp->output_size);
		tcp->announce_output = true;
	}
}

static void receive_input(struct tcp* tcp)
{
	ssize_t received =
		recv(tcp->watch.fd, tcp->input + tcp->input_size, input_capacity - tcp->input_size, 0);
	if (received > 0) {
		tcp->input_size += (size_t)received;
		tcp->announce_input = true;
	}
	else if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		fail(tcp);
}

static bool finish_connecting(struct tcp* tcp)
{
	int error = 0;
	socklen_t size = sizeof(error);
	getsockopt(tcp->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		fail(tcp);
		return false;
	}
	tcp->state = connected;
	tcp->announce_output = true;
	return true;
}

/* Calls what is due. Any callback may close the socket; then there is nothing more to call. */
static void announce(struct tcp* tcp)
{
	tcp->calling = true;
	if (tcp->open && tcp->announce_input) {
		tcp->announce_input = false;
		if (tcp->input_size > 0)
			callback_call_with_integer(tcp->the, tcp->on_readable, &tcp->object, (xsIntegerValue)tcp->input_size);
	}
	if (tcp->open && tcp->announce_output) {
		tcp->announce_output = false;
		callback_call_with_integer(tcp->the, tcp->on_writable, &tcp->object,
			(xsIntegerValue)(output_capacity - tcp->output_size));
	}
	if (tcp->open && tcp->announce_error && tcp->input_size == 0) {
		tcp->announce_error = false;
		callback_call(tcp->the, tcp->on_error, &tcp->object);
	}
	tcp->calling = false;
	if (!tcp->open && (tcp->state != connected || tcp->output_size == 0))
		dispose(tcp);
	else
		update_watch(tcp);
}

static void on_ready(struct watch* watch, short events)
{
	struct tcp* tcp = (struct tcp*)watch;
	if (tcp->state == connecting && !finish_connecting(tcp)) {
		announce(tcp);
		return;
	}
	if (events & (POLLOUT | POLLERR))
		send_output(tcp);
	if (tcp->state == connected && (watch->events & POLLIN) && (events & (POLLIN | POLLHUP | POLLERR)))
		receive_input(tcp);
	announce(tcp);
}

static void on_soon(struct event_timer* timer)
{
	struct tcp* tcp = tcp_of_soon(timer);
	if (tcp->open)
		announce(tcp);
	else
		dispose(tcp); /* what was written before close() could not be sent in time */
}

static struct tcp* create(xsMachine* the)
{
	struct tcp* tcp = calloc(1, sizeof(*tcp));
	if (!tcp)
		return NULL;
	tcp->watch.fd = -1;
	tcp->watch.ready = on_ready;
	tcp->network.cut = on_cut;
	tcp->soon.fire = on_soon;
	tcp->the = the;
	return tcp;
}

/* From here on the object owns the socket. */
static void attach(xsMachine* the, struct tcp* tcp, xsSlot* object)
{
	tcp->object = *object;
	tcp->open = true;
	xsmcSetHostData(*object, tcp);
	xsSetHostHooks(*object, &hooks);
	xsRemember(tcp->object);
}

static struct tcp* detach(xsMachine* the, xsSlot* object)
{
	struct tcp* tcp = tcp_of(the, object);
	xsmcSetHostData(*object, NULL);
	xsForget(tcp->object);
	tcp->open = false;
	tcp->on_readable = tcp->on_writable = tcp->on_error = NULL;
	return tcp;
}

void tcp_adopt(xsMachine* the, xsSlot* object, int fd)
{
	struct tcp* tcp = create(the);
	if (!tcp) {
		close(fd);
		xsUnknownError("TCP: not enough memory");
	}
	tcp->watch.fd = fd;
	tcp->state = connected;
	use_small_buffers(fd);
	socklen_t size = sizeof(tcp->peer);
	getpeername(fd, (struct sockaddr*)&tcp->peer, &size);
	network_add_socket(&tcp->network);
	attach(the, tcp, object);
	update_watch(tcp);
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

static void start_connecting(xsMachine* the, struct tcp* tcp, bool no_delay)
{
	struct sockaddr_in target = network_route(IPPROTO_TCP, tcp->peer);
	int fd = tcp->watch.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		dispose(tcp);
		xsUnknownError("TCP: no socket is left");
	}
	use_small_buffers(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ no_delay }, sizeof(int));
	tcp->state = connecting;
	network_add_socket(&tcp->network);
	if (connect(fd, (struct sockaddr*)&target, sizeof(target)) != 0 && errno != EINPROGRESS)
		fail(tcp);
}

static bool has_true(xsMachine* the, xsSlot* options, xsIdentifier name)
{
	xsSlot value;
	xsmcGet(value, *options, name);
	return xsmcTest(value);
}

void xs_tcp_open(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL); /* throws before anything is allocated when this is not a TCP */
	xsmcVars(1);
	xsSlot* on_readable = callback_from_options(the, &xsArg(0), xsID_onReadable);
	xsSlot* on_writable = callback_from_options(the, &xsArg(0), xsID_onWritable);
	xsSlot* on_error = callback_from_options(the, &xsArg(0), xsID_onError);
	enum format format = format_buffer;
	xsmcGet(xsVar(0), xsArg(0), xsID_format);
	if (xsmcTypeOf(xsVar(0)) != xsUndefinedType)
		format = parse_format(the, &xsVar(0));
	bool no_delay = has_true(the, &xsArg(0), xsID_noDelay) || has_true(the, &xsArg(0), xsID_nodelay);
	xsmcGet(xsVar(0), xsArg(0), xsID_from);
	struct tcp* tcp;
	if (xsmcTypeOf(xsVar(0)) != xsUndefinedType) {
		tcp = detach(the, &xsVar(0));
		setsockopt(tcp->watch.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ no_delay }, sizeof(int));
		tcp->announce_input = tcp->input_size > 0;
		tcp->announce_output = tcp->state == connected;
		call_soon(tcp);
	}
	else {
		struct sockaddr_in peer;
		parse_peer(the, &xsArg(0), &peer);
		if (!network_has_link())
			xsUnknownError("TCP: the node is on no network"); /* lwIP: ERR_RTE */
		tcp = create(the);
		if (!tcp)
			xsUnknownError("TCP: not enough memory");
		tcp->peer = peer;
		start_connecting(the, tcp, no_delay);
	}
	tcp->format = format;
	tcp->on_readable = on_readable;
	tcp->on_writable = on_writable;
	tcp->on_error = on_error;
	attach(the, tcp, &xsThis);
	update_watch(tcp);
}

void xs_tcp_close(xsMachine* the)
{
	/* Closing what was never open, or closing twice, does nothing. */
	if (!xsmcGetHostData(xsThis))
		return;
	struct tcp* tcp = detach(the, &xsThis);
	if (tcp->state == connected)
		send_output(tcp);
	timer_stop(&tcp->soon);
	if (tcp->state == connected && tcp->output_size > 0) {
		/* The kernel's buffer is full as well: go on sending without an object. */
		update_watch(tcp);
		timer_start(&tcp->soon, linger_time);
	}
	else if (!tcp->calling)
		dispose(tcp);
}

static void consume(struct tcp* tcp, void* into, size_t size)
{
	memcpy(into, tcp->input, size);
	tcp->input_size -= size;
	memmove(tcp->input, tcp->input + size, tcp->input_size);
	if (tcp->state == failed && tcp->input_size == 0) {
		tcp->announce_error = true;
		call_soon(tcp);
	}
	if (!tcp->calling)
		update_watch(tcp);
}

static size_t check_request(xsMachine* the, const struct tcp* tcp, double requested)
{
	if (!(requested >= 1 && requested <= (double)tcp->input_size))
		xsRangeError("TCP: so many bytes cannot be read");
	return (size_t)requested;
}

void xs_tcp_read(xsMachine* the)
{
	struct tcp* tcp = tcp_of(the, &xsThis);
	if (tcp->input_size == 0)
		return;
	if (tcp->format == format_number) {
		uint8_t byte;
		consume(tcp, &byte, 1);
		xsmcSetInteger(xsResult, byte);
		return;
	}
	if (xsmcArgc > 0 && xsmcTypeOf(xsArg(0)) == xsReferenceType) {
		void* buffer;
		xsUnsignedValue size;
		xsmcGetBufferWritable(xsArg(0), &buffer, &size);
		size_t count = check_request(the, tcp, size);
		consume(tcp, buffer, count);
		xsmcSetInteger(xsResult, (xsIntegerValue)count);
		return;
	}
	size_t count = tcp->input_size;
	if (xsmcArgc > 0 && xsmcTypeOf(xsArg(0)) != xsUndefinedType)
		count = check_request(the, tcp, xsmcToNumber(xsArg(0)));
	xsmcSetArrayBuffer(xsResult, NULL, (xsIntegerValue)count);
	consume(tcp, xsmcToArrayBuffer(xsResult), count);
}

void xs_tcp_write(xsMachine* the)
{
	struct tcp* tcp = tcp_of(the, &xsThis);
	if (tcp->state == connecting)
		xsUnknownError("TCP: not connected yet");
	if (tcp->state == failed) {
		xsmcSetInteger(xsResult, 0); /* onError tells, or has told */
		return;
	}
	uint8_t byte;
	void* data = &byte;
	xsUnsignedValue size = 1;
	if (tcp->format == format_number)
		byte = (uint8_t)xsmcToInteger(xsArg(0));
	else
		xsmcGetBufferReadable(xsArg(0), &data, &size);
	if (size > output_capacity - tcp->output_size)
		xsUnknownError("TCP: would block");
	memcpy(tcp->output + tcp->output_size, data, size);
	tcp->output_size += size;
	if (!tcp->calling)
		update_watch(tcp);
	xsmcSetInteger(xsResult, (xsIntegerValue)(output_capacity - tcp->output_size));
}

void xs_tcp_get_remote_address(xsMachine* the)
{
	struct tcp* tcp = tcp_of(the, &xsThis);
	char text[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &tcp->peer.sin_addr, text, sizeof(text));
	xsmcSetString(xsResult, text);
}

void xs_tcp_get_remote_port(xsMachine* the)
{
	xsmcSetInteger(xsResult, ntohs(tcp_of(the, &xsThis)->peer.sin_port));
}

void xs_tcp_get_format(xsMachine* the)
{
	xsmcSetString(xsResult, tcp_of(the, &xsThis)->format == format_number ? "number" : "buffer");
}

void xs_tcp_set_format(xsMachine* the)
{
	tcp_of(the, &xsThis)->format = parse_format(the, &xsArg(0));
}
