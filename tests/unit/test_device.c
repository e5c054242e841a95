#include "unit/test.h"

#include "base/bytes.h"
#include "unit/tunnel.h"

#define SEALED_PING_LEN 128 /* 84 padded to 96, header, tag */

static bool set_psk(struct tunnel *t, struct end *end, uint8_t byte)
{
	struct change_peer entry = entry_of(tunnel_other(t, end));
	entry.has_preshared_key = true;
	memset(&entry.preshared_key, byte, sizeof entry.preshared_key);
	return end_change_peer(end, &entry, &t->now);
}

TEST(device_pings_both_ways_in_both_roles_with_and_without_preshared_key)
{
	for (int row = 0; row < 8; row++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 100 + (uint64_t)row));
		struct end *initiator = row & 1 ? &t.a : &t.b;
		struct end *responder = tunnel_other(&t, initiator);
		if (row & 2)
			CHECK(set_psk(&t, &t.a, 0) && set_psk(&t, &t.b, 0));
		if (row & 4) {
			t.a.inner4 = t.a.inner6;
			t.b.inner4 = t.b.inner6;
		}
		CHECK(tunnel_ping(&t, initiator));
		CHECK_EQ(1, initiator->sent[MESSAGE_INITIATION]);
		CHECK_EQ(1, responder->sent[MESSAGE_RESPONSE]);
		CHECK_EQ(1, initiator->sent[MESSAGE_DATA]);
		CHECK_EQ(1, responder->sent[MESSAGE_DATA]);
		CHECK(end_peer(initiator)->keyring.current->is_initiator);
		CHECK(!end_peer(responder)->keyring.current->is_initiator);
		CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
		CHECK_EQ(1, end_take_events(&t.a, EVENT_SESSION));
		CHECK_EQ(1, end_take_events(&t.b, EVENT_SESSION));
		tunnel_wipe(&t);
	}
}

TEST(device_with_different_preshared_keys_has_no_session)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 110));
	CHECK(set_psk(&t, &t.b, 0));
	CHECK(!tunnel_ping(&t, &t.a));
	CHECK_EQ(1, end_drops(&t.a, DROP_RESPONSE_FORGED));
	CHECK_EQ(0, t.a.sent[MESSAGE_DATA] + t.b.sent[MESSAGE_DATA]);
	CHECK(set_psk(&t, &t.b, 0x5a)); /* counts from the next handshake on */
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(1, t.b.received);
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

/* A wrong answer is told from none. */
TEST(device_tells_of_an_answer_that_is_not_valid)
{
	struct tunnel t;
	struct event event;
	CHECK(tunnel_init(&t, 112));
	CHECK(set_psk(&t, &t.b, 0));
	CHECK(!tunnel_ping(&t, &t.a));
	CHECK_EQ(1, end_take_events(&t.a, EVENT_REFUSED));
	t.b.is_mute = true;
	tunnel_run(&t, 6 * SECOND);
	CHECK(device_take_event(t.a.device, &event));
	CHECK_EQ(EVENT_NO_ANSWER, event.kind);
	CHECK(event.is_answered);
	tunnel_run(&t, 6 * SECOND);
	CHECK(device_take_event(t.a.device, &event));
	CHECK_EQ(EVENT_NO_ANSWER, event.kind);
	CHECK(!event.is_answered);
	tunnel_wipe(&t);
}

/* The counters of the kernel's namespace test: rx 1372, tx 1428, or 1460 with a keepalive. */
TEST(device_counts_ten_pings_to_the_byte)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 111));
	for (int i = 0; i < 10; i++)
		CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(148 + 10 * SEALED_PING_LEN, end_peer(&t.a)->tx_bytes);
	CHECK_EQ(92 + 10 * SEALED_PING_LEN, end_peer(&t.a)->rx_bytes);
	CHECK_EQ(92 + 10 * SEALED_PING_LEN, end_peer(&t.b)->tx_bytes);
	CHECK_EQ(148 + 10 * SEALED_PING_LEN, end_peer(&t.b)->rx_bytes);
	tunnel_run(&t, 10 * SECOND);
	CHECK_EQ(1460, end_peer(&t.a)->tx_bytes);
	CHECK_EQ(1372, end_peer(&t.a)->rx_bytes);
	CHECK_EQ(1460, end_peer(&t.b)->rx_bytes);
	tunnel_wipe(&t);
}

