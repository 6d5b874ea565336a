/* embedded:io/socket/udp: packets are taken from the kernel as they come, and a few are kept until they are read. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "callback.h"
#include "event-loop.h"
#include "network.h"

/* ESP-IDF's CONFIG_LWIP_UDP_RECVMBOX_SIZE. What comes while so many are unread waits in the kernel, then is lost. */
enum { packet_limit = 6, packet_size_limit = 65507 };

struct packet {
	struct packet* next;
	struct sockaddr_in origin; /* as the node knows it */
	size_t size;
	uint8_t bytes[];
};

struct udp {
	struct watch watch; /* first: the loop hands this back */
	struct network_socket network;
	struct event_timer soon;
	xsMachine* the;
	xsSlot object; /* remembered while open */
	xsSlot *on_readable, *on_error;
	struct packet* first;
	unsigned int count;
};

void xs_udp_destructor(void* data)
{
	struct udp* udp = data;
	if (!udp)
		return;
	watch_stop(&udp->watch);
	timer_stop(&udp->soon);
	network_remove_socket(&udp->network);
	if (udp->watch.fd >= 0)
		close(udp->watch.fd);
	while (udp->first) {
		struct packet* next = udp->first->next;
		free(udp->first);
		udp->first = next;
	}
	free(udp);
}

static void mark(xsMachine* the, void* data, xsMarkRoot mark_root)
{
	struct udp* udp = data;
	if (!udp)
		return;
	callback_mark(the, mark_root, udp->on_readable);
	callback_mark(the, mark_root, udp->on_error);
}

static const xsHostHooks hooks = { .destructor = xs_udp_destructor, .marker = mark };

static struct udp* udp_of(xsMachine* the)
{
	struct udp* udp = xsmcGetHostDataValidate(xsThis, (void*)&hooks);
	if (!udp)
		xsUnknownError("UDP: closed");
	return udp;
}

static void append(struct udp* udp, const struct sockaddr_in* origin, const void* bytes, size_t size)
{
	struct packet* packet = malloc(sizeof(*packet) + size);
	if (!packet)
		return; /* lost, as any packet may be */
	packet->next = NULL;
	packet->origin = network_route_back(IPPROTO_UDP, *origin);
	packet->size = size;
	memcpy(packet->bytes, bytes, size);
	struct packet** link = &udp->first;
	while (*link)
		link = &(*link)->next;
	*link = packet;
	udp->count++;
}

static void on_ready(struct watch* watch, short events)
{
	(void)events;
	struct udp* udp = (struct udp*)watch;
	static uint8_t buffer[packet_size_limit];
	unsigned int before = udp->count;
	while (udp->count < packet_limit) {
		struct sockaddr_in origin;
		socklen_t size = sizeof(origin);
		ssize_t received = recvfrom(watch->fd, buffer, sizeof(buffer), 0, (struct sockaddr*)&origin, &size);
		if (received < 0)
			break;
		append(udp, &origin, buffer, (size_t)received);
		account_answer();
	}
	if (udp->count == packet_limit)
		watch_stop(watch);
	if (udp->count > before)
		callback_call_with_integer(udp->the, udp->on_readable, &udp->object, (xsIntegerValue)udp->count);
}

static void on_soon(struct event_timer* timer)
{
	struct udp* udp = (struct udp*)((char*)timer - offsetof(struct udp, soon));
	callback_call(udp->the, udp->on_error, &udp->object);
}

static void on_cut(struct network_socket* socket)
{
	struct udp* udp = (struct udp*)((char*)socket - offsetof(struct udp, network));
	watch_stop(&udp->watch);
	close(udp->watch.fd);
	udp->watch.fd = -1;
	timer_start(&udp->soon, 0);
}

static void parse_address(xsMachine* the, xsSlot* address, xsSlot* port, struct sockaddr_in* result)
{
	double number = xsmcTypeOf(*port) == xsUndefinedType ? 0 : xsmcToNumber(*port);
	if (!(number >= 0 && number <= 65535))
		xsRangeError("UDP: the port must be a number from 0 to 65535");
	const char* text = xsmcTypeOf(*address) == xsUndefinedType ? "0.0.0.0" : xsmcToString(*address);
	if (!network_parse_address(text, (uint16_t)number, result))
		xsRangeError("UDP: the address is not an IPv4 address");
}

