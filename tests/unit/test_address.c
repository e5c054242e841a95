#include "unit/test.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "io/address.h"

TEST(address_v4_both_ways)
{
	struct endpoint there = {.address = {IP_V4, {192, 0, 2, 7}}, .port = 51820, .scope_id = 9},
			back;
	union address address;
	CHECK_EQ(sizeof(struct sockaddr_in), address_from_endpoint(&address, &there));
	CHECK_EQ(AF_INET, address.any.sa_family);
	CHECK_EQ(htons(51820), address.v4.sin_port);
	CHECK_EQ(inet_addr("192.0.2.7"), address.v4.sin_addr.s_addr);
	memset(&back, 0xff, sizeof back);
	CHECK(address_to_endpoint(&back, &address.any));
	CHECK_EQ(IP_V4, back.address.family);
	CHECK_MEM(there.address.bytes, back.address.bytes, 16);
	CHECK_EQ(51820, back.port);
	CHECK_EQ(0, back.scope_id);
	CHECK_EQ(IP_NONE, back.source.family);
	CHECK_EQ(0, back.source_ifindex);
}

TEST(address_v6_both_ways)
{
	struct endpoint there = {
		.address = {IP_V6, {0xfe, 0x80, [15] = 1}}, .port = 1, .scope_id = 3};
	struct endpoint back;
	union address address;
	char text[INET6_ADDRSTRLEN];
	CHECK_EQ(sizeof(struct sockaddr_in6), address_from_endpoint(&address, &there));
	CHECK_EQ(AF_INET6, address.any.sa_family);
	CHECK_EQ(htons(1), address.v6.sin6_port);
	CHECK_EQ(3, address.v6.sin6_scope_id);
	CHECK_EQ(0, address.v6.sin6_flowinfo);
	CHECK_STR("fe80::1", inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text));
	memset(&back, 0xff, sizeof back);
	CHECK(address_to_endpoint(&back, &address.any));
	CHECK_EQ(IP_V6, back.address.family);
	CHECK_MEM(there.address.bytes, back.address.bytes, 16);
	CHECK_EQ(1, back.port);
	CHECK_EQ(3, back.scope_id);
	CHECK_EQ(IP_NONE, back.source.family);
}

TEST(address_of_neither_family)
{
	struct endpoint unknown = {.port = 5}, back;
	union address address;
	struct sockaddr_un other = {.sun_family = AF_UNIX};
	CHECK_EQ(0, address_from_endpoint(&address, &unknown));
	CHECK(!address_to_endpoint(&back, (const struct sockaddr *)&other));
	CHECK_EQ(IP_NONE, back.address.family);
}
