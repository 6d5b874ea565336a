/*
 * Whether a certificate is for the server that the node means (RFC 6125, RFC 9525): a DNS name by dNSName alone, an IPv4
 * address by iPAddress alone, never by the subject's CN. mbedTLS checks DNS names too, but takes the CN when there is no
 * subjectAltName, and 2.28 knows no addresses; both have to agree.
 */
#include "tls-engine.h"

#include <stdio.h>
#include <string.h>

/* Context-specific tags of GeneralName (RFC 5280, 4.2.1.6). */
enum { GENERAL_NAME_DNS = 2, GENERAL_NAME_ADDRESS = 7, GENERAL_NAME_TAG = 0x1F };

bool tls_name_is_address(const char *name, unsigned char address[4])
{
	for (int part = 0; part < 4; part++) {
		unsigned value = 0;
		int digits = 0;
		while (*name >= '0' && *name <= '9' && digits < 4) {
			value = value * 10 + (unsigned)(*name++ - '0');
			digits++;
		}
		if (digits == 0 || digits > 3 || value > 255 || *name != (part < 3 ? '.' : '\0'))
			return false;
		address[part] = (unsigned char)value;
		name++;
	}
	return true;
}

static char lower(unsigned char letter)
{
	return (char)(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
}

static bool same_letters(const char *name, const unsigned char *pattern, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (lower((unsigned char)name[i]) != lower(pattern[i]))
			return false;
	return true;
}

/*
 * A wildcard stands for exactly the first label, is that label's only character, and needs two labels after it: `*.com`
 * would be nobody's. A byte of 0 in the certificate's name matches nothing, because lengths are compared.
 */
static bool dns_name_matches(const char *name, const unsigned char *pattern, size_t length)
{
	if (length > 2 && pattern[0] == '*' && pattern[1] == '.') {
		const char *rest = strchr(name, '.');
		if (!rest || rest == name || memchr(pattern + 2, '.', length - 2) == NULL)
			return false;
		return strlen(rest) == length - 1 && same_letters(rest, pattern + 1, length - 1);
	}
	return strlen(name) == length && same_letters(name, pattern, length);
}

bool tls_name_matches(const struct tls_engine *engine, const mbedtls_x509_crt *certificate)
{
	const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
	for (; name && name->buf.p; name = name->next) {
		int kind = name->buf.tag & GENERAL_NAME_TAG;
		if (engine->has_name && kind == GENERAL_NAME_DNS &&
		    dns_name_matches(engine->server_name, name->buf.p, name->buf.len))
			return true;
		if (!engine->has_name && kind == GENERAL_NAME_ADDRESS && name->buf.len == sizeof engine->address &&
		    memcmp(name->buf.p, engine->address, sizeof engine->address) == 0)
			return true;
	}
	return false;
}

void tls_name_describe(const mbedtls_x509_crt *certificate, char *text, size_t size)
{
	size_t length = 0;
	const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
	text[0] = '\0';
	for (; name && name->buf.p && length < size; name = name->next) {
		const unsigned char *p = name->buf.p;
		int kind = name->buf.tag & GENERAL_NAME_TAG;
		int more = 0;
		if (kind == GENERAL_NAME_DNS)
			more = snprintf(text + length, size - length, "%s%.*s", length ? ", " : "", (int)name->buf.len,
			                (const char *)p);
		else if (kind == GENERAL_NAME_ADDRESS && name->buf.len == 4)
			more = snprintf(text + length, size - length, "%s%u.%u.%u.%u", length ? ", " : "", p[0], p[1], p[2], p[3]);
		if (more > 0)
			length += (size_t)more;
	}
	if (length == 0)
		snprintf(text, size, "no name in subjectAltName");
}
