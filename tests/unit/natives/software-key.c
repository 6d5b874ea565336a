/*
 * A stand-in for a key in hardware: `hardware:KIND BITS FILE`, as in `hardware:rsa 2048 /path/key.pem`. OpenSSL signs, in
 * a process of its own, so that neither mbedTLS nor anything else in the node's process ever has the key.
 */
#include "hardware-key.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct chip {
	char kind[8];
	char file[512];
};

static void run_openssl(const struct chip *chip, const char *hash, int from, int to)
{
	char digest[32];
	snprintf(digest, sizeof digest, "digest:%s", hash);
	dup2(from, STDIN_FILENO);
	dup2(to, STDOUT_FILENO);
	/* The digest of an RSA signature is part of what is signed (DigestInfo). */
	if (strcmp(chip->kind, "rsa") == 0)
		execlp("openssl", "openssl", "pkeyutl", "-sign", "-inkey", chip->file, "-pkeyopt", digest, (char *)NULL);
	else
		execlp("openssl", "openssl", "pkeyutl", "-sign", "-inkey", chip->file, (char *)NULL);
	_exit(127);
}

static size_t read_all(int file, unsigned char *bytes, size_t size)
{
	size_t length = 0;
	ssize_t done;
	while (length < size && (done = read(file, bytes + length, size - length)) > 0)
		length += (size_t)done;
	return length;
}

static int sign(void *context, mbedtls_md_type_t hash, const unsigned char *digest, size_t digest_length,
                unsigned char *signature, size_t size, size_t *length)
{
	const char *name = hash == MBEDTLS_MD_SHA256   ? "sha256"
	                   : hash == MBEDTLS_MD_SHA384 ? "sha384"
	                   : hash == MBEDTLS_MD_SHA512 ? "sha512"
	                                               : NULL;
	int in[2], out[2];
	if (!name || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		return -1;
	pid_t child = fork();
	if (child == 0)
		run_openssl(context, name, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	ssize_t written = write(in[1], digest, digest_length);
	close(in[1]);
	*length = read_all(out[0], signature, size);
	close(out[0]);
	int status = -1;
	if (child > 0)
		waitpid(child, &status, 0);
	return written == (ssize_t)digest_length && status == 0 && *length > 0 ? 0 : -1;
}

static void release(struct hardware_key *key)
{
	free(key->signer.context);
}

bool hardware_key_open(const char *name, struct hardware_key *key)
{
	unsigned bits;
	struct chip *chip = calloc(1, sizeof *chip);
	if (!chip || sscanf(name, "%7s %u %511s", chip->kind, &bits, chip->file) != 3 || access(chip->file, R_OK) != 0) {
		free(chip);
		return false;
	}
	key->signer.kind = strcmp(chip->kind, "rsa") == 0 ? MP_KEY_RSA : bits == 384 ? MP_KEY_P384 : MP_KEY_P256;
	key->signer.bits = bits;
	key->signer.sign = sign;
	key->signer.context = chip;
	key->close = release;
	return true;
}
