#include "network.h"

bool network_set_access_point(const char* text)
{
	return text[0] != '\0';
}

bool network_add_route(const char* text)
{
	return text[0] != '\0';
}
