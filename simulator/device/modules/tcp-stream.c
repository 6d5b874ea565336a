#include "tcp-stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "event-loop.h"
#include "network.h"

/* ESP-IDF's defaults: CONFIG_LWIP_TCP_WND_DEFAULT and CONFIG_LWIP_TCP_SND_BUF_DEFAULT. */
enum { input_capacity = 5760, output_capacity = 5760 };

/* CONFIG_LWIP_TCP_MSS, and what the kernel holds in each direction before or behind our buffers. */
enum { segment = 1440, kernel_buffer = 16 * 1024 };

/* How long a closed stream may take to send what was written before, in ms. */
enum { linger_time = 5000 };

struct tcp_stream {
	struct watch watch; /* first: the loop hands this back */
	struct network_socket network;
	struct event_timer soon; /* to tell the owner what must not be told from within a call of its own */
	struct sockaddr_in peer;
	const struct tcp_events* events;
	void* owner;
	enum { connecting, connected, failed } state;
	bool closed; /* by its owner; what is left is to send the output */
	bool telling; /* the owner is being told: do not free */
	bool tell_readable, tell_writable, tell_failed;
	size_t input_size, output_size;
	uint8_t input[input_capacity], output[output_capacity];
};

static struct tcp_stream* stream_of_network(struct network_socket* socket)
{
	return (struct tcp_stream*)((char*)socket - offsetof(struct tcp_stream, network));
}

static struct tcp_stream* stream_of_soon(struct event_timer* timer)
{
	return (struct tcp_stream*)((char*)timer - offsetof(struct tcp_stream, soon));
}

static void disconnect(struct tcp_stream* stream)
{
	watch_stop(&stream->watch);
	network_remove_socket(&stream->network);
	if (stream->watch.fd >= 0)
		close(stream->watch.fd);
	stream->watch.fd = -1;
}

static void delete(struct tcp_stream* stream)
{
	disconnect(stream);
	timer_stop(&stream->soon);
	free(stream);
}

/* What the loop shall wait for, after anything has changed. */
static void update_watch(struct tcp_stream* stream)
{
	short events = 0;
	if (stream->state == connecting || stream->output_size > 0)
		events |= POLLOUT;
	if (stream->state == connected && !stream->closed && stream->input_size < input_capacity)
		events |= POLLIN;
	stream->watch.events = events;
	/* poll() reports a hang-up also to who waits for nothing, again and again: with full buffers, do not wait. */
	if (stream->watch.fd >= 0 && events)
		watch_start(&stream->watch);
	else
		watch_stop(&stream->watch);
}

/* The connection is over. The owner is told once it has read everything that came before. */
static void fail(struct tcp_stream* stream)
{
	if (stream->state == failed)
		return;
	disconnect(stream);
	stream->state = failed;
	stream->output_size = 0;
	stream->tell_writable = false;
	stream->tell_failed = true;
	timer_start(&stream->soon, 0);
}

static void on_cut(struct network_socket* socket)
{
	struct tcp_stream* stream = stream_of_network(socket);
	watch_stop(&stream->watch);
	network_keep_silent(stream->watch.fd);
	stream->watch.fd = -1;
	fail(stream);
}

static void send_output(struct tcp_stream* stream)
{
	while (stream->output_size > 0) {
		ssize_t sent = send(stream->watch.fd, stream->output, stream->output_size, MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				fail(stream);
			return;
		}
		account_sent((size_t)sent);
		stream->output_size -= (size_t)sent;
		memmove(stream->output, stream->output + sent, stream->output_size);
		stream->tell_writable = true;
	}
}

static void receive_input(struct tcp_stream* stream)
{
	uint8_t* free_room = stream->input + stream->input_size;
	ssize_t received = recv(stream->watch.fd, free_room, input_capacity - stream->input_size, 0);
	if (received > 0) {
		account_received((size_t)received);
		stream->input_size += (size_t)received;
		stream->tell_readable = true;
	}
	else if (received == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		fail(stream);
}

static void finish_connecting(struct tcp_stream* stream)
{
	int error = 0;
	socklen_t size = sizeof(error);
	getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		fail(stream);
		return;
	}
	account_connected();
	stream->state = connected;
	stream->tell_writable = true;
}

/* Tells the owner what it has to know, unless it closes the stream meanwhile; then goes on waiting, or frees the stream. */
static void tell_owner(struct tcp_stream* stream)
{
	stream->telling = true;
	if (stream->owner && stream->tell_readable) {
		stream->tell_readable = false;
		if (stream->input_size > 0)
			stream->events->readable(stream->owner, stream->input_size);
	}
	if (stream->owner && stream->tell_writable) {
		stream->tell_writable = false;
		stream->events->writable(stream->owner, output_capacity - stream->output_size);
	}
	if (stream->owner && stream->tell_failed && stream->input_size == 0) {
		stream->tell_failed = false;
		stream->events->failed(stream->owner);
	}
	stream->telling = false;
	if (stream->closed && stream->output_size == 0)
		delete(stream);
	else
		update_watch(stream);
}

