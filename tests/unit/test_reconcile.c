#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/device.h"
#include "text/reconcile.h"
#include "text/reconcile_index.h"
#include "unit/short_memory.h"
#include "unit/tunnel.h"

/*
 * The slow oracle: a tunnel as tables of a few peers and prefixes, where nothing is
 * sorted and everything is looked at.
 */
#define PEERS	 6
#define PREFIXES 12
#define NOBODY	 (-1)

struct model_peer {
	bool exists;
	uint8_t psk, endpoint, keepalive, policy; /* 0: none */
};

struct model { /* without padding: compared as bytes */
	uint32_t key, port, mark, is_required;
	struct model_peer peers[PEERS];
	int owner[PREFIXES];
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static struct public_key key_of(uint32_t i)
{
	struct public_key key = {{9}};
	store_le32(key.bytes + 4, (i * 2654435761u) ^ 0x5a5a5a5au); /* in no order */
	return key;
}

/* Some share their bits and differ in length or family. */
static struct ip_prefix prefix_of(int i)
{
	struct ip_prefix prefix = {{i % 4 / 2 ? IP_V6 : IP_V4, {10, (uint8_t)(i / 4)}}, 16};
	prefix.len = (uint8_t)(i % 2 ? 24 : 16);
	return prefix;
}

static int find_prefix(const struct ip_prefix *prefix)
{
	for (int i = 0; i < PREFIXES; i++) {
		struct ip_prefix p = prefix_of(i);
		if (!reconcile_compare_prefixes(&p, prefix))
			return i;
	}
	abort();
}

static int find_peer(const struct public_key *key)
{
	for (int i = 0; i < PEERS; i++) {
		struct public_key k = key_of((uint32_t)i);
		if (!memcmp(&k, key, sizeof k))
			return i;
	}
	abort();
}

static struct endpoint endpoint_of(uint8_t byte)
{
	return (struct endpoint){.address = {IP_V4, {192, 0, 2, byte}}, .port = 5};
}

static void roll(struct model *m)
{
	*m = (struct model){
		.key = below(3), .port = 1 + below(2), .mark = below(2), .is_required = below(2)};
	for (int i = 0; i < PEERS; i++)
		if (below(3))
			m->peers[i] = (struct model_peer){true, (uint8_t)below(2),
				(uint8_t)(1 + below(2)), (uint8_t)below(2), (uint8_t)below(3)};
	for (int i = 0; i < PREFIXES; i++) {
		int owner = (int)below(PEERS);
		m->owner[i] = m->peers[owner].exists && below(4) ? owner : NOBODY;
	}
}

static void describe_prefix(
	struct change_peer *peer, const struct model *m, int j, int i, int first)
{
	struct ip_prefix prefix = prefix_of(j);
	int owner = m->owner[j];
	bool is_before =
		owner != NOBODY && (i - first + PEERS) % PEERS < (owner - first + PEERS) % PEERS;
	bool is_lost = (is_before || owner == NOBODY) && !below(3);
	bool ok = true;
	if (owner == i || is_lost)
		ok = change_peer_add_allowed_ip(peer, &prefix, false);
	if (ok && is_lost && owner == NOBODY)
		ok = change_peer_add_allowed_ip(peer, &prefix, true);
	if (!ok)
		abort();
}

/* Peers in a random order; a prefix may also be claimed by one who loses it again. */
static void describe(struct change *change, const struct model *m)
{
	change_init(change);
	change->has_private_key = change->has_listen_port = change->has_fwmark = true;
	change->private_key.bytes[0] = (uint8_t)m->key;
	change->listen_port = (uint16_t)m->port;
	change->fwmark = m->mark;
	change->has_post_quantum = m->is_required || below(2);
	change->post_quantum = m->is_required ? POST_QUANTUM_REQUIRE : POST_QUANTUM_OFF;
	int first = (int)below(PEERS);
	for (int n = 0; n < PEERS; n++) {
		int i = (first + n) % PEERS;
		struct public_key key = key_of((uint32_t)i);
		if (!m->peers[i].exists)
			continue;
		struct change_peer *peer = change_add_peer(change, &key);
		if (!peer)
			abort();
		peer->replace_allowed_ips = true;
		peer->has_preshared_key = m->peers[i].psk || below(2);
		peer->preshared_key.bytes[0] = m->peers[i].psk;
		peer->has_endpoint = m->peers[i].endpoint;
		peer->endpoint = endpoint_of(m->peers[i].endpoint);
		peer->has_keepalive = m->peers[i].keepalive || below(2);
		peer->keepalive_seconds = m->peers[i].keepalive;
		peer->has_post_quantum = m->peers[i].policy || below(2);
		peer->post_quantum = (enum post_quantum)m->peers[i].policy;
		for (int j = PREFIXES - 1; j >= 0; j--)
			describe_prefix(peer, m, j, i, first);
	}
}

/* What the device does with a change, entry by entry. false: an entry that does nothing. */
static bool apply_entry(struct model *m, const struct change_peer *entry)
{
	int i = find_peer(&entry->public_key);
	struct model_peer *peer = &m->peers[i], before = *peer;
	bool does_something = entry->allowed_ip_count;
	if (entry->remove) {
		*peer = (struct model_peer){0};
		for (int j = 0; j < PREFIXES; j++)
			m->owner[j] = m->owner[j] == i ? NOBODY : m->owner[j];
		return before.exists;
	}
	if (entry->update_only && !peer->exists)
		return false;
	peer->exists = true;
	if (entry->has_preshared_key)
		peer->psk = entry->preshared_key.bytes[0];
	if (entry->has_endpoint)
		peer->endpoint = entry->endpoint.address.bytes[3];
	if (entry->has_keepalive)
		peer->keepalive = (uint8_t)entry->keepalive_seconds;
	if (entry->has_post_quantum)
		peer->policy = (uint8_t)entry->post_quantum;
	for (size_t j = 0; j < entry->allowed_ip_count; j++) {
		int *owner = &m->owner[find_prefix(&entry->allowed_ips[j].prefix)];
		if (entry->allowed_ips[j].remove && *owner != i)
			return false;
		*owner = entry->allowed_ips[j].remove ? NOBODY : i;
	}
	return does_something || memcmp(&before, peer, sizeof before);
}

static bool apply(struct model *m, const struct change *change)
{
	bool does_something = !change->replace_peers;
	if (change->has_private_key) {
		does_something &= m->key != change->private_key.bytes[0];
		m->key = change->private_key.bytes[0];
	}
	if (change->has_listen_port) {
		does_something &= m->port != change->listen_port;
		m->port = change->listen_port;
	}
	if (change->has_fwmark) {
		does_something &= m->mark != change->fwmark;
		m->mark = change->fwmark;
	}
	if (change->has_post_quantum) {
		uint32_t is_required = change->post_quantum == POST_QUANTUM_REQUIRE;
		does_something &= m->is_required != is_required;
		m->is_required = is_required;
	}
	for (size_t i = 0; i < change->peer_count; i++)
		does_something &= apply_entry(m, &change->peers[i]);
	return does_something;
}

/* Each prefix once at most, and not more lines than prefixes that differ. */
static bool is_least(const struct change *change, const struct model *a, const struct model *b)
{
	size_t lines = 0, expected = 0;
	for (size_t i = 0; i < change->peer_count; i++)
		lines += change->peers[i].allowed_ip_count;
	for (int i = 0; i < PREFIXES; i++) {
		bool goes_with_its_peer = b->owner[i] == NOBODY && a->owner[i] != NOBODY &&
					  !b->peers[a->owner[i]].exists;
		expected += a->owner[i] != b->owner[i] && !goes_with_its_peer;
	}
	return lines == expected;
}

static bool leads(const struct model *a, const struct model *b)
{
	struct change from, to, change;
	struct model m = *a;
	describe(&from, a);
	describe(&to, b);
	bool ok = reconcile(&change, &from, &to) && apply(&m, &change) && is_least(&change, a, b) &&
		  !memcmp(&m, b, sizeof m);
	change_wipe(&from);
	change_wipe(&to);
	change_wipe(&change);
	return ok;
}

TEST(reconcile_leads_both_ways)
{
	for (seed = 0; seed < 20000; seed++) {
		uint64_t this_seed = seed;
		struct model a, b;
		roll(&a);
		roll(&b);
		if (!leads(&a, &b) || !leads(&b, &a) || !leads(&a, &a)) {
			test_fail(__FILE__, __LINE__, "seed %u", (unsigned)this_seed);
			return;
		}
		seed = this_seed;
	}
}

TEST(reconcile_finds_nothing_where_nothing_is)
{
	struct change a, b, change;
	change_init(&a);
	change_init(&b);
	CHECK(reconcile(&change, &a, &b));
	CHECK_EQ(0, change.peer_count);
	CHECK(!change.has_private_key && !change.has_listen_port && !change.has_fwmark);
	change_wipe(&change);
	/* what is not said stays; an endpoint cannot be taken away */
	struct public_key key = key_of(1);
	a.has_private_key = a.has_listen_port = a.has_fwmark = true;
	a.private_key.bytes[3] = 3;
	a.listen_port = 5;
	a.fwmark = 7;
	struct change_peer *peer = change_add_peer(&a, &key);
	CHECK(peer && change_add_peer(&b, &key));
	peer->has_endpoint = true;
	peer->endpoint = endpoint_of(1);
	CHECK(reconcile(&change, &a, &b));
	CHECK_EQ(0, change.peer_count);
	CHECK(!change.has_private_key && !change.has_listen_port && !change.has_fwmark);
	change_wipe(&change);
	change_wipe(&a);
	change_wipe(&b);
}

static void add_many(struct change *change, uint32_t first, uint32_t count, unsigned prefixes)
{
	for (uint32_t i = first; i < first + count; i++) {
		struct public_key key = key_of(i);
		struct change_peer *peer = change_add_peer(change, &key);
		for (unsigned j = 0; peer && j < prefixes; j++) {
			struct ip_prefix prefix = {{IP_V4, {10}}, 32};
			store_be32(prefix.address.bytes, 0x0a000000 + i * prefixes + j);
			if (!change_peer_add_allowed_ip(peer, &prefix, false))
				abort();
		}
		if (!peer)
			abort();
	}
}

TEST(reconcile_ten_thousand_peers_of_which_one_changed)
{
	struct change a, b, change;
	change_init(&a);
	change_init(&b);
	add_many(&a, 0, 10000, 20);
	add_many(&b, 0, 10000, 20);
	b.peers[7777].has_keepalive = true;
	b.peers[7777].keepalive_seconds = 25;
	CHECK(reconcile(&change, &a, &b));
	CHECK_EQ(1, change.peer_count);
	CHECK_MEM(&b.peers[7777].public_key, &change.peers[0].public_key, DH_LEN);
	CHECK_EQ(25, change.peers[0].keepalive_seconds);
	CHECK_EQ(0, change.peers[0].allowed_ip_count);
	CHECK(change.peers[0].update_only && !change.peers[0].has_endpoint);
	change_wipe(&change);
	change_wipe(&a);
	change_wipe(&b);
}

/* The device itself, as well as the oracle above: a prefix changes hands. */
TEST(reconcile_moves_a_prefix_in_the_device)
{
	struct tunnel t;
	struct change a, b, change;
	CHECK(tunnel_init(&t, 710));
	change_init(&a);
	change_init(&b);
	add_many(&a, 1, 2, 2);
	add_many(&b, 1, 2, 1);
	struct ip_prefix moved = a.peers[0].allowed_ips[1].prefix;
	CHECK(change_peer_add_allowed_ip(&b.peers[1], &moved, false));
	CHECK(device_apply(t.a.device, &a, &t.now));
	CHECK(reconcile(&change, &a, &b) && device_apply(t.a.device, &change, &t.now));
	const struct peer *owner = device_route(t.a.device, &moved.address);
	CHECK(owner && owner == device_find_peer(t.a.device, &b.peers[1].public_key));
	change_wipe(&change);
	CHECK(reconcile(&change, &b, &a) && device_apply(t.a.device, &change, &t.now));
	owner = device_route(t.a.device, &moved.address);
	CHECK(owner && owner == device_find_peer(t.a.device, &a.peers[0].public_key));
	change_wipe(&change);
	change_wipe(&a);
	change_wipe(&b);
	tunnel_wipe(&t);
}

TEST(reconcile_without_memory)
{
	struct change a, b, change;
	change_init(&a);
	change_init(&b);
	add_many(&a, 0, 20, 20);
	add_many(&b, 5, 25, 18);
	bool has_failed = true;
	for (size_t n = 1; has_failed; n++) {
		short_memory_begin(n);
		bool ok = reconcile(&change, &a, &b);
		has_failed = short_memory_end();
		CHECK(ok == !has_failed);
		change_wipe(&change);
	}
	change_wipe(&a);
	change_wipe(&b);
}
