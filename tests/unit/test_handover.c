#include "unit/test.h"

#include "io/handover.h"

/* Numbers stand in for descriptors: none is used. */
static void fill(struct udp_sockets *sockets, uint32_t count, uint32_t without)
{
	*sockets = (struct udp_sockets){.count = count, .port = 51820, .steer_error = -5};
	for (uint32_t i = 0; i < count; i++) {
		int handshakes = without >> i & 1 ? -1 : (int)(200 + i);
		sockets->pairs[i] = (struct udp_pair){(int)(100 + i), handshakes};
		sockets->places[i] = (struct udp_place){{i % 2 ? IP_V6 : IP_V4, {(uint8_t)i}}, i};
	}
}

TEST(handover_gives_what_was_taken)
{
	struct udp_sockets given, taken;
	for (uint32_t count = 1; count <= UDP_PLACES_MAX; count++) {
		for (uint32_t without = 0; without < 1u << count; without++) {
			int fds[UDP_SOCKETS_MAX];
			struct to_engine message = {
				.kind = TO_ENGINE_SOCKETS, .sockets.request_id = 7};
			fill(&given, count, without);
			size_t fd_count = handover_put(&message, &given, fds);
			CHECK_EQ(7, message.sockets.request_id);
			CHECK(to_engine_is_valid(&message, fd_count));
			CHECK(!to_engine_is_valid(&message, fd_count + 1));
			handover_take(&taken, &message, fds);
			CHECK_EQ(count, taken.count);
			CHECK_EQ(51820, taken.port);
			CHECK_MEM(given.pairs, taken.pairs, count * sizeof *given.pairs);
			CHECK_MEM(given.places, taken.places, count * sizeof *given.places);
		}
	}
}

TEST(handover_of_an_error_is_no_sockets)
{
	struct udp_sockets taken;
	struct to_engine message = {.kind = TO_ENGINE_SOCKETS, .sockets.error = -98};
	CHECK(to_engine_is_valid(&message, 0));
	handover_take(&taken, &message, NULL);
	CHECK_EQ(0, taken.count);
}
