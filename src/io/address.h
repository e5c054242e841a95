/*
 * Endpoints as the system calls want them and back.
 */
#ifndef ADIT_IO_ADDRESS_H
#define ADIT_IO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "peer/endpoint.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Address, port and scope; returns the length for the kernel, 0 when the address is unknown. */
socklen_t address_from_endpoint(union address *out, const struct endpoint *endpoint);

/* The endpoint without a source. false: neither IPv4 nor IPv6; then *out is unknown. */
bool address_to_endpoint(struct endpoint *out, const struct sockaddr *address);

#endif
