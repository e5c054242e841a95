#include "unit/test.h"

#include "peer/endpoint.h"

static const struct endpoint base = {
	.address = {IP_V6, {0xfe, 0x80, [15] = 1}},
	.port = 51820,
	.scope_id = 3,
	.source = {IP_V6, {0xfe, 0x80, [15] = 2}},
	.source_ifindex = 3,
};

TEST(endpoint_same_remote)
{
	struct endpoint other = base;
	CHECK(endpoint_is_same_remote(&base, &other));
	endpoint_clear_source(&other);
	CHECK(endpoint_is_same_remote(&base, &other));
	CHECK_EQ(IP_NONE, other.source.family);
	CHECK_EQ(0, other.source_ifindex);

	other = base;
	other.address.bytes[15]++;
	CHECK(!endpoint_is_same_remote(&base, &other));
	other = base;
	other.port++;
	CHECK(!endpoint_is_same_remote(&base, &other));
	other = base;
	other.scope_id++;
	CHECK(!endpoint_is_same_remote(&base, &other));
	other = base;
	other.address.family = IP_V4;
	CHECK(!endpoint_is_same_remote(&base, &other));
}
