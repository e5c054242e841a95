#include "io/address.h"

#include <arpa/inet.h>
#include <string.h>

socklen_t address_from_endpoint(union address *out, const struct endpoint *endpoint)
{
	const struct ip_address *ip = &endpoint->address;
	memset(out, 0, sizeof *out);
	switch (ip->family) {
	case IP_V4:
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(endpoint->port);
		memcpy(&out->v4.sin_addr, ip->bytes, 4);
		return sizeof out->v4;
	case IP_V6:
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(endpoint->port);
		out->v6.sin6_scope_id = endpoint->scope_id;
		memcpy(&out->v6.sin6_addr, ip->bytes, 16);
		return sizeof out->v6;
	default: return 0;
	}
}

bool address_to_endpoint(struct endpoint *out, const struct sockaddr *address)
{
	union address a;
	*out = (struct endpoint){0};
	if (address->sa_family == AF_INET) {
		memcpy(&a.v4, address, sizeof a.v4);
		out->address.family = IP_V4;
		memcpy(out->address.bytes, &a.v4.sin_addr, 4);
		out->port = ntohs(a.v4.sin_port);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&a.v6, address, sizeof a.v6);
		out->address.family = IP_V6;
		memcpy(out->address.bytes, &a.v6.sin6_addr, 16);
		out->port = ntohs(a.v6.sin6_port);
		out->scope_id = a.v6.sin6_scope_id;
		return true;
	}
	return false;
}
