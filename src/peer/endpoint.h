/*
 * Where a peer is: an outer address and port, and the local address by which it
 * last reached us, so that answers leave from there. Plain data.
 */
#ifndef ADIT_PEER_ENDPOINT_H
#define ADIT_PEER_ENDPOINT_H

#include "base/ip.h"

struct endpoint {
	struct ip_address address; /* IP_NONE: unknown */
	uint16_t port;
	uint32_t scope_id;	  /* of a link-local IPv6 address, else 0 */
	struct ip_address source; /* IP_NONE: the kernel chooses */
	uint32_t source_ifindex;
};

/* Address, port and scope; the cached source does not count. */
bool endpoint_is_same_remote(const struct endpoint *a, const struct endpoint *b);

static inline void endpoint_clear_source(struct endpoint *e)
{
	e->source = (struct ip_address){0};
	e->source_ifindex = 0;
}

#endif
