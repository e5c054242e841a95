/*
 * Changes while the tunnel is at work: keys, endpoints, the link; with traffic,
 * with packets that wait.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "device/negotiate.h"
#include "unit/tunnel.h"

static bool connect(struct tunnel *t, uint64_t seed)
{
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	t->a.received = t->b.received = 0;
	tunnel_skip(t, SECOND);
	return true;
}

/* The other end is told of the new key. */
static bool tell_key(struct tunnel *t, struct end *end, const struct private_key *key)
{
	struct end *other = tunnel_other(t, end);
	struct change_peer entries[2] = {entry_of(end), {.has_preshared_key = true}};
	struct change_allowed_ip ips[] = {{.prefix = {end->inner4, 32}}};
	public_key_derive(&entries[1].public_key, key);
	entries[0].remove = true;
	memset(&entries[1].preshared_key, 0x5a, DH_LEN);
	entries[1].allowed_ips = ips;
	entries[1].allowed_ip_count = 1;
	struct change change = {.peers = entries, .peer_count = 2};
	end->public_key = entries[1].public_key;
	return device_apply(other->device, &change, &t->now);
}

/* Regressions 20: the private key changes under traffic, and the other end is told later. */
TEST(apply_live_private_key)
{
	struct tunnel t;
	struct private_key key;
	CHECK(connect(&t, 800));
	memset(&key, 0x33, sizeof key);
	private_key_clamp(&key);
	tunnel_offer(&t, &t.b, 1, 5);
	tunnel_pump(&t, &t.b); /* in flight towards a */
	struct session *old = end_peer(&t.a)->keyring.current;
	uint64_t counter = old->send_counter;
	CHECK(end_change_key(&t.a, &key, &t.now));
	CHECK(counter < REJECT_AFTER_MESSAGES);
	tunnel_settle(&t);
	CHECK_EQ(1, t.a.received); /* may yet be opened */
	tunnel_offer(&t, &t.a, 2, 10);
	tunnel_settle(&t);
	CHECK_EQ(0, t.b.received); /* nothing under the old key */
	CHECK_EQ(1, end_drops(&t.b, DROP_UNKNOWN_PEER));
	CHECK(tell_key(&t, &t.a, &key));
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(2, t.b.received);
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

/* Regressions 20: packets that wait for a handshake go out after the change all the same. */
TEST(apply_live_private_key_with_staged_packets)
{
	struct tunnel t;
	struct private_key key;
	CHECK(tunnel_init(&t, 801));
	memset(&key, 0x33, sizeof key);
	private_key_clamp(&key);
	tunnel_offer(&t, &t.a, 3, 10);
	tunnel_pump(&t, &t.a);
	tunnel_lose(&t);
	CHECK(end_change_key(&t.a, &key, &t.now));
	CHECK(tell_key(&t, &t.a, &key));
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(3, t.b.received);
	tunnel_wipe(&t);
}

TEST(apply_live_private_key_ends_the_handshake)
{
	struct tunnel t;
	struct private_key key = {{0x33}};
	CHECK(tunnel_init(&t, 812));
	size_t blocks = t.a.arena.blocks_out;
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	private_key_clamp(&key);
	CHECK(end_change_key(&t.a, &key, &t.now));
	CHECK(!timers_has_attempt(&end_peer(&t.a)->timers));
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	CHECK_EQ(0, t.a.device->indices.count);
	tunnel_settle(&t);
	CHECK_EQ(1, end_drops(&t.a, DROP_RESPONSE_UNEXPECTED) + end_drops(&t.a, DROP_MAC1));
	tunnel_wipe(&t);
}

/* Nothing is sealed under a session that we answered with the old key, confirmed late or not. */
TEST(apply_live_private_key_voids_the_unconfirmed_session)
{
	struct tunnel t;
	struct private_key key = {{0x33}};
	CHECK(tunnel_init(&t, 813));
	tunnel_offer(&t, &t.a, 1, 0);
	for (int i = 0; i < 2; i++) { /* initiation, response; a's data stays on the wire */
		tunnel_pump(&t, i ? &t.b : &t.a);
		struct flight *f = tunnel_take(&t);
		tunnel_bring(&t, f);
		free(f);
	}
	private_key_clamp(&key);
	CHECK(end_change_key(&t.b, &key, &t.now));
	tunnel_settle(&t);
	CHECK_EQ(1, t.b.received);
	CHECK(end_peer(&t.b)->keyring.current);
	tunnel_offer(&t, &t.b, 1, 0);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(0, t.b.sent[MESSAGE_DATA]);
	CHECK_EQ(1, t.b.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

/* Key and endpoint in one change: the new handshake goes to the new endpoint at once. */
TEST(apply_live_private_key_and_endpoint_with_staged_packets)
{
	struct tunnel t;
	struct change_peer entry;
	CHECK(tunnel_init(&t, 809));
	end_peer(&t.a)->endpoint = (struct endpoint){.address = ip("203.0.113.1"), .port = 1};
	tunnel_offer(&t, &t.a, 3, 10);
	tunnel_settle(&t);
	entry = entry_of(&t.b);
	entry.has_endpoint = true;
	entry.endpoint = t.b.address;
	struct change change = {.has_private_key = true, .peers = &entry, .peer_count = 1};
	memset(&change.private_key, 0x33, DH_LEN);
	private_key_clamp(&change.private_key);
	CHECK(device_apply(t.a.device, &change, &t.now));
	CHECK(tell_key(&t, &t.a, &change.private_key));
	tunnel_settle(&t);
	CHECK_EQ(3, t.b.received);
	CHECK_EQ(1, t.lost);
	tunnel_wipe(&t);
}

TEST(apply_live_same_private_key_changes_nothing)
{
	struct tunnel t;
	CHECK(connect(&t, 802));
	struct session *session = end_peer(&t.a)->keyring.current;
	CHECK(end_change_key(&t.a, &t.a.private_key, &t.now));
	CHECK(end_peer(&t.a)->keyring.current == session);
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

/* Without a key we are silent; what was shared under it is not kept. */
TEST(apply_live_private_key_removed)
{
	struct tunnel t;
	struct private_key none = {{0}};
	CHECK(connect(&t, 803));
	uint32_t sent = end_sent(&t.a);
	CHECK(end_change_key(&t.a, &none, &t.now));
	CHECK(secret_is_zero(&end_peer(&t.a)->remote->static_static, DH_LEN));
	tunnel_offer(&t, &t.a, 1, 1);
	CHECK_EQ(1, end_drops(&t.a, DROP_NO_KEY));
	tunnel_run(&t, 20 * SECOND);
	CHECK_EQ(sent, end_sent(&t.a));
	CHECK(end_change_key(&t.a, &t.a.private_key, &t.now)); /* and there it is again */
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

/* Regressions 20: a preshared key counts from the next handshake on. */
TEST(apply_live_preshared_key)
{
	struct tunnel t;
	struct change_peer entry;
	CHECK(connect(&t, 804));
	for (int i = 0; i < 2; i++) {
		entry = entry_of(i ? &t.a : &t.b);
		entry.has_preshared_key = true;
		entry.preshared_key.bytes[0] = 1;
		CHECK(end_change_peer(i ? &t.b : &t.a, &entry, &t.now));
		CHECK(tunnel_ping(&t, &t.a)); /* the session goes on */
	}
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	tunnel_skip(&t, REKEY_AFTER_TIME);
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	entry = entry_of(&t.a);
	entry.has_preshared_key = true; /* removed at one end: no more handshake */
	CHECK(end_change_peer(&t.b, &entry, &t.now));
	tunnel_skip(&t, REKEY_AFTER_TIME);
	CHECK(tunnel_ping(&t, &t.a)); /* still the old one */
	CHECK_EQ(1, end_drops(&t.a, DROP_RESPONSE_FORGED));
	tunnel_wipe(&t);
}

TEST(apply_live_endpoint_with_staged_packets)
{
	struct tunnel t;
	struct endpoint wrong = {.address = ip("203.0.113.1"), .port = 1};
	CHECK(tunnel_init(&t, 805));
	struct change_peer entry = entry_of(&t.b);
	entry.has_endpoint = true;
	entry.endpoint = wrong;
	CHECK(end_change_peer(&t.a, &entry, &t.now));
	tunnel_offer(&t, &t.a, 4, 0);
	tunnel_settle(&t);
	CHECK_EQ(1, t.lost);
	entry.endpoint = t.b.address;
	CHECK(end_change_peer(&t.a, &entry, &t.now));
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(4, t.b.received);
	tunnel_wipe(&t);
}

TEST(apply_live_endpoint_forgets_the_source)
{
	struct tunnel t;
	CHECK(connect(&t, 806));
	CHECK(end_peer(&t.a)->endpoint.source.family != IP_NONE);
	struct change_peer entry = entry_of(&t.b);
	entry.has_endpoint = true;
	entry.endpoint = t.b.address;
	CHECK(end_change_peer(&t.a, &entry, &t.now));
	CHECK_EQ(IP_NONE, end_peer(&t.a)->endpoint.source.family);
	tunnel_wipe(&t);
}

TEST(apply_live_link_down_and_up)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 807));
	struct change_peer entry = entry_of(&t.b);
	entry.has_keepalive = true;
	entry.keepalive_seconds = 25;
	size_t blocks = t.a.arena.blocks_out;
	device_set_link(t.a.device, false, &t.now);
	CHECK(end_change_peer(&t.a, &entry, &t.now));
	CHECK_EQ(NANOS_NEVER, device_deadline(t.a.device)); /* not before it is up */
	device_set_link(t.a.device, true, &t.now);
	device_set_link(t.a.device, true, &t.now);
	tunnel_run(&t, 0);
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_skip(&t, SECOND);
	device_set_link(t.a.device, false, &t.now);
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	CHECK_EQ(0, t.a.device->indices.count);
	tunnel_run(&t, 60 * SECOND);
	device_set_link(t.a.device, true, &t.now);
	tunnel_run(&t, 0);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

TEST(apply_live_link_down_ends_the_handshake)
{
	struct tunnel t;
	CHECK(connect(&t, 810));
	tunnel_skip(&t, REJECT_AFTER_TIME);
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_pump(&t, &t.a);
	CHECK(end_peer(&t.a)->pending && t.first);
	device_set_link(t.a.device, false, &t.now);
	CHECK(!end_peer(&t.a)->pending);
	CHECK_EQ(0, t.a.device->indices.count);
	CHECK_EQ(NANOS_NEVER, timers_next(&end_peer(&t.a)->timers));
	CHECK_EQ(IP_NONE, end_peer(&t.a)->endpoint.source.family);
	uint32_t sent = end_sent(&t.a);
	tunnel_run(&t, 100 * SECOND);
	CHECK_EQ(sent, end_sent(&t.a));
	device_set_link(t.a.device, true, &t.now);
	CHECK(tunnel_ping(&t, &t.a)); /* at once: nothing of the old attempt holds it back */
	tunnel_wipe(&t);
}

/* The response to a peer that is no more. */
TEST(apply_live_removed_during_the_handshake)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 811));
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_pump(&t, &t.a);
	struct change_peer entry = entry_of(&t.b);
	entry.remove = true;
	CHECK(end_change_peer(&t.a, &entry, &t.now));
	CHECK_EQ(1, end_drops(&t.a, DROP_REMOVED));
	tunnel_settle(&t);
	CHECK_EQ(1, end_drops(&t.a, DROP_RESPONSE_UNEXPECTED));
	CHECK_EQ(NANOS_NEVER, device_deadline(t.a.device));
	tunnel_wipe(&t);
}

TEST(apply_live_link_down_drops_what_waits)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 808));
	tunnel_offer(&t, &t.a, 9, 0);
	device_set_link(t.a.device, false, &t.now);
	CHECK_EQ(9, end_drops(&t.a, DROP_REMOVED));
	CHECK_EQ(0, t.a.device->staged_bytes);
	tunnel_wipe(&t);
}
