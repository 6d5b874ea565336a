/* embedded:io/socket/listener: accepts connections as they come and keeps a few until they are read. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callback.h"
#include "event-loop.h"
#include "network.h"
#include "tcp.h"

/* lwIP's TCP_DEFAULT_LISTEN_BACKLOG is larger, but an ESP32 has only 16 sockets. */
enum { pending_limit = 5 };

struct listener {
	struct watch watch; /* first: the loop hands this back */
	xsMachine* the;
	xsSlot object; /* remembered while open */
	xsSlot* on_readable;
	unsigned int pending;
	int accepted[pending_limit];
};

void xs_listener_destructor(void* data)
{
	struct listener* listener = data;
	if (!listener)
		return;
	watch_stop(&listener->watch);
	close(listener->watch.fd);
	while (listener->pending > 0)
		close(listener->accepted[--listener->pending]);
	free(listener);
}

static void mark(xsMachine* the, void* data, xsMarkRoot mark_root)
{
	struct listener* listener = data;
	if (listener)
		callback_mark(the, mark_root, listener->on_readable);
}

static const xsHostHooks hooks = { .destructor = xs_listener_destructor, .marker = mark };

static struct listener* listener_of(xsMachine* the)
{
	struct listener* listener = xsmcGetHostDataValidate(xsThis, (void*)&hooks);
	if (!listener)
		xsUnknownError("Listener: closed");
	return listener;
}

static void on_ready(struct watch* watch, short events)
{
	(void)events;
	struct listener* listener = (struct listener*)watch;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	listener->accepted[listener->pending++] = fd;
	if (listener->pending == pending_limit)
		watch->events = 0; /* the kernel keeps the rest waiting */
	callback_call_with_integer(listener->the, listener->on_readable, &listener->object, (xsIntegerValue)listener->pending);
}

static void parse_local(xsMachine* the, xsSlot* options, struct sockaddr_in* local)
{
	xsSlot value;
	xsmcGet(value, *options, xsID_port);
	double port = xsmcTypeOf(value) == xsUndefinedType ? 0 : xsmcToNumber(value);
	if (!(port >= 0 && port <= 65535))
		xsRangeError("Listener: the port must be a number from 0 to 65535");
	xsmcGet(value, *options, xsID_address);
	const char* address = xsmcTypeOf(value) == xsUndefinedType ? "0.0.0.0" : xsmcToString(value);
	if (!network_parse_address(address, (uint16_t)port, local))
		xsRangeError("Listener: the address is not an IPv4 address");
}

void xs_listener_open(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL);
	xsSlot* on_readable = callback_from_options(the, &xsArg(0), xsID_onReadable);
	struct sockaddr_in local;
	parse_local(the, &xsArg(0), &local);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		xsUnknownError("Listener: no socket is left");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	struct listener* listener = NULL;
	int error = 0;
	if (bind(fd, (struct sockaddr*)&local, sizeof(local)) != 0 || listen(fd, pending_limit) != 0)
		error = errno;
	else
		listener = calloc(1, sizeof(*listener));
	if (!listener) {
		close(fd);
		xsUnknownError("Listener: cannot listen on port %d: %s", ntohs(local.sin_port),
			strerror(error ? error : ENOMEM));
	}
	listener->watch = (struct watch){ .fd = fd, .events = POLLIN, .ready = on_ready };
	listener->the = the;
	listener->object = xsThis;
	listener->on_readable = on_readable;
	xsmcSetHostData(xsThis, listener);
	xsSetHostHooks(xsThis, &hooks);
	xsRemember(listener->object);
	watch_start(&listener->watch);
}

void xs_listener_close(xsMachine* the)
{
	struct listener* listener = xsmcGetHostData(xsThis);
	if (!listener)
		return;
	xsmcSetHostData(xsThis, NULL);
	xsForget(listener->object);
	xs_listener_destructor(listener);
}

void xs_listener_pending(xsMachine* the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)listener_of(the)->pending);
}

/* Moves the oldest connection into the given TCP. There is one: see xs_listener_pending. */
void xs_listener_accept(xsMachine* the)
{
	struct listener* listener = listener_of(the);
	int fd = listener->accepted[0];
	listener->pending--;
	memmove(listener->accepted, listener->accepted + 1, listener->pending * sizeof(fd));
	listener->watch.events = POLLIN;
	tcp_adopt(the, &xsArg(0), fd);
}

void xs_listener_get_port(xsMachine* the)
{
	struct sockaddr_in local;
	socklen_t size = sizeof(local);
	getsockname(listener_of(the)->watch.fd, (struct sockaddr*)&local, &size);
	xsmcSetInteger(xsResult, ntohs(local.sin_port));
}
