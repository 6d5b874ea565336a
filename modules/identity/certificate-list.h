/*
 * Certificates one after another in one piece of memory, parsed where they lie (mbedtls_x509_crt_parse_der_nocopy):
 * the memory must outlive the list, and nothing of it is copied. And what a certificate says, in words and numbers.
 */
#ifndef FIELDNODE_CERTIFICATE_LIST_H
#define FIELDNODE_CERTIFICATE_LIST_H

#include "mbedtls-port.h"
#include "native-failure.h"

/*
 * Makes certificates in PEM DER, one after another in the same memory, where a zero must follow them; DER is left as it
 * is. Returns 0 or mbedTLS's error.
 */
int certificate_list_to_der(unsigned char *bytes, size_t *length);

/* Parses all of `der` into `list` (which must be initialised). Returns 0 or mbedTLS's error. */
int certificate_list_parse(mbedtls_x509_crt *list, const unsigned char *der, size_t length);

/* Both, for bytes of either form. False and a failure: `code`, or `tls.out-of-memory`. */
bool certificate_list_read(mbedtls_x509_crt *list, unsigned char *bytes, size_t length, const char *code,
                           struct native_failure *failure);

/* A subject's or issuer's name in one line ("C=US, O=Amazon"), shortened to the room there is; printable ASCII only. */
void certificate_name_text(const mbedtls_x509_name *name, char *text, size_t size);

/* A date of a certificate in ms since 1970. */
double certificate_time(const mbedtls_x509_time *time);

#endif