/* Regressions 27: padded to 16, but never beyond the MTU; what comes out is as it went in. */
TEST(device_carries_packets_of_every_length)
{
	struct tunnel t;
	static uint8_t packet[TUNNEL_MTU];
	CHECK(tunnel_init(&t, 112));
	CHECK(tunnel_ping(&t, &t.a));
	for (uint32_t len = 52; len <= TUNNEL_MTU; len++) {
		bool is_v6 = len % 2;
		inner_build(packet, len, is_v6 ? &t.a.inner6 : &t.a.inner4,
			is_v6 ? &t.b.inner6 : &t.b.inner4, len);
		tunnel_offer_bytes(&t, &t.a, packet, len);
		tunnel_pump(&t, &t.a);
		uint32_t padded = (len + 15) / 16 * 16;
		if (padded > TUNNEL_MTU)
			padded = TUNNEL_MTU;
		CHECK(t.first && !t.first->next);
		CHECK_EQ(32 + padded, t.first->len);
		tunnel_settle(&t);
		CHECK_EQ(len, t.b.inner_len);
		CHECK_MEM(packet, t.b.inner, len);
	}
	tunnel_wipe(&t);
}

TEST(device_carries_bursts_in_order)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 113));
	CHECK(tunnel_ping(&t, &t.a));
	t.b.received = 0;
	tunnel_offer(&t, &t.a, 128, 1000);
	tunnel_offer(&t, &t.a, 1, 1128);
	tunnel_offer(&t, &t.a, 31, 1129);
	tunnel_settle(&t);
	CHECK_EQ(160, t.b.received);
	for (uint32_t i = 0; i < 160; i++)
		CHECK_EQ(1000 + i, t.b.tags[i]);
	CHECK_EQ(161, end_peer(&t.a)->keyring.current->send_counter);
	tunnel_wipe(&t);
}

/* One seed replays a run bit for bit. */
TEST(device_is_a_pure_function)
{
	uint64_t sums[2];
	for (int run = 0; run < 2; run++) {
		struct tunnel t;
		struct blake2s ctx;
		CHECK(tunnel_init(&t, 114));
		blake2s_init(&ctx, 8, NULL, 0);
		for (int i = 0; i < 200; i++) {
			tunnel_offer(&t, i % 3 ? &t.a : &t.b, 1 + (uint32_t)i % 5, 0);
			tunnel_pump(&t, &t.a);
			tunnel_pump(&t, &t.b);
			for (struct flight *f = t.first; f; f = f->next)
				blake2s_update(&ctx, f->bytes, f->len);
			tunnel_run(&t, 2 * SECOND);
		}
		uint8_t sum[8];
		blake2s_final(&ctx, sum);
		sums[run] = load_le64(sum);
		tunnel_wipe(&t);
	}
	CHECK_EQ(sums[0], sums[1]);
}

TEST(device_drops_what_it_cannot_send)
{
	struct tunnel t;
	uint8_t packet[INNER_LEN];
	struct ip_address nobody = ip("10.9.9.9");
	CHECK(tunnel_init(&t, 115));
	inner_build(packet, INNER_LEN, &t.a.inner4, &nobody, 0);
	tunnel_offer_bytes(&t, &t.a, packet, INNER_LEN);
	CHECK_EQ(1, end_drops(&t.a, DROP_NO_ROUTE));
	inner_build(packet, INNER_LEN, &t.a.inner4, &t.b.inner4, 0);
	tunnel_offer_bytes(&t, &t.a, packet, INNER_LEN - 1); /* its header claims more */
	packet[0] = 0x55;
	tunnel_offer_bytes(&t, &t.a, packet, INNER_LEN);
	tunnel_offer_bytes(&t, &t.a, packet, 1);
	CHECK_EQ(3, end_drops(&t.a, DROP_INNER_MALFORMED));
	tunnel_offer(&t, &t.a, 0, 0);
	end_peer(&t.a)->endpoint = (struct endpoint){0};
	tunnel_offer(&t, &t.a, 5, 0);
	CHECK_EQ(5, end_drops(&t.a, DROP_NO_ENDPOINT));
	CHECK_EQ(5, end_peer(&t.a)->drops.count[DROP_NO_ENDPOINT]);
	CHECK_EQ(9, end_drops_total(&t.a));
	tunnel_pump(&t, &t.a);
	CHECK(!t.first && !end_peer(&t.a)->staged.first);
	CHECK_EQ(0, t.a.pool.bytes_out);
	tunnel_wipe(&t);
}

