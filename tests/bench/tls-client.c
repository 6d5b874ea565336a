/*
 * What a TLS client costs that is nothing but mbedTLS: blocking sockets, no JavaScript, no event loop. `npm run bench -- tls`
 * compares the node's layer with it, on the same library, the same offer and the same certificates.
 *
 *   tls-client FOLDER PORT ROUNDS UP DOWN PIECE
 *
 * FOLDER holds trust.der, cert.der and key.der. Each round connects to 127.0.0.1, shakes hands, sends UP bytes in writes of
 * PIECE and reads DOWN bytes. Then all connections are closed.
 */
#include "mbedtls-port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_LIMIT = 16384, BUFFER_SIZE = 16384 };

static const int suites[] = {
#if MP_HAS_TLS_1_3
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
#endif
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	0,
};

static void check(const char *what, int error)
{
	if (error >= 0)
		return;
	fprintf(stderr, "tls-client: %s: -0x%04X\n", what, (unsigned)-error);
	exit(1);
}

static size_t load(const char *folder, const char *name, unsigned char bytes[FILE_LIMIT])
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	size_t length = fread(bytes, 1, FILE_LIMIT, file);
	fclose(file);
	return length;
}

static int send_bytes(void *context, const unsigned char *bytes, size_t length)
{
	ssize_t done = send(*(int *)context, bytes, length, MSG_NOSIGNAL);
	return done < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)done;
}

static int receive_bytes(void *context, unsigned char *bytes, size_t length)
{
	ssize_t done = recv(*(int *)context, bytes, length, 0);
	return done < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : (int)done;
}

static int connect_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int on = 1;
	int file = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(file, (struct sockaddr *)&address, sizeof address) != 0) {
		perror("tls-client: connect");
		exit(1);
	}
	return file;
}

__attribute__((noinline)) void handshake_is_over(void)
{
	__asm__ volatile("");
}

static void exchange(mbedtls_ssl_context *ssl, size_t up, size_t down, size_t piece)
{
	static unsigned char bytes[BUFFER_SIZE];
	while (up > 0) {
		size_t count = piece < up ? piece : up;
		for (size_t done = 0; done < count;) {
			int written = mbedtls_ssl_write(ssl, bytes + done, count - done);
			if (mp_is_ticket(written))
				continue;
			check("write", written);
			done += (size_t)written;
		}
		up -= count;
	}
	while (down > 0) {
		int read = mbedtls_ssl_read(ssl, bytes, down < sizeof bytes ? down : sizeof bytes);
		if (mp_is_ticket(read))
			continue;
		check("read", read);
		down -= (size_t)read;
	}
}

struct connection {
	mbedtls_ssl_config configuration;
	mbedtls_ssl_context ssl;
	int file;
};

int main(int argc, char **argv)
{
	static unsigned char bytes[FILE_LIMIT];
	mbedtls_x509_crt trust, certificate;
	mbedtls_pk_context key;
	if (argc != 7)
		return 2;
	int port = atoi(argv[2]), rounds = atoi(argv[3]);
	size_t up = strtoul(argv[4], NULL, 10), down = strtoul(argv[5], NULL, 10), piece = strtoul(argv[6], NULL, 10);
	struct connection *connections = calloc((size_t)rounds, sizeof *connections);
	if (!connections)
		return 1;
	mbedtls_x509_crt_init(&trust);
	mbedtls_x509_crt_init(&certificate);
	mbedtls_pk_init(&key);
	check("random", mp_random_acquire());
	check("trust", mbedtls_x509_crt_parse_der(&trust, bytes, load(argv[1], "trust.der", bytes)));
	check("certificate", mbedtls_x509_crt_parse_der(&certificate, bytes, load(argv[1], "cert.der", bytes)));
	check("key", mp_pk_parse_key(&key, bytes, load(argv[1], "key.der", bytes)));
	for (int round = 0; round < rounds; round++) {
		struct connection *connection = &connections[round];
		mbedtls_ssl_config *configuration = &connection->configuration;
		mbedtls_ssl_context *ssl = &connection->ssl;
		mbedtls_ssl_config_init(configuration);
		mbedtls_ssl_init(ssl);
		check("configuration", mbedtls_ssl_config_defaults(configuration, MBEDTLS_SSL_IS_CLIENT,
		                                                   MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT));
		mp_ssl_conf_offer(configuration, 12, MP_HAS_TLS_1_3 ? 13 : 12);
		mbedtls_ssl_conf_ciphersuites(configuration, suites);
		mbedtls_ssl_conf_authmode(configuration, MBEDTLS_SSL_VERIFY_REQUIRED);
		mbedtls_ssl_conf_ca_chain(configuration, &trust, NULL);
		check("own certificate", mbedtls_ssl_conf_own_cert(configuration, &certificate, &key));
		check("setup", mbedtls_ssl_setup(ssl, configuration));
		check("name", mbedtls_ssl_set_hostname(ssl, "server.test"));
		connection->file = connect_to(port);
		mbedtls_ssl_set_bio(ssl, &connection->file, send_bytes, receive_bytes, NULL);
		check("handshake", mbedtls_ssl_handshake(ssl));
		handshake_is_over();
		exchange(ssl, up, down, piece);
	}
	for (int round = 0; round < rounds; round++) {
		struct connection *connection = &connections[round];
		mbedtls_ssl_close_notify(&connection->ssl);
		mbedtls_ssl_free(&connection->ssl);
		mbedtls_ssl_config_free(&connection->configuration);
		close(connection->file);
	}
	free(connections);
	mbedtls_pk_free(&key);
	mbedtls_x509_crt_free(&certificate);
	mbedtls_x509_crt_free(&trust);
	mp_random_release();
	return 0;
}
