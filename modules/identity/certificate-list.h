/*
 * Certificates one after another in one piece of memory, parsed where they lie (mbedtls_x509_crt_parse_der_nocopy):
 * the memory must outlive the list, and nothing of it is copied. And what a certificate says, in words and numbers.
 */
#ifndef FIELDNODE_CERTIFICATE_LIST_H
#define FIELDNODE_CERTIFICATE_LIST_H

#include "mbedtls-port.h"

/* Parses all of `der` into `list` (which must be initialised). Returns 0 or mbedTLS's error. */
int certificate_list_parse(mbedtls_x509_crt *list, const unsigned char *der, size_t length);

/* A subject's or issuer's name in one line ("C=US, O=Amazon"), shortened to the room there is; printable ASCII only. */
void certificate_name_text(const mbedtls_x509_name *name, char *text, size_t size);

/* A date of a certificate in ms since 1970. */
double certificate_time(const mbedtls_x509_time *time);

#endif
