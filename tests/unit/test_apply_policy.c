#include "device/apply.h"

#include <stdlib.h>

#include "device/negotiate.h"
#include "unit/short_memory.h"
#include "unit/test.h"
#include "unit/tunnel.h"

static bool say(struct tunnel *t, struct end *end, enum post_quantum policy)
{
	struct change_peer entry = entry_of(tunnel_other(t, end));
	entry.update_only = entry.has_post_quantum = true;
	entry.post_quantum = policy;
	return end_change_peer(end, &entry, &t->now);
}

static bool say_default(struct tunnel *t, struct end *end, enum post_quantum policy)
{
	struct change change = {.has_post_quantum = true, .post_quantum = policy};
	return device_apply(end->device, &change, &t->now);
}

/* What `wg setconf` does: it replaces all peers, and knows nothing of policies. */
static bool set_conf(struct tunnel *t, struct end *end)
{
	const struct end *other = tunnel_other(t, end);
	struct change_allowed_ip ip = {.prefix = {other->inner4, 32}};
	struct change_peer entry = entry_of(other);
	entry.has_endpoint = entry.has_preshared_key = entry.replace_allowed_ips = true;
	entry.endpoint = other->address;
	memset(&entry.preshared_key, 0x5a, sizeof entry.preshared_key);
	entry.allowed_ips = &ip;
	entry.allowed_ip_count = 1;
	struct change change = {.replace_peers = true, .peers = &entry, .peer_count = 1};
	return device_apply(end->device, &change, &t->now);
}

static bool remove_peer(struct tunnel *t, struct end *end)
{
	struct change_peer entry = entry_of(tunnel_other(t, end));
	entry.remove = true;
	return end_change_peer(end, &entry, &t->now);
}

static enum key_exchange exchange_of(const struct end *end)
{
	return end_peer(end)->key_exchange;
}

TEST(policy_survives_a_tool_that_does_not_know_it)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2100));
	CHECK(say(&t, &t.a, POST_QUANTUM_REQUIRE) && say(&t, &t.b, POST_QUANTUM_REQUIRE));
	CHECK(tunnel_ping(&t, &t.a));
	for (int i = 0; i < 3; i++) {
		CHECK(set_conf(&t, &t.a));
		CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
		tunnel_skip(&t, SECOND);
		CHECK(tunnel_ping(&t, &t.a));
	}
	/* removed, and added in another change; long after, too */
	CHECK(remove_peer(&t, &t.a));
	tunnel_skip(&t, 100000 * SECOND);
	CHECK(set_conf(&t, &t.a));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(0, t.a.sent[MESSAGE_INITIATION] + t.b.sent[MESSAGE_INITIATION]);
	/* "off" that was said is kept as well, under whatever default */
	CHECK(say(&t, &t.a, POST_QUANTUM_OFF));
	CHECK(say_default(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK(set_conf(&t, &t.a));
	CHECK_EQ(KEY_EXCHANGE_X25519, exchange_of(&t.a));
	tunnel_wipe(&t);
}

/* The default is the interface's own: peers that such a tool makes have it too. */
TEST(policy_by_default_holds_for_every_new_peer)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2101));
	CHECK(say_default(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, device_default_exchange(t.a.device));
	CHECK(set_conf(&t, &t.a));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
	CHECK(!end_peer(&t.a)->policy);
	CHECK(say(&t, &t.a, POST_QUANTUM_OFF));
	CHECK_EQ(KEY_EXCHANGE_X25519, exchange_of(&t.a));
	CHECK(say(&t, &t.a, POST_QUANTUM_DEFAULT)); /* unsaid */
	CHECK(!end_peer(&t.a)->policy);
	CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
	CHECK(say_default(&t, &t.a, POST_QUANTUM_OFF));
	CHECK_EQ(KEY_EXCHANGE_X25519, exchange_of(&t.a));
	tunnel_wipe(&t);
}

