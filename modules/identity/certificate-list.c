/* Parses certificates that lie one after another, and reads what they say. */
#include "certificate-list.h"

#include "library-failure.h"

#include <mbedtls/pem.h>

#include <stdio.h>
#include <string.h>

int certificate_list_to_der(unsigned char *bytes, size_t *length)
{
	if (!strstr((const char *)bytes, "-----BEGIN"))
		return 0;
	size_t from = 0, to = 0;
	for (;;) {
		mbedtls_pem_context pem;
		size_t used = 0;
		mbedtls_pem_init(&pem);
		int error = mbedtls_pem_read_buffer(&pem, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", bytes + from,
		                                    NULL, 0, &used);
		if (!error) {
			/* Three bytes for each four of its text: it ends before what is still to be read. */
			memcpy(bytes + to, pem.MBEDTLS_PRIVATE(buf), pem.MBEDTLS_PRIVATE(buflen));
			to += pem.MBEDTLS_PRIVATE(buflen);
			from += used;
		}
		mbedtls_pem_free(&pem);
		if (error == MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT && to > 0)
			break;
		if (error)
			return error;
	}
	*length = to;
	return 0;
}

/* Length of the DER element that begins here, its header included; 0 when it is none or does not fit. */
static size_t element_length(const unsigned char *der, size_t length)
{
	unsigned char *position = (unsigned char *)der;
	size_t content;
	if (mbedtls_asn1_get_tag(&position, der + length, &content, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
		return 0;
	return (size_t)(position - der) + content;
}

int certificate_list_parse(mbedtls_x509_crt *list, const unsigned char *der, size_t length)
{
	if (length == 0)
		return MBEDTLS_ERR_X509_INVALID_FORMAT;
	while (length > 0) {
		size_t one = element_length(der, length);
		if (one == 0)
			return MBEDTLS_ERR_X509_INVALID_FORMAT;
		int error = mbedtls_x509_crt_parse_der_nocopy(list, der, one);
		if (error)
			return error;
		der += one;
		length -= one;
	}
	return 0;
}

bool certificate_list_read(mbedtls_x509_crt *list, unsigned char *bytes, size_t length, const char *code,
                           struct native_failure *failure)
{
	uint32_t before = tls_memory_failures();
	int error = certificate_list_to_der(bytes, &length);
	if (!error)
		error = certificate_list_parse(list, bytes, length);
	if (error)
		library_failure_set(failure, error, before, code, "certificate");
	return !error;
}

void certificate_name_text(const mbedtls_x509_name *name, char *text, size_t size)
{
	char whole[512];
	int length = mbedtls_x509_dn_gets(whole, sizeof whole, name);
	const char *from = length > 0 ? whole : "no name";
	size_t end = 0;
	for (; from[end] && end + 1 < size; end++)
		text[end] = from[end] < ' ' || from[end] > '~' ? '?' : from[end];
	text[end] = '\0';
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, counted in years that begin in March. */
static long days_of(int year, int month, int day)
{
	long y = month <= 2 ? year - 1 : year;
	long era = y / 400, year_of_era = y % 400;
	long day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

double certificate_time(const mbedtls_x509_time *time)
{
	double days = (double)days_of(time->year, time->mon, time->day);
	return (days * 86400.0 + time->hour * 3600.0 + time->min * 60.0 + time->sec) * 1000.0;
}
