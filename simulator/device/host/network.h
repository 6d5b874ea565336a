/*
 * The network that a node sees: whether it is linked to an access point (access-points.h), and where that sends the node's
 * packets (option --route). Without --wifi the link is a cable that is always plugged in.
 *
 * Without a link sockets behave as lwIP's do: new connections and datagrams are refused, connections that were open are
 * lost, and the peer hears nothing of that.
 */
#ifndef FIELDNODE_NETWORK_H
#define FIELDNODE_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Link to the access point. To lose it cuts every socket. */
bool network_has_link(void);
void network_set_link(bool link);

/* A socket that the loss of the link cuts. `cut` may remove it from the list. */
struct network_socket {
	void (*cut)(struct network_socket* socket);
	struct network_socket* next;
	bool listed;
};

void network_add_socket(struct network_socket* socket);
void network_remove_socket(struct network_socket* socket);

/* Keeps the file of a connection that was cut open, so that its peer hears nothing, until the link is back. */
void network_keep_silent(int fd);

/* Where packets for `address` go, and which address the answers of `address` seem to come from. IPPROTO_TCP or _UDP. */
struct sockaddr_in network_route(int protocol, struct sockaddr_in address);
struct sockaddr_in network_route_back(int protocol, struct sockaddr_in address);

/* Reads the value of an option. False when it cannot be understood. */
bool network_add_route(const char* text);

/* Reads an IPv4 address in dotted form. */
bool network_parse_address(const char* text, uint16_t port, struct sockaddr_in* address);

#endif