/* What was agreed on otherwise ends at once, in both directions; what waits goes out after. */
TEST(policy_that_changes_ends_the_sessions)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2102));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_offer(&t, &t.b, 1, 7);
	tunnel_pump(&t, &t.b);
	struct flight *classical = tunnel_take(&t);
	CHECK(classical && classical->bytes[0] == MESSAGE_DATA);
	CHECK(say(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK(!end_peer(&t.a)->keyring.current && !end_peer(&t.a)->pending);
	uint32_t received = t.a.received;
	tunnel_bring(&t, classical);
	free(classical);
	tunnel_pump(&t, &t.a);
	CHECK_EQ(received, t.a.received);
	CHECK_EQ(1, end_drops(&t.a, DROP_UNKNOWN_INDEX));
	tunnel_offer(&t, &t.a, 1, 8);
	tunnel_settle(&t);
	CHECK_EQ(1, t.a.sent[MESSAGE_HYBRID_INITIATION]); /* at once; b still refuses */
	CHECK_EQ(1, end_drops(&t.b, DROP_HYBRID));
	CHECK(say(&t, &t.b, POST_QUANTUM_REQUIRE));
	received = t.b.received;
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(received + 1, t.b.received);
	/* said again, it changes nothing */
	const struct session *session = end_peer(&t.a)->keyring.current;
	CHECK(session && say(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK(say_default(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK(session == end_peer(&t.a)->keyring.current);
	tunnel_wipe(&t);
}

/* The other end does not know: without the handshake it would notice only after a while. */
TEST(policy_that_changes_begins_a_handshake)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2107));
	CHECK(say(&t, &t.b, POST_QUANTUM_REQUIRE) && say(&t, &t.b, POST_QUANTUM_OFF));
	tunnel_run(&t, SECOND); /* nothing was there to end */
	CHECK_EQ(0, t.a.sent[MESSAGE_INITIATION] + t.b.sent[MESSAGE_INITIATION]);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_settle(&t);
	CHECK(say(&t, &t.b, POST_QUANTUM_REQUIRE));
	CHECK(say(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK(!end_peer(&t.a)->keyring.current && !end_peer(&t.b)->keyring.current);
	CHECK_EQ(0, t.a.sent[MESSAGE_HYBRID_INITIATION]);
	tunnel_run(&t, SECOND);
	CHECK(t.a.sent[MESSAGE_HYBRID_INITIATION] == 1 || t.b.sent[MESSAGE_HYBRID_INITIATION] == 1);
	CHECK(end_peer(&t.a)->keyring.current && end_peer(&t.b)->keyring.current);
	/* of the interface, too; and Rekey-Timeout holds for what is not answered */
	CHECK(say(&t, &t.a, POST_QUANTUM_DEFAULT));
	tunnel_run(&t, 4 * SECOND);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]); /* the first was that of the ping */
	CHECK_EQ(1, end_drops(&t.b, DROP_CLASSICAL));
	/* with the link down nothing goes out, and the session of long ago was not in use */
	CHECK(say(&t, &t.a, POST_QUANTUM_REQUIRE));
	tunnel_run(&t, 10 * SECOND);
	tunnel_skip(&t, 200 * SECOND);
	uint32_t sent = t.a.sent[MESSAGE_INITIATION];
	CHECK(say(&t, &t.a, POST_QUANTUM_OFF));
	device_fire_timers(t.a.device, &t.now);
	tunnel_pump(&t, &t.a);
	CHECK_EQ(sent, t.a.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

TEST(policy_that_changes_ends_the_handshake_under_way)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2103));
	CHECK(say(&t, &t.b, POST_QUANTUM_REQUIRE));
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_pump(&t, &t.a);
	CHECK(end_peer(&t.a)->pending);
	CHECK(say(&t, &t.a, POST_QUANTUM_REQUIRE));
	tunnel_settle(&t); /* the classical one is refused, the hybrid one has gone out after it */
	CHECK_EQ(1, end_drops(&t.b, DROP_CLASSICAL));
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(KEY_EXCHANGE_HYBRID, end_peer(&t.a)->keyring.current->key_exchange);
	tunnel_wipe(&t);
}

/* Also for a peer that the same change removes and adds, or that it may not create. */
TEST(policy_in_one_change)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2104));
	struct change_peer entries[3] = {
		entry_of(&t.b), entry_of(&t.b), {.public_key = {{77}}, .update_only = true}};
	entries[0].remove = true;
	entries[0].has_post_quantum = entries[1].has_post_quantum = true;
	entries[2].has_post_quantum = true;
	entries[0].post_quantum = POST_QUANTUM_OFF; /* of a peer that goes: not heard */
	entries[1].post_quantum = entries[2].post_quantum = POST_QUANTUM_REQUIRE;
	struct change change = {.peers = entries, .peer_count = 3};
	CHECK(device_apply(t.a.device, &change, &t.now));
	CHECK_EQ(1, device_peer_count(t.a.device));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
	CHECK_EQ(0, t.a.device->policies.count);
	tunnel_wipe(&t);
}

/* Said of the interface and then of the peer, or the reverse: with the peer nothing changes. */
TEST(policy_that_moves_ends_nothing)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2106));
	CHECK(say_default(&t, &t.a, POST_QUANTUM_REQUIRE));
	CHECK(say_default(&t, &t.b, POST_QUANTUM_REQUIRE));
	CHECK(tunnel_ping(&t, &t.a));
	const struct session *session = end_peer(&t.a)->keyring.current;
	static const enum post_quantum rows[][2] = {{POST_QUANTUM_OFF, POST_QUANTUM_REQUIRE},
		{POST_QUANTUM_REQUIRE, POST_QUANTUM_DEFAULT}};
	for (size_t i = 0; i < 2; i++) {
		struct change_peer entry = entry_of(&t.b);
		entry.update_only = entry.has_post_quantum = true;
		entry.post_quantum = rows[i][1];
		struct change change = {.has_post_quantum = true,
			.post_quantum = rows[i][0],
			.peers = &entry,
			.peer_count = 1};
		CHECK(device_apply(t.a.device, &change, &t.now));
		CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
		CHECK(session && session == end_peer(&t.a)->keyring.current);
	}
	tunnel_wipe(&t);
}

/* All or nothing, as the rest of a change; and removing needs no memory. */
TEST(policy_without_memory)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 2105));
	for (size_t calls = 1;; calls++) {
		short_memory_begin(calls);
		bool ok = say(&t, &t.a, POST_QUANTUM_REQUIRE);
		short_memory_end();
		CHECK_EQ(ok ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519, exchange_of(&t.a));
		if (ok)
			break;
		CHECK(calls < 10);
	}
	CHECK(remove_peer(&t, &t.a) && set_conf(&t, &t.a));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, exchange_of(&t.a));
	tunnel_wipe(&t);
}
