#include "unit/lane.h"

#include <poll.h>

#include "noise/wire.h"
#include "unit/sandbox.h"

static uint8_t out_bytes[BURST_PACKETS_MAX * 2000], in_bytes[BURST_LARGE];
struct lane lane = {
	.out = {.bytes = out_bytes, .capacity = sizeof out_bytes},
	.in = {.bytes = in_bytes, .capacity = BURST_LARGE},
};
const struct ip_address lane_v4 = {IP_V4, {127, 0, 0, 1}}, lane_v6 = {IP_V6, {[15] = 1}};

bool lane_has_v6(void)
{
	struct udp_sockets sockets = UDP_NO_SOCKETS;
	bool has_v6 = udp_open(&sockets, 0, UDP_V6) == 0;
	udp_close(&sockets);
	return has_v6;
}

bool lane_begin(const struct ip_address *local)
{
	enum udp_families families = local->family == IP_V4 ? UDP_V4 : UDP_V6;
	REQUIRE(udp_open(&lane.a, 0, families) == 0 && udp_open(&lane.b, 0, families) == 0);
	udp_set_offload(&lane.a, true);
	udp_set_offload(&lane.b, true);
	lane.to = (struct endpoint){.address = *local, .port = lane.b.port};
	lane.out.tos = 0;
	return true;
}

void lane_fill(uint32_t count, uint32_t stride, const uint32_t *lens, uint32_t len_count)
{
	lane.out.count = count;
	lane.out.stride = stride;
	for (uint32_t i = 0; i < count; i++) {
		lane.out.len[i] = lens[i % len_count];
		uint8_t *bytes = burst_datagram(&lane.out, i);
		memset(bytes, (int)i, lane.out.len[i]);
		bytes[0] = MESSAGE_DATA;
	}
}

void lane_fill_equal(uint32_t count, uint32_t stride, uint32_t len)
{
	lane_fill(count, stride, &len, 1);
}

int lane_receive(struct endpoint *from)
{
	struct pollfd p = {.fd = udp_socket_to(&lane.b, &lane.to, false), .events = POLLIN};
	poll(&p, 1, 2000);
	return udp_receive_burst(p.fd, &lane.in, from);
}

bool lane_arrives(uint32_t *calls)
{
	uint32_t next = 0;
	for (*calls = 0; next < lane.out.count; ++*calls) {
		struct endpoint from = {0};
		int count = lane_receive(&from);
		REQUIRE(count > 0 && (uint32_t)count == lane.in.count);
		REQUIRE(lane.in.tos == lane.out.tos && from.port == lane.a.port);
		REQUIRE(ip_address_is_equal(
			&from.address, lane.to.source.family ? &lane.to.source : &lane.to.address));
		REQUIRE(ip_address_is_equal(&from.source, &lane.to.address));
		REQUIRE(next + lane.in.count <= lane.out.count);
		for (uint32_t i = 0; i < lane.in.count; i++, next++) {
			REQUIRE(lane.in.len[i] == lane.out.len[next]);
			REQUIRE(!memcmp(burst_datagram(&lane.in, i),
				burst_datagram(&lane.out, next), lane.in.len[i]));
		}
	}
	return true;
}

bool lane_send(struct udp_progress *progress)
{
	REQUIRE(udp_send_burst(&lane.a, &lane.out, &lane.to, false, progress) == 0);
	REQUIRE(progress->next == lane.out.count && progress->refused == 0);
	return true;
}
