#include "device/staging.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "unit/short_memory.h"
#include "unit/test.h"
#include "unit/tunnel.h"

#define MANY 8

/* Peers 10.1.0.0/32 and on whose endpoint answers nothing. */
static bool add_mute_peers(struct tunnel *t, struct end *end, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct change_allowed_ip ips[] = {{.prefix = ip_net("10.1.0.0", 32)}};
		struct change_peer entry = {.public_key = {{9, (uint8_t)i}},
			.has_endpoint = true,
			.endpoint = {.address = ip("203.0.113.9"), .port = 9}};
		ips[0].prefix.address.bytes[3] = (uint8_t)i;
		entry.allowed_ips = ips;
		entry.allowed_ip_count = 1;
		if (!end_change_peer(end, &entry, &t->now))
			return false;
	}
	return true;
}

static void offer_to_mute(struct tunnel *t, struct end *end, uint32_t number, uint32_t tag)
{
	uint8_t packet[INNER_LEN];
	struct ip_address to = ip("10.1.0.0");
	to.bytes[3] = (uint8_t)number;
	inner_build(packet, INNER_LEN, &end->inner4, &to, tag);
	tunnel_offer_bytes(t, end, packet, INNER_LEN);
}

static uint32_t tag_of(const struct staged_packet *packet)
{
	return load_be32(packet->bytes + 48);
}

/* However much waits for peers that never answer, who answers gets its packets. */
TEST(staging_peers_that_do_not_answer_starve_nobody)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1600));
	CHECK(add_mute_peers(&t, &t.a, MANY));
	t.a.device->staged_bytes_max = 64 * INNER_LEN;
	for (uint32_t i = 0; i < 100; i++)
		offer_to_mute(&t, &t.a, i % MANY, i);
	CHECK_EQ(64 * INNER_LEN, t.a.device->staged_bytes);
	CHECK_EQ(36, end_drops(&t.a, DROP_NO_MEMORY));
	tunnel_pump(&t, &t.a);
	tunnel_lose(&t);
	tunnel_offer(&t, &t.a, 5, 1000);
	CHECK_EQ(64 * INNER_LEN, t.a.device->staged_bytes);
	CHECK_EQ(0, end_peer(&t.a)->drops.count[DROP_NO_MEMORY]);
	tunnel_settle(&t);
	CHECK_EQ(5, t.b.received);
	for (uint32_t i = 0; i < 5; i++)
		CHECK_EQ(1000 + i, t.b.tags[i]);
	tunnel_wipe(&t);
}

/* The handshake begins even where not one packet can be staged. */
TEST(staging_without_memory_keeps_no_handshake_back)
{
	for (int row = 0; row < 2; row++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 1601));
		struct burst *burst = tunnel_inner(&t, &t.a, 1, 7);
		if (row == 0)
			t.a.device->staged_bytes_max = INNER_LEN - 1;
		else
			short_memory_begin(1);
		staging_push(t.a.device, end_peer(&t.a), burst_inner(burst, 0), INNER_LEN);
		short_memory_end();
		CHECK_EQ(1, end_drops(&t.a, DROP_NO_MEMORY));
		CHECK(!t.a.device->staged_oldest && !t.a.device->staged_bytes);
		t.a.device->staged_bytes_max = INNER_LEN - 1;
		device_put_inner(t.a.device, burst, &t.now);
		tunnel_settle(&t);
		CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
		CHECK(end_peer(&t.a)->keyring.current);
		CHECK(tunnel_ping(&t, &t.a));
		tunnel_wipe(&t);
	}
}

/* The oldest of all goes first, be it of another peer or of the same. */
TEST(staging_drops_the_oldest_of_all)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1602));
	CHECK(add_mute_peers(&t, &t.a, 3));
	struct device *d = t.a.device;
	struct peer *first = d->peers.first->next, *second = first->next, *third = second->next;
	d->staged_bytes_max = 6 * INNER_LEN;
	for (uint32_t i = 0; i < 6; i++)
		offer_to_mute(&t, &t.a, i / 2, i); /* 0 0 1 1 2 2 */
	staging_drop(d, second, DROP_REMOVED);
	offer_to_mute(&t, &t.a, 2, 6);
	offer_to_mute(&t, &t.a, 1, 7);
	CHECK_EQ(0, end_drops(&t.a, DROP_NO_MEMORY));
	offer_to_mute(&t, &t.a, 0, 8);
	CHECK_EQ(1, first->drops.count[DROP_NO_MEMORY]);
	CHECK_EQ(1, tag_of(first->staged.first));
	offer_to_mute(&t, &t.a, 1, 9);
	CHECK_EQ(8, tag_of(first->staged.first));
	offer_to_mute(&t, &t.a, 1, 10);
	CHECK_EQ(5, tag_of(third->staged.first));
	CHECK_EQ(3, end_drops(&t.a, DROP_NO_MEMORY));
	free(staging_pop(d, second));
	CHECK_EQ(9, tag_of(second->staged.first));
	CHECK_EQ(5 * INNER_LEN, d->staged_bytes);
	CHECK(!staging_pop(d, end_peer(&t.a)));
	tunnel_wipe(&t);
}

/* One long packet takes the place of several short ones. */
TEST(staging_makes_room_for_a_long_packet)
{
	struct tunnel t;
	static uint8_t packet[8 * INNER_LEN];
	CHECK(tunnel_init(&t, 1603));
	t.a.device->staged_bytes_max = 8 * INNER_LEN;
	tunnel_offer(&t, &t.a, 8, 0);
	inner_build(packet, 5 * INNER_LEN - 1, &t.a.inner4, &t.b.inner4, 50);
	tunnel_offer_bytes(&t, &t.a, packet, 5 * INNER_LEN - 1);
	CHECK_EQ(5, end_drops(&t.a, DROP_NO_MEMORY));
	CHECK_EQ(8 * INNER_LEN - 1, t.a.device->staged_bytes);
	inner_build(packet, 8 * INNER_LEN, &t.a.inner4, &t.b.inner4, 51);
	tunnel_offer_bytes(&t, &t.a, packet, 8 * INNER_LEN);
	CHECK_EQ(1, end_peer(&t.a)->staged.count);
	CHECK_EQ(8 * INNER_LEN, t.a.device->staged_bytes);
	tunnel_wipe(&t);
}

/* Where no handshake can begin no timer runs: nothing may wait for one. */
TEST(staging_keeps_nothing_that_can_never_go)
{
	struct tunnel t;
	struct private_key none = {{0}};
	CHECK(tunnel_init(&t, 1604));
	tunnel_offer(&t, &t.a, 3, 0);
	CHECK_EQ(3, end_peer(&t.a)->staged.count);
	CHECK(end_change_key(&t.a, &none, &t.now));
	CHECK_EQ(3, end_drops(&t.a, DROP_NO_KEY));
	tunnel_offer(&t, &t.a, 10, 3);
	CHECK_EQ(13, end_drops(&t.a, DROP_NO_KEY));
	CHECK(!t.a.device->staged_oldest);
	CHECK(end_change_key(&t.a, &t.a.private_key, &t.now));
	struct shared_secret *shared = &end_peer(&t.a)->remote->static_static;
	memset(shared, 0, sizeof *shared); /* as with a key of low order */
	tunnel_offer(&t, &t.a, 4, 0);
	CHECK_EQ(4, end_peer(&t.a)->drops.count[DROP_PEER_KEY]);
	CHECK(!t.a.device->staged_oldest);
	tunnel_wipe(&t);
}