static void on_ready(struct watch* watch, short events)
{
	struct tcp_stream* stream = (struct tcp_stream*)watch;
	if (stream->state == connecting)
		finish_connecting(stream);
	if (stream->state == connected && (events & (POLLOUT | POLLERR)))
		send_output(stream);
	if (stream->state == connected && (watch->events & POLLIN) && (events & (POLLIN | POLLHUP | POLLERR)))
		receive_input(stream);
	tell_owner(stream);
}

static void on_soon(struct event_timer* timer)
{
	struct tcp_stream* stream = stream_of_soon(timer);
	if (stream->closed)
		delete(stream); /* what was written before could not be sent, or not in time */
	else
		tell_owner(stream);
}

static struct tcp_stream* create(int fd)
{
	struct tcp_stream* stream = fd < 0 ? NULL : malloc(sizeof(*stream));
	if (!stream) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	/* All but the buffers. */
	memset(stream, 0, offsetof(struct tcp_stream, input));
	stream->watch = (struct watch){ .fd = fd, .ready = on_ready };
	stream->network.cut = on_cut;
	stream->soon.fire = on_soon;
	/*
	 * The kernel's own buffers are kept small too, and its segments as Ethernet has them, so that a peer feels soon that
	 * nobody reads, as it does from an ESP32.
	 */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ kernel_buffer }, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ kernel_buffer }, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &(int){ segment }, sizeof(int));
	network_add_socket(&stream->network);
	return stream;
}

struct tcp_stream* tcp_stream_connect(const struct sockaddr_in* peer)
{
	struct tcp_stream* stream = create(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (!stream)
		return NULL;
	struct sockaddr_in target = network_route(IPPROTO_TCP, *peer);
	stream->peer = *peer;
	stream->state = connecting;
	if (connect(stream->watch.fd, (struct sockaddr*)&target, sizeof(target)) != 0 && errno != EINPROGRESS)
		fail(stream);
	update_watch(stream);
	return stream;
}

struct tcp_stream* tcp_stream_adopt(int fd)
{
	struct tcp_stream* stream = create(fd);
	if (!stream)
		return NULL;
	stream->state = connected;
	socklen_t size = sizeof(stream->peer);
	getpeername(fd, (struct sockaddr*)&stream->peer, &size);
	update_watch(stream);
	return stream;
}

void tcp_stream_own(struct tcp_stream* stream, const struct tcp_events* events, void* owner)
{
	stream->events = events;
	stream->owner = owner;
	stream->tell_readable = stream->input_size > 0;
	stream->tell_writable = stream->state == connected;
	if (owner && stream->state != connecting)
		timer_start(&stream->soon, 0);
}

void tcp_stream_set_no_delay(struct tcp_stream* stream, bool no_delay)
{
	setsockopt(stream->watch.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ no_delay }, sizeof(int));
}

const struct sockaddr_in* tcp_stream_peer(const struct tcp_stream* stream)
{
	return &stream->peer;
}

bool tcp_stream_is_connecting(const struct tcp_stream* stream)
{
	return stream->state == connecting;
}

bool tcp_stream_has_failed(const struct tcp_stream* stream)
{
	return stream->state == failed;
}

size_t tcp_stream_readable(const struct tcp_stream* stream)
{
	return stream->input_size;
}

void tcp_stream_read(struct tcp_stream* stream, void* into, size_t size)
{
	memcpy(into, stream->input, size);
	stream->input_size -= size;
	memmove(stream->input, stream->input + size, stream->input_size);
	if (stream->tell_failed && stream->input_size == 0)
		timer_start(&stream->soon, 0);
	if (!stream->telling)
		update_watch(stream);
}

size_t tcp_stream_writable(const struct tcp_stream* stream)
{
	return stream->state == connected ? output_capacity - stream->output_size : 0;
}

void tcp_stream_write(struct tcp_stream* stream, const void* data, size_t size)
{
	memcpy(stream->output + stream->output_size, data, size);
	stream->output_size += size;
	if (!stream->telling)
		update_watch(stream);
}

void tcp_stream_close(struct tcp_stream* stream)
{
	stream->owner = NULL;
	stream->closed = true;
	if (stream->state == connected)
		send_output(stream);
	timer_stop(&stream->soon);
	if (stream->output_size > 0) {
		/* The kernel's buffer is full as well: go on without an owner. */
		update_watch(stream);
		timer_start(&stream->soon, linger_time);
	}
	else if (!stream->telling)
		delete(stream);
}

void tcp_stream_send_and_delete(struct tcp_stream* stream)
{
	if (stream->state == connected)
		send_output(stream);
	delete(stream);
}
