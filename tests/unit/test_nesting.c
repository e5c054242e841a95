#include "device/nesting.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "unit/test.h"
#include "unit/tunnel.h"

#define ROUTED_MTU 1400
#define SENT_MAX   1000 /* a circle that is not broken sends without end */

/*
 * a is the hub. Beside b it has peers without an end: each a session, the inner
 * address 10.1.0.<number>, and an endpoint. The host routes 10.1.0.0/16 to the TUN.
 */
static struct ip_address inner_of(uint32_t number)
{
	struct ip_address address = ip("10.1.0.0");
	address.bytes[3] = (uint8_t)number;
	return address;
}

static struct endpoint outside(uint32_t number)
{
	struct endpoint endpoint = {.address = ip("198.51.100.0"), .port = 4000};
	endpoint.address.bytes[3] = (uint8_t)number;
	return endpoint;
}

static struct endpoint inside(uint32_t number)
{
	return (struct endpoint){.address = inner_of(number), .port = 5000};
}

static bool set_peer(struct tunnel *t, uint32_t number, struct endpoint endpoint)
{
	struct change_allowed_ip ips[] = {{.prefix = {inner_of(number), 32}}};
	struct change_peer entry = {.public_key = {{9, (uint8_t)number}},
		.has_endpoint = true,
		.endpoint = endpoint,
		.allowed_ips = ips,
		.allowed_ip_count = 1};
	return end_change_peer(&t->a, &entry, &t->now);
}

static struct peer *find_peer(struct tunnel *t, uint32_t number)
{
	struct public_key key = {{9, (uint8_t)number}};
	return peer_table_find(&t->a.device->peers, &key);
}

static bool add_peer(struct tunnel *t, uint32_t number, struct endpoint endpoint)
{
	struct device *d = t->a.device;
	struct session_keys keys = {{{1}}, {{2}}};
	uint32_t index;
	if (!set_peer(t, number, endpoint))
		return false;
	struct peer *peer = find_peer(t, number);
	if (!index_table_draw(&d->indices, peer, &d->rng, &index))
		return false;
	peer->keyring.current =
		session_create(d->arena, &keys, index, 7000 + number % 2, true, t->now.boottime);
	remote_table_add(&d->remotes, peer->keyring.current);
	return true;
}

static bool remove_peer(struct tunnel *t, uint32_t number)
{
	struct change_peer entry = {.public_key = {{9, (uint8_t)number}}, .remove = true};
	return end_change_peer(&t->a, &entry, &t->now);
}

/* As the host does it with a datagram whose route leads to the TUN, in fragments if need be. */
static void route_back(struct tunnel *t, const struct flight *f)
{
	static uint8_t whole[65536], packet[20 + ROUTED_MTU];
	uint32_t len = 8 + f->len;
	store_be16(whole, 1001);
	store_be16(whole + 2, f->to.port);
	store_be16(whole + 4, (uint16_t)len);
	memcpy(whole + 8, f->bytes, f->len);
	for (uint32_t at = 0; at < len; at += ROUTED_MTU) {
		uint32_t part = len - at < ROUTED_MTU ? len - at : ROUTED_MTU;
		bool has_more = at + part < len;
		memset(packet, 0, 20);
		packet[0] = 0x45;
		store_be16(packet + 2, (uint16_t)(20 + part));
		store_be16(packet + 6, (uint16_t)((has_more ? 0x2000 : 0) | at / 8));
		packet[9] = 17;
		memcpy(packet + 12, t->a.inner4.bytes, 4);
		memcpy(packet + 16, f->to.address.bytes, 4);
		memcpy(packet + 20, whole + at, part);
		tunnel_offer_bytes(t, &t->a, packet, 20 + part);
	}
}

/* One packet for the peer, and all that comes of it; how many datagrams the hub sent. */
static uint32_t send_to(struct tunnel *t, uint32_t number, uint32_t len)
{
	static uint8_t packet[2 * ROUTED_MTU];
	uint32_t sent = 0;
	struct ip_address to = inner_of(number);
	inner_build(packet, len, &t->a.inner4, &to, 1);
	packet[6] = packet[7] = packet[9] = 0;
	tunnel_offer_bytes(t, &t->a, packet, len);
	tunnel_pump(t, &t->a);
	for (struct flight *f; sent < SENT_MAX && (f = tunnel_take(t)); free(f)) {
		sent++;
		if (f->to.address.bytes[0] == 10)
			route_back(t, f);
		else
			t->lost++;
		tunnel_pump(t, &t->a);
	}
	tunnel_lose(t);
	return sent;
}