void xs_udp_open(xsMachine* the)
{
	xsmcSetHostData(xsThis, NULL); /* throws before anything is allocated when this is not a UDP */
	xsmcVars(2);
	xsSlot* on_readable = callback_from_options(the, &xsArg(0), xsID_onReadable);
	xsSlot* on_error = callback_from_options(the, &xsArg(0), xsID_onError);
	struct sockaddr_in local;
	xsmcGet(xsVar(0), xsArg(0), xsID_address);
	xsmcGet(xsVar(1), xsArg(0), xsID_port);
	parse_address(the, &xsVar(0), &xsVar(1), &local);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		xsUnknownError("UDP: no socket is left");
	struct udp* udp = NULL;
	if (bind(fd, (struct sockaddr*)&local, sizeof(local)) == 0)
		udp = calloc(1, sizeof(*udp));
	if (!udp) {
		close(fd);
		xsUnknownError("UDP: port %d cannot be used", ntohs(local.sin_port));
	}
	udp->watch = (struct watch){ .fd = fd, .events = POLLIN, .ready = on_ready };
	udp->network.cut = on_cut;
	udp->soon.fire = on_soon;
	udp->the = the;
	udp->object = xsThis;
	udp->on_readable = on_readable;
	udp->on_error = on_error;
	xsmcSetHostData(xsThis, udp);
	xsSetHostHooks(xsThis, &hooks);
	xsRemember(udp->object);
	network_add_socket(&udp->network);
	watch_start(&udp->watch);
}

void xs_udp_close(xsMachine* the)
{
	/* Every callback is the last thing that happens to the structure, so it can go at once. */
	struct udp* udp = xsmcGetHostData(xsThis);
	if (!udp)
		return;
	xsmcSetHostData(xsThis, NULL);
	xsForget(udp->object);
	xs_udp_destructor(udp);
}

/* Sets address and port of the packet on the buffer that holds it. */
static void set_origin(xsMachine* the, xsSlot* buffer, const struct sockaddr_in* origin)
{
	char text[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &origin->sin_addr, text, sizeof(text));
	xsmcVars(1);
	xsmcSetString(xsVar(0), text);
	xsmcSet(*buffer, xsID_address, xsVar(0));
	xsmcSetInteger(xsVar(0), ntohs(origin->sin_port));
	xsmcSet(*buffer, xsID_port, xsVar(0));
}

static void remove_first(struct udp* udp)
{
	struct packet* packet = udp->first;
	udp->first = packet->next;
	udp->count--;
	free(packet);
	if (udp->watch.fd >= 0)
		watch_start(&udp->watch);
}

void xs_udp_read(xsMachine* the)
{
	struct udp* udp = udp_of(the);
	struct packet* packet = udp->first;
	if (!packet)
		return;
	if (xsmcArgc > 0 && xsmcTypeOf(xsArg(0)) == xsReferenceType) {
		void* buffer;
		xsUnsignedValue size;
		xsmcGetBufferWritable(xsArg(0), &buffer, &size);
		if (packet->size > size)
			xsRangeError("UDP: the packet has %d bytes, and the buffer is smaller", (int)packet->size);
		memcpy(buffer, packet->bytes, packet->size);
		set_origin(the, &xsArg(0), &packet->origin);
		xsmcSetInteger(xsResult, (xsIntegerValue)packet->size);
	}
	else {
		xsmcSetArrayBuffer(xsResult, packet->bytes, (xsIntegerValue)packet->size);
		set_origin(the, &xsResult, &packet->origin);
	}
	remove_first(udp);
}

void xs_udp_write(xsMachine* the)
{
	struct udp* udp = udp_of(the);
	struct sockaddr_in target;
	parse_address(the, &xsArg(1), &xsArg(2), &target);
	void* data;
	xsUnsignedValue size;
	xsmcGetBufferReadable(xsArg(0), &data, &size);
	if (!network_has_link() || udp->watch.fd < 0)
		xsUnknownError("UDP: the node is on no network");
	target = network_route(IPPROTO_UDP, target);
	if (sendto(udp->watch.fd, data, size, 0, (struct sockaddr*)&target, sizeof(target)) < 0 && errno != EAGAIN)
		xsUnknownError("UDP: sending failed: %s", strerror(errno));
}

void xs_udp_get_port(xsMachine* the)
{
	struct sockaddr_in local;
	socklen_t size = sizeof(local);
	getsockname(udp_of(the)->watch.fd, (struct sockaddr*)&local, &size);
	xsmcSetInteger(xsResult, ntohs(local.sin_port));
}
