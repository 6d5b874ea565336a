/*
 * The network that a node sees: one access point (option --wifi), whether the node is linked to it, and where the access
 * point sends the node's packets (option --route). Without --wifi the link is a cable that is always plugged in.
 */
#ifndef FIELDNODE_NETWORK_H
#define FIELDNODE_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>

/* Read the value of an option. False when it cannot be understood. */
bool network_set_access_point(const char* text);
bool network_add_route(const char* text);

#endif