/* Each peer's endpoint lies in the tunnel of the next: a packet must not go round. */
TEST(nesting_circles_of_peers_are_broken)
{
	for (uint32_t count = 1; count <= NESTING_MAX + 3; count++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 1700 + count));
		for (uint32_t i = 0; i < count; i++)
			CHECK(add_peer(&t, i, inside((i + 1) % count)));
		for (uint32_t i = 0; i < count; i++) {
			CHECK_EQ(i, end_drops(&t.a, DROP_LOOP));
			CHECK(send_to(&t, i, INNER_LEN) <= count);
		}
		/* a later fragment is not known, and is a new packet, until it is a datagram again
		 */
		CHECK(send_to(&t, 0, 2 * ROUTED_MTU) <= 3 * (NESTING_MAX + 1) * (NESTING_MAX + 1));
		CHECK_EQ(0, t.lost);
		tunnel_wipe(&t);
	}
}

/* Onion routing: each layer is sealed, and the last one leaves. */
TEST(nesting_one_peer_behind_another_is_fine)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1720));
	for (uint32_t i = 0; i < NESTING_MAX; i++)
		CHECK(add_peer(&t, i, i + 1 < NESTING_MAX ? inside(i + 1) : outside(i)));
	for (uint32_t i = 0; i < 50; i++) {
		uint32_t number = (5 * i) % NESTING_MAX;
		CHECK_EQ(NESTING_MAX - number, send_to(&t, number, INNER_LEN));
		tunnel_skip(&t, SECOND);
	}
	CHECK_EQ(50, t.lost);
	CHECK_EQ(0, end_drops_total(&t.a));
	CHECK_EQ(
		2, send_to(&t, NESTING_MAX - 1, 2 * ROUTED_MTU) + send_to(&t, NESTING_MAX - 1, 84));
	tunnel_wipe(&t);
}

/* More layers than are followed are taken for a circle; no fewer. */
TEST(nesting_is_followed_so_far)
{
	for (uint32_t count = NESTING_MAX + 1; count <= NESTING_MAX + 2; count++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 1730 + count));
		for (uint32_t i = 0; i < count; i++)
			CHECK(add_peer(&t, i, i + 1 < count ? inside(i + 1) : outside(i)));
		for (uint32_t i = count; i-- > 0;)
			CHECK(send_to(&t, i, INNER_LEN) > 0);
		CHECK_EQ(count > NESTING_MAX + 1, end_drops(&t.a, DROP_LOOP) > 0);
		tunnel_wipe(&t);
	}
}

/* An initiation is ours when a handshake of ours waits with that index, not a session. */
TEST(nesting_knows_initiations_by_their_handshake)
{
	struct tunnel t;
	uint8_t packet[20 + 8 + MESSAGE_INITIATION_LEN] = {0x45};
	CHECK(tunnel_init(&t, 1740) && add_peer(&t, 0, inside(0)));
	store_be16(packet + 2, sizeof packet);
	packet[9] = 17;
	memcpy(packet + 12, t.a.inner4.bytes, 4);
	memcpy(packet + 16, inner_of(0).bytes, 4);
	store_be16(packet + 22, 5000);
	store_be16(packet + 24, 8 + MESSAGE_INITIATION_LEN);
	store_le32(packet + 28, MESSAGE_INITIATION);
	store_le32(packet + 32, find_peer(&t, 0)->keyring.current->local_index);
	tunnel_offer_bytes(&t, &t.a, packet, sizeof packet);
	tunnel_pump(&t, &t.a);
	tunnel_lose(&t);
	CHECK_EQ(0, end_drops(&t.a, DROP_LOOP));
	tunnel_wipe(&t);
}

/* Who was behind whom may change with the routes. */
TEST(nesting_that_was_is_forgotten)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1721));
	CHECK(add_peer(&t, 0, inside(1)) && add_peer(&t, 1, outside(1)));
	CHECK_EQ(2, send_to(&t, 0, INNER_LEN));
	CHECK(set_peer(&t, 0, outside(0)) && set_peer(&t, 1, inside(0)));
	tunnel_skip(&t, NESTING_TIME - 1);
	send_to(&t, 1, INNER_LEN);
	CHECK_EQ(1, end_drops(&t.a, DROP_LOOP));
	tunnel_skip(&t, 1);
	CHECK_EQ(2, send_to(&t, 1, INNER_LEN));
	CHECK_EQ(1, end_drops(&t.a, DROP_LOOP));
	tunnel_wipe(&t);
}

