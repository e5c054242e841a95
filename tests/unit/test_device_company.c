/*
 * A device among good and bad company: a peer whose handshakes never complete
 * beside one that has traffic, and strangers by the thousand.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "unit/tunnel.h"

#define STEP (SECOND / 4)

/* b's good peer is a; its bad one is c, whose preshared key is another. */
struct company {
	struct tunnel t;
	struct end c;
};

static bool introduce(struct company *all, struct end *end, const struct end *to, uint8_t psk)
{
	struct change_allowed_ip ips[] = {{.prefix = {to->inner4, 32}}};
	struct change_peer entry = entry_of(to);
	entry.has_endpoint = entry.has_preshared_key = true;
	entry.endpoint = to->address;
	memset(&entry.preshared_key, psk, DH_LEN);
	entry.allowed_ips = ips;
	entry.allowed_ip_count = 1;
	return end_change_peer(end, &entry, &all->t.now);
}

static bool company_init(struct company *all, uint64_t seed)
{
	struct end *c = &all->c;
	if (!tunnel_init(&all->t, seed) || !end_init(c, ~seed, TUNNEL_ARENA, TUNNEL_POOL_MAX))
		return false;
	c->address = (struct endpoint){.address = ip("192.0.2.3"), .port = 3003};
	c->inner4 = ip("10.0.0.3");
	device_set_mtu(c->device, TUNNEL_MTU);
	device_set_link(c->device, true, &all->t.now);
	return end_change_key(c, &c->private_key, &all->t.now) && introduce(all, c, &all->t.b, 1) &&
	       introduce(all, &all->t.b, c, 2);
}

static void offer(struct company *all, struct end *from, const struct end *to)
{
	uint8_t packet[INNER_LEN];
	inner_build(packet, INNER_LEN, &from->inner4, &to->inner4, 0);
	tunnel_offer_bytes(&all->t, from, packet, INNER_LEN);
}

static void settle(struct company *all)
{
	struct flight *f;
	do {
		tunnel_pump(&all->t, &all->t.a);
		tunnel_pump(&all->t, &all->t.b);
		tunnel_pump(&all->t, &all->c);
		f = tunnel_take(&all->t);
		if (f && endpoint_is_same_remote(&f->to, &all->c.address))
			tunnel_receive(&all->t, &all->c, f->bytes, f->len, &f->from);
		else if (f)
			tunnel_bring(&all->t, f);
		free(f);
	} while (f);
}

static void pass_a_second(struct company *all)
{
	for (int i = 0; i < 4; i++) {
		tunnel_skip(&all->t, STEP);
		device_tick(all->t.a.device, &all->t.now);
		device_tick(all->t.b.device, &all->t.now);
		device_tick(all->c.device, &all->t.now);
		settle(all);
	}
}

/* What b holds for two peers when nothing is under way. */
static bool is_bounded(const struct end *b, size_t blocks)
{
	return b->arena.blocks_out <= blocks + 2 * 4 && b->device->indices.count <= 2 * 4 &&
	       b->device->indices.capacity == 64 && b->pool.bytes_out == 0 &&
	       b->device->staged_bytes <= 2 * STAGED_PACKETS_MAX * INNER_LEN;
}

/*
 * Regressions 23, the watchdog: bytes in mean bytes out. Every second of an hour
 * what a and b send each other arrives within it, while c and b fail to agree; and
 * the failing handshakes leave nothing behind.
 */
TEST(company_failing_handshakes_stop_and_leak_nothing)
{
	struct company all;
	CHECK(company_init(&all, 1500));
	struct end *a = &all.t.a, *b = &all.t.b, *c = &all.c;
	size_t blocks = b->arena.blocks_out;
	for (uint32_t i = 1; i <= 3600; i++) {
		uint32_t at_a = a->received, at_b = b->received;
		offer(&all, a, b);
		offer(&all, b, a);
		offer(&all, b, c);
		offer(&all, c, b);
		pass_a_second(&all);
		CHECK_EQ(at_a + 1, a->received);
		CHECK_EQ(at_b + 1, b->received);
		CHECK(is_bounded(b, blocks));
	}
	CHECK_EQ(0, c->received);
	CHECK(b->sent[MESSAGE_RESPONSE] > 500);
	CHECK(end_drops(b, DROP_RESPONSE_FORGED) > 500);
	CHECK_EQ(0, end_drops_total(a));
	end_wipe(c);
	tunnel_wipe(&all.t);
}

/* Regressions 2: initiations that make no session take no index, were they a thousand. */
TEST(company_strangers_take_no_index)
{
	struct company all;
	CHECK(company_init(&all, 1501));
	struct end *b = &all.t.b;
	struct change_peer gone = entry_of(&all.c);
	gone.remove = true;
	CHECK(end_change_peer(b, &gone, &all.t.now));
	size_t blocks = b->arena.blocks_out;
	for (int i = 0; i < 1000; i++) {
		offer(&all, &all.c, b);
		settle(&all);
		device_set_link(all.c.device, false, &all.t.now); /* it forgets, and tries anew */
		device_set_link(all.c.device, true, &all.t.now);
		tunnel_skip(&all.t, SECOND);
	}
	CHECK_EQ(1000, end_drops(b, DROP_UNKNOWN_PEER));
	CHECK_EQ(0, end_sent(b));
	CHECK_EQ(0, b->device->indices.count);
	CHECK_EQ(blocks, b->arena.blocks_out);
	end_wipe(&all.c);
	tunnel_wipe(&all.t);
}
