#include "server-answer.h"

#include "fixed-library.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 1 << 17 };

static struct {
	size_t length;
	unsigned char wire[ANSWER_LIMIT];
	unsigned char plain[ANSWER_LIMIT];
} answer;

static void note_plaintext(const unsigned char *ciphertext, size_t ciphertext_length, const unsigned char *plaintext,
                           size_t plaintext_length)
{
	unsigned char *found = memmem(answer.wire, answer.length, ciphertext, ciphertext_length);
	if (found)
		memcpy(answer.plain + (found - answer.wire), plaintext, plaintext_length);
}

static int connect_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int file = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(file, (struct sockaddr *)&address, sizeof address) == 0)
		return file;
	perror("connect");
	exit(1);
}

static void send_all(struct tls_engine *engine, int file)
{
	unsigned char bytes[1024];
	size_t count;
	while ((count = tls_engine_take(engine, bytes, sizeof bytes)) > 0)
		if (send(file, bytes, count, MSG_NOSIGNAL) < 0)
			return;
}

/* What comes goes into the answer first, so that its records are found there when they are decrypted. */
static bool receive_some(struct tls_engine *engine, int file)
{
	unsigned char bytes[1024];
	ssize_t count = recv(file, bytes, sizeof bytes, 0);
	if (count <= 0 || answer.length + (size_t)count > ANSWER_LIMIT)
		return false;
	memcpy(answer.wire + answer.length, bytes, (size_t)count);
	memcpy(answer.plain + answer.length, bytes, (size_t)count);
	answer.length += (size_t)count;
	return tls_engine_feed(engine, bytes, (size_t)count) == (size_t)count;
}

static void write_seed(const char *file, const char *suffix, unsigned char choices, const unsigned char *bytes)
{
	char path[1024];
	snprintf(path, sizeof path, "%s%s", file, suffix);
	FILE *seed = fopen(path, "wb");
	if (!seed || fputc(choices, seed) == EOF || fwrite(bytes, 1, answer.length, seed) != answer.length ||
	    fclose(seed) != 0) {
		perror(path);
		exit(1);
	}
}

bool record_answer(struct tls_engine *engine, int port, const char *file, unsigned char open)
{
	unsigned char bytes[1024];
	int wire = connect_to(port);
	bool opened = false;
	fixed_library_watch(note_plaintext);
	for (;;) {
		enum tls_step step = tls_engine_step(engine);
		send_all(engine, wire);
		opened = opened || step == TLS_STEP_OPEN;
		if (step == TLS_STEP_WRITING)
			continue;
		if (step == TLS_STEP_FAILED)
			break;
		long count = 0;
		while (step == TLS_STEP_OPEN && (count = tls_engine_read(engine, bytes, sizeof bytes)) > 0)
			;
		if (count < 0 || !receive_some(engine, wire))
			break;
	}
	fixed_library_watch(NULL);
	close(wire);
	write_seed(file, "", 0, answer.wire);
	write_seed(file, "-open", open, answer.plain);
	return opened;
}