/* The peer in whose tunnel another was seen is freed: nothing may follow it there. */
TEST(nesting_removed_peers_are_forgotten)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1722));
	CHECK(add_peer(&t, 0, inside(1)) && add_peer(&t, 1, outside(1)));
	CHECK(add_peer(&t, 2, inside(0)));
	CHECK_EQ(3, send_to(&t, 2, INNER_LEN));
	CHECK(find_peer(&t, 0)->nested_in == find_peer(&t, 1));
	uint64_t epoch = t.a.device->nesting_epoch;
	CHECK(remove_peer(&t, 1));
	CHECK(find_peer(&t, 0)->nesting_epoch == epoch && t.a.device->nesting_epoch != epoch);
	CHECK_EQ(2, send_to(&t, 2, INNER_LEN)); /* no peer has the address any more */
	CHECK_EQ(0, end_drops(&t.a, DROP_LOOP));
	tunnel_wipe(&t);
}

/* All sessions of a peer are known, and as soon as they are gone they are not. */
TEST(nesting_knows_the_sessions_there_are)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1723));
	for (int i = 0; i < 4; i++) {
		CHECK(tunnel_ping(&t, &t.a));
		CHECK_EQ(i < 2 ? 1 + (size_t)i : 2, t.a.device->remotes.count);
		tunnel_skip(&t, REKEY_AFTER_TIME);
		CHECK(tunnel_ping(&t, &t.a));
		tunnel_skip(&t, SECOND);
	}
	const struct keyring *ring = &end_peer(&t.a)->keyring;
	const struct remote_table *remotes = &t.a.device->remotes;
	CHECK(remote_table_next(remotes, ring->current->remote_index, NULL) == ring->current);
	CHECK(remote_table_next(remotes, ring->previous->remote_index, NULL) == ring->previous);
	device_set_link(t.a.device, false, &t.now);
	CHECK_EQ(0, remotes->count);
	tunnel_wipe(&t);
}

/* Where a datagram of the other end comes from, in the eyes of this one. */
static void bring_from(struct tunnel *t, struct end *end, uint32_t ifindex, const char *address)
{
	struct flight *f = tunnel_take(t);
	struct endpoint from = {.address = ip(address),
		.port = 77,
		.source = ip("10.0.0.9"),
		.source_ifindex = ifindex};
	tunnel_receive(t, end, f->bytes, f->len, &from);
	free(f);
	tunnel_pump(t, end);
}

/* Data out of a tunnel is delivered, and moves no endpoint; a handshake, which is new, does. */
TEST(nesting_data_out_of_a_tunnel_moves_no_endpoint)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1724));
	CHECK(tunnel_ping(&t, &t.a));
	const struct endpoint *to = &end_peer(&t.b)->endpoint;
	device_set_ifindex(t.b.device, 5);
	struct endpoint before = *to;
	tunnel_offer(&t, &t.a, 1, 50);
	tunnel_pump(&t, &t.a);
	bring_from(&t, &t.b, 5, "10.0.0.3");
	CHECK_EQ(2, t.b.received);
	CHECK(endpoint_is_same_remote(&before, to));
	CHECK_EQ(1, to->source_ifindex);
	tunnel_offer(&t, &t.a, 1, 51);
	tunnel_pump(&t, &t.a);
	bring_from(&t, &t.b, 4, "198.51.100.3");
	CHECK_EQ(3, t.b.received);
	CHECK(!endpoint_is_same_remote(&before, to));
	tunnel_offer(&t, &t.a, 1, 52);
	tunnel_pump(&t, &t.a);
	bring_from(&t, &t.b, 5, "198.51.100.3"); /* no move: the source is learned as ever */
	CHECK_EQ(5, to->source_ifindex);
	tunnel_skip(&t, REJECT_AFTER_TIME);
	tunnel_offer(&t, &t.a, 1, 53);
	tunnel_pump(&t, &t.a);
	bring_from(&t, &t.b, 5, "10.0.0.4");
	struct ip_address there = ip("10.0.0.4");
	CHECK(ip_address_is_equal(&there, &to->address));
	tunnel_wipe(&t);
}