TEST(device_that_is_down_is_deaf_and_dumb)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 116));
	device_set_link(t.b.device, false, &t.now);
	tunnel_offer(&t, &t.a, 2, 0);
	tunnel_offer(&t, &t.b, 3, 0);
	tunnel_settle(&t);
	CHECK_EQ(0, end_sent(&t.b));
	CHECK_EQ(4, end_drops(&t.b, DROP_REMOVED)); /* one initiation, three packets */
	CHECK_EQ(NANOS_NEVER, device_deadline(t.b.device));
	tunnel_wipe(&t);
}

TEST(device_shows_what_it_has)
{
	struct tunnel t;
	struct public_key stranger = {{1}};
	struct ip_address nobody = ip("10.0.0.3"), none = {0};
	CHECK(tunnel_init(&t, 117));
	const struct device *d = t.a.device;
	CHECK_MEM(&t.a.private_key, device_private_key(d), DH_LEN);
	CHECK_MEM(&t.a.public_key, device_public_key(d), DH_LEN);
	CHECK_EQ(1, device_peer_count(d));
	CHECK(device_first_peer(d) && !device_first_peer(d)->next);
	CHECK(device_find_peer(d, &t.b.public_key) == device_first_peer(d));
	CHECK(!device_find_peer(d, &stranger));
	CHECK(device_route(d, &t.b.inner4) == device_first_peer(d));
	CHECK(device_route(d, &t.b.inner6) == device_first_peer(d));
	CHECK(!device_route(d, &nobody) && !device_route(d, &none));
	struct private_key no_key = {{0}};
	CHECK(end_change_key(&t.a, &no_key, &t.now));
	CHECK(!device_private_key(d) && !device_public_key(d));
	tunnel_wipe(&t);
}

/* The source by which the peer last reached us is remembered until something goes wrong. */
TEST(device_forgets_the_source_address_that_fails)
{
	struct tunnel t;
	struct public_key stranger = {{1}};
	CHECK(tunnel_init(&t, 118));
	CHECK(tunnel_ping(&t, &t.a));
	const struct endpoint *to = &end_peer(&t.b)->endpoint;
	CHECK(ip_address_is_equal(&t.b.address.address, &to->source));
	CHECK_EQ(1, to->source_ifindex);
	device_on_send_error(t.b.device, &stranger);
	CHECK_EQ(IP_V6, to->source.family);
	device_on_send_error(t.b.device, &t.a.public_key);
	CHECK_EQ(IP_NONE, to->source.family);
	CHECK_EQ(0, to->source_ifindex);
	CHECK(endpoint_is_same_remote(&t.a.address, to));
	tunnel_wipe(&t);
}

/* What is different about a datagram of ours that routes lead back into the tunnel. */
struct looped_row {
	uint32_t type, index_change;
	uint16_t port_change, fragment; /* more to come: 1; later ones have 8 or more */
	uint8_t protocol;
	bool is_cut, is_elsewhere, is_loop;
};

