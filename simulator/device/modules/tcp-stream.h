/*
 * A TCP connection as a program on an ESP32 meets it, without JavaScript: buffers of fixed size, output that leaves when the
 * turn of the event loop is over, an error that waits until the input has been read.
 *
 * An owner is told what happens, always from the event loop and never from within a call of its own. It may close the
 * stream, or hand it to another owner, whenever it is told something.
 */
#ifndef FIELDNODE_TCP_STREAM_H
#define FIELDNODE_TCP_STREAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct tcp_stream;

struct tcp_events {
	void (*readable)(void* owner, size_t bytes); /* new input has come; so much there is now */
	void (*writable)(void* owner, size_t bytes); /* connected, or output has left; so much fits now */
	void (*failed)(void* owner); /* over; all input has been read */
};

/* Begins to connect. NULL when no socket or no memory is left. */
struct tcp_stream* tcp_stream_connect(const struct sockaddr_in* peer);

/* Takes over the file of a connection that was accepted. NULL when no memory is left; then the file is closed. */
struct tcp_stream* tcp_stream_adopt(int fd);

/* From now on `owner` is told, at first what has happened already. NULL: nobody is. */
void tcp_stream_own(struct tcp_stream* stream, const struct tcp_events* events, void* owner);

void tcp_stream_set_no_delay(struct tcp_stream* stream, bool no_delay);

/* The other end, as the node knows it. */
const struct sockaddr_in* tcp_stream_peer(const struct tcp_stream* stream);

bool tcp_stream_is_connecting(const struct tcp_stream* stream);
bool tcp_stream_has_failed(const struct tcp_stream* stream);

/* Bytes that can be read now, and takes so many of them. */
size_t tcp_stream_readable(const struct tcp_stream* stream);
void tcp_stream_read(struct tcp_stream* stream, void* into, size_t size);

/* Bytes that can be written now; 0 on a stream that failed. */
size_t tcp_stream_writable(const struct tcp_stream* stream);
void tcp_stream_write(struct tcp_stream* stream, const void* data, size_t size);

/* Closes the stream after what was written has been sent. The owner hears nothing more and must forget it. */
void tcp_stream_close(struct tcp_stream* stream);

/*
 * For the end of the node, when there is no event loop any more: hands over to the kernel what was written in the last turn,
 * as lwIP's own task would have sent it, and closes the stream at once.
 */
void tcp_stream_send_and_delete(struct tcp_stream* stream);

#endif
