/*
 * The part of the flash that holds who the node is. Two back ends: a folder of files (identity-flash-file.c) and
 * ESP-IDF's NVS (identity-flash-esp32.c).
 *
 * | blob            | content                                                              |
 * | --------------- | -------------------------------------------------------------------- |
 * | `active`        | one byte: bit 0 is the slot in use, bit 1 says that the other slot   |
 * |                 | holds what was in use before; 0 when there is none                   |
 * | `key0`, `key1`  | private key: SEC1, PKCS#1 or PKCS#8, DER or PEM; or a text that names |
 * |                 | a key in hardware (hardware-key.h)                                   |
 * | `cert0`,`cert1` | certificate, then its intermediates, one after another, DER or PEM    |
 * | `trust`         | trusted root certificates, one after another, DER or PEM              |
 */
#ifndef FIELDNODE_IDENTITY_FLASH_H
#define FIELDNODE_IDENTITY_FLASH_H

#include <stdbool.h>
#include <stddef.h>

enum identity_flash_result {
	IDENTITY_FLASH_OK,
	IDENTITY_FLASH_ABSENT,
	IDENTITY_FLASH_UNREADABLE,
	IDENTITY_FLASH_CORRUPT,
	IDENTITY_FLASH_NO_MEMORY,
	IDENTITY_FLASH_WRITE_FAILED,
};

/* No blob is longer: a chain of certificates is a few KB. */
enum { IDENTITY_FLASH_LIMIT = 32768 };

/*
 * Reads a blob into memory from `calloc`; the caller wipes it if it is secret and frees it. Behind it lies a zero that
 * does not count, as mbedTLS wants of PEM. Empty blobs are corrupt. On any result but OK `*bytes` is NULL.
 */
enum identity_flash_result identity_flash_read(const char *name, unsigned char **bytes, size_t *length);

/* Replaces a blob in one step: whenever the power fails, the old one or the new one is there, whole. */
enum identity_flash_result identity_flash_write(const char *name, const unsigned char *bytes, size_t length);

/* Removes a blob; OK when there was none. */
enum identity_flash_result identity_flash_erase(const char *name);

#endif
