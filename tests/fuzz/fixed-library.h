/*
 * mbedTLS without chance, for fuzzing: its random numbers are the same in every run, so that a server's answer that was
 * recorded once is right again. And without most of the arithmetic: a signature that was verified once is remembered.
 * Compiled with --wrap for each function below (CMakeLists.txt).
 */
#ifndef FIELDNODE_FIXED_LIBRARY_H
#define FIELDNODE_FIXED_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* Random numbers start again from the first. */
void fixed_library_restart(void);

/* From now on records of the server carry plaintext, with the room of a tag behind it that nobody looks at. */
void fixed_library_open_records(bool open);

/* A record before it was decrypted, its tag included, and after. */
typedef void (*record_watcher)(const unsigned char *ciphertext, size_t ciphertext_length,
                               const unsigned char *plaintext, size_t plaintext_length);

/* Has it called for each record that was decrypted; NULL for nobody. */
void fixed_library_watch(record_watcher watcher);

#endif
