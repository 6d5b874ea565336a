#ifndef FIELDNODE_VERSION_H
#define FIELDNODE_VERSION_H

/* Prints one line: the versions of XS and mbedTLS in this program, and the versions of TLS that it speaks. */
void version_print(void);

#endif
