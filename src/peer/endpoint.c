#include "peer/endpoint.h"

bool endpoint_is_same_remote(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->scope_id == b->scope_id &&
	       ip_address_is_equal(&a->address, &b->address);
}
