/* Records what a real server answers to a session, as seeds for the fuzzer. */
#ifndef FIELDNODE_SERVER_ANSWER_H
#define FIELDNODE_SERVER_ANSWER_H

#include "../../modules/secure-socket/tls-engine.h"

/*
 * Lets the session talk to 127.0.0.1 until the server closes. Writes FILE, the answer as it was, and FILE-open, the same
 * with its encrypted records' content in place of the ciphertext; each behind a byte of choices, 0 and `open`. Returns
 * whether the session was open in between.
 */
bool record_answer(struct tls_engine *engine, int port, const char *file, unsigned char open);

#endif