/* The packet for the end's peer, as changed; it may be shorter than INNER_LEN. */
static void build_looped(
	uint8_t *packet, struct tunnel *t, const struct end *end, const struct looped_row *row)
{
	const struct peer *peer = end_peer(end);
	bool is_v4 = peer->endpoint.address.family == IP_V4;
	uint32_t udp = is_v4 ? 20 : row->fragment ? 48 : 40;
	uint32_t len = udp + 8 + (row->is_cut ? 7 : 8);
	const struct end *other = tunnel_other(t, end);
	const struct ip_address *to = is_v4 ? &other->inner4 : &other->inner6;
	inner_build(packet, INNER_LEN, is_v4 ? &end->inner4 : &end->inner6,
		row->is_elsewhere ? to : &peer->endpoint.address, 1);
	if (is_v4) {
		store_be16(packet + 2, (uint16_t)len);
		store_be16(packet + 6, (uint16_t)((row->fragment & 1) << 13 | row->fragment >> 3));
		packet[9] = row->protocol;
	} else {
		store_be16(packet + 4, (uint16_t)(len - 40));
		packet[6] = row->fragment ? 44 : row->protocol;
		packet[40] = row->protocol;
		store_be16(packet + 42, row->fragment);
	}
	store_be16(packet + udp + 2, (uint16_t)(peer->endpoint.port + row->port_change));
	store_le32(packet + udp + 8, row->type);
	bool is_initiation =
		row->type == MESSAGE_INITIATION || row->type == MESSAGE_HYBRID_INITIATION;
	store_le32(packet + udp + 12,
		row->index_change + (is_initiation ? peer->pending->local_index
						   : peer->keyring.current->remote_index));
}

/* Offers the row's packet; whether the end took it for its own. */
static bool is_taken_for_own(struct tunnel *t, struct end *end, const struct looped_row *row)
{
	uint8_t packet[INNER_LEN];
	uint64_t before = end_drops(end, DROP_LOOP);
	build_looped(packet, t, end, row);
	tunnel_offer_bytes(t, end, packet, sizeof packet);
	return end_drops(end, DROP_LOOP) > before;
}

/*
 * A routing loop: what we sent to the peer's endpoint must not go into the tunnel
 * again. What others send there through us must.
 */
TEST(device_own_datagrams_do_not_go_round)
{
	static const struct looped_row rows[] = {
		{.type = MESSAGE_DATA, .protocol = 17, .is_loop = true},
		{.type = MESSAGE_INITIATION, .protocol = 17, .is_loop = true},
		{.type = MESSAGE_HYBRID_INITIATION, .protocol = 17, .is_loop = true},
		{.type = MESSAGE_HYBRID_INITIATION, .protocol = 17, .index_change = 1},
		{.type = MESSAGE_HYBRID_RESPONSE, .protocol = 17},
		{.type = MESSAGE_DATA, .protocol = 17, .fragment = 1, .is_loop = true},
		{.type = MESSAGE_DATA, .protocol = 17, .fragment = 8},
		{.type = MESSAGE_DATA, .protocol = 17, .fragment = 9},
		{.type = MESSAGE_DATA, .protocol = 17, .index_change = 1},
		{.type = MESSAGE_INITIATION, .protocol = 17, .index_change = 1},
		{.type = MESSAGE_RESPONSE, .protocol = 17},
		{.type = MESSAGE_DATA | 1 << 8, .protocol = 17},
		{.type = MESSAGE_DATA, .protocol = 17, .port_change = 1},
		{.type = MESSAGE_DATA, .protocol = 17, .is_cut = true},
		{.type = MESSAGE_DATA, .protocol = 6},
		{.type = MESSAGE_DATA, .protocol = 17, .is_elsewhere = true},
	};
	for (int k = 0; k < 2; k++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 870));
		struct end *end = k ? &t.a : &t.b;
		const struct ip_address *to = &end_peer(end)->endpoint.address;
		struct ip_prefix host = {*to, ip_family_bits(to->family)};
		CHECK(allowedips_reserve(&end->device->allowed_ips, 1) &&
			allowedips_insert(&end->device->allowed_ips, &host, end_peer(end)));
		CHECK(tunnel_ping(&t, end));
		tunnel_skip(&t, REKEY_AFTER_TIME);
		tunnel_offer(&t, end, 1, 7);
		tunnel_pump(&t, end);
		CHECK(end_peer(end)->pending);
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			CHECK_EQ(rows[i].is_loop, is_taken_for_own(&t, end, &rows[i]));
		tunnel_wipe(&t);
	}
}
