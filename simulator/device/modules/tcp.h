/* TCP sockets, for the listener that makes them. */
#ifndef FIELDNODE_TCP_H
#define FIELDNODE_TCP_H

#include "xs-port.h"

/* Puts an accepted connection into `object`, a TCP without options. Takes over the file. Throws when memory is short. */
void tcp_adopt(xsMachine* the, xsSlot* object, int fd);

#endif
