/*
 * A private key that lives in a chip (ESP32 Digital Signature peripheral, ECDSA key in eFuses, ATECC608) and signs there.
 *
 * A slot says so by a text in place of its key: `hardware:` and whatever the board's driver wants to know, as in
 * `hardware:atecc608/0`. The board's driver is one C file that defines `hardware_key_open`; the board's manifest names it
 * and leaves out hardware-key-none.c (`"~"`), which knows no chip. It fills in one of two ways to sign:
 *
 * - `sign`, called with a digest: mbedTLS 2.28 and 3.6;
 * - `psa_key`, the number of a PSA key whose driver signs: mbedTLS 4.x (ESP-IDF 6: import an esp_rsa_ds_opaque_key_t or
 *   an esp_ecdsa_opaque_key_t), with PSA_KEY_USAGE_SIGN_HASH, and for an RSA key RSA_PKCS1V15_SIGN and RSA_PSS.
 *
 * A signature is made inside one step of the handshake, so the event loop waits for it.
 */
#ifndef FIELDNODE_HARDWARE_KEY_H
#define FIELDNODE_HARDWARE_KEY_H

#include "mbedtls-keys.h"

#define HARDWARE_KEY_PREFIX "hardware:"

struct hardware_key {
	struct mp_signer signer; /* `sign` NULL: use `psa_key` */
	uint32_t psa_key;
	void (*close)(struct hardware_key *key); /* NULL when there is nothing to close */
};

/*
 * Opens the key that `name` stands for (what follows the prefix). `key` is zeroed before; it stays where it is until
 * `close`. Returns false when there is no such chip or key.
 */
bool hardware_key_open(const char *name, struct hardware_key *key);

#endif
