#include "network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access-points.h"

enum { route_limit = 32, silent_limit = 64 };

struct route {
	int protocol;
	struct sockaddr_in from, to;
};

static bool link_up;
static struct network_socket* first_socket;
static int silent[silent_limit];
static unsigned int silent_count;
static struct route routes[route_limit];
static unsigned int route_count;

bool network_has_link(void)
{
	return link_up || access_points_count() == 0;
}

/* The node's network stack knows nothing of its old connections: it answers what still comes for them with a reset. */
static void reset_silent_connections(void)
{
	while (silent_count > 0) {
		int fd = silent[--silent_count];
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1, .l_linger = 0 }, sizeof(struct linger));
		close(fd);
	}
}

void network_set_link(bool link)
{
	bool lost = link_up && !link;
	link_up = link;
	if (link)
		reset_silent_connections();
	while (lost && first_socket) {
		struct network_socket* socket = first_socket;
		network_remove_socket(socket);
		socket->cut(socket);
	}
}

void network_add_socket(struct network_socket* socket)
{
	if (socket->listed)
		return;
	socket->listed = true;
	socket->next = first_socket;
	first_socket = socket;
}

void network_remove_socket(struct network_socket* socket)
{
	if (!socket->listed)
		return;
	socket->listed = false;
	struct network_socket** link = &first_socket;
	while (*link != socket)
		link = &(*link)->next;
	*link = socket->next;
}

void network_keep_silent(int fd)
{
	if (silent_count < silent_limit)
		silent[silent_count++] = fd;
	else
		close(fd);
}

static bool same(const struct sockaddr_in* a, const struct sockaddr_in* b)
{
	return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

struct sockaddr_in network_route(int protocol, struct sockaddr_in address)
{
	for (unsigned int i = 0; i < route_count; i++)
		if (routes[i].protocol == protocol && same(&routes[i].from, &address))
			return routes[i].to;
	return address;
}

struct sockaddr_in network_route_back(int protocol, struct sockaddr_in address)
{
	for (unsigned int i = 0; i < route_count; i++)
		if (routes[i].protocol == protocol && same(&routes[i].to, &address))
			return routes[i].from;
	return address;
}

bool network_parse_address(const char* text, uint16_t port, struct sockaddr_in* address)
{
	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	return inet_pton(AF_INET, text, &address->sin_addr) == 1;
}

/* ADDRESS:PORT, up to `end` or the end of the text. Returns what follows, or NULL. */
static const char* parse_endpoint(const char* text, struct sockaddr_in* address)
{
	char name[INET_ADDRSTRLEN];
	size_t length = strcspn(text, ":");
	if (text[length] != ':' || length >= sizeof(name))
		return NULL;
	memcpy(name, text, length);
	name[length] = '\0';
	char* end;
	unsigned long port = strtoul(text + length + 1, &end, 10);
	if (end == text + length + 1 || port < 1 || port > 65535)
		return NULL;
	return network_parse_address(name, (uint16_t)port, address) ? end : NULL;
}

bool network_add_route(const char* text)
{
	if (route_count == route_limit)
		return false;
	struct route* route = &routes[route_count];
	if (strncmp(text, "udp:", 4) == 0)
		route->protocol = IPPROTO_UDP;
	else if (strncmp(text, "tcp:", 4) == 0)
		route->protocol = IPPROTO_TCP;
	else
		return false;
	const char* rest = parse_endpoint(text + 4, &route->from);
	if (!rest || *rest != '=')
		return false;
	rest = parse_endpoint(rest + 1, &route->to);
	if (!rest || *rest != '\0')
		return false;
	route_count++;
	return true;
}
