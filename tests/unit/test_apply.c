#include "unit/test.h"

#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "unit/tunnel.h"

static struct public_key key_of(uint32_t i)
{
	struct public_key key = {{9}};
	store_le32(key.bytes + 4, i);
	return key;
}

static struct change_peer *add(struct change *change, uint32_t i)
{
	struct public_key key = key_of(i);
	struct change_peer *entry = change_add_peer(change, &key);
	if (!entry)
		abort();
	return entry;
}

static void add_ip(struct change_peer *entry, const char *address, unsigned len, bool remove)
{
	struct ip_prefix prefix = ip_net(address, len);
	if (!change_peer_add_allowed_ip(entry, &prefix, remove))
		abort();
}

static bool commit(struct tunnel *t, struct change *change)
{
	bool ok = device_apply(t->a.device, change, &t->now);
	change_wipe(change);
	return ok;
}

static const struct peer *find(const struct tunnel *t, uint32_t i)
{
	struct public_key key = key_of(i);
	return device_find_peer(t->a.device, &key);
}

static const struct peer *route(const struct tunnel *t, const char *address)
{
	struct ip_address destination = ip(address);
	return device_route(t->a.device, &destination);
}

TEST(apply_adds_updates_and_removes)
{
	struct tunnel t;
	struct change change = {0};
	CHECK(tunnel_init(&t, 700));
	size_t blocks = t.a.arena.blocks_out;
	struct change_peer *entry = add(&change, 1);
	entry->has_endpoint = entry->has_keepalive = entry->has_preshared_key = true;
	entry->endpoint = t.b.address;
	entry->keepalive_seconds = 7;
	entry->preshared_key.bytes[5] = 5;
	add_ip(entry, "10.5.0.0", 16, false);
	add(&change, 2)->update_only = true;
	add(&change, 3)->remove = true;
	CHECK(commit(&t, &change));
	CHECK_EQ(2, device_peer_count(t.a.device));
	const struct peer *peer = find(&t, 1);
	CHECK(peer && !find(&t, 2) && !find(&t, 3));
	CHECK(endpoint_is_same_remote(&t.b.address, &peer->endpoint));
	CHECK_EQ(7, peer->keepalive_seconds);
	CHECK_EQ(5, peer->remote->preshared_key.bytes[5]);
	CHECK(route(&t, "10.5.1.1") == peer);

	entry = add(&change, 1); /* what is absent stays */
	entry->update_only = true;
	add_ip(entry, "10.6.0.0", 16, false);
	CHECK(commit(&t, &change));
	CHECK_EQ(7, peer->keepalive_seconds);
	CHECK_EQ(5, peer->remote->preshared_key.bytes[5]);
	CHECK(route(&t, "10.5.1.1") == peer && route(&t, "10.6.1.1") == peer);

	entry = add(&change, 1);
	add_ip(entry, "10.5.0.0", 16, true);
	add_ip(entry, "10.0.0.2", 32, true); /* not its own */
	CHECK(commit(&t, &change));
	CHECK(!route(&t, "10.5.1.1") && route(&t, "10.6.1.1") == peer);
	CHECK(route(&t, "10.0.0.2") == end_peer(&t.a));

	entry = add(&change, 1);
	entry->replace_allowed_ips = true;
	add_ip(entry, "fd07::", 16, false);
	CHECK(commit(&t, &change));
	CHECK(!route(&t, "10.6.1.1") && route(&t, "fd07::1") == peer);

	add(&change, 1)->remove = true;
	CHECK(commit(&t, &change));
	CHECK(!find(&t, 1) && !route(&t, "fd07::1"));
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	tunnel_wipe(&t);
}

TEST(apply_moves_prefixes_between_peers)
{
	struct tunnel t;
	struct change change = {0};
	CHECK(tunnel_init(&t, 701));
	add_ip(add(&change, 1), "10.8.0.0", 16, false);
	add_ip(add(&change, 2), "10.8.0.0", 16, false);
	CHECK(commit(&t, &change));
	CHECK(route(&t, "10.8.0.1") == find(&t, 2));
	CHECK(!find(&t, 1)->allowed_ips);
	add_ip(add(&change, 1), "10.8.0.0", 16, false);
	CHECK(commit(&t, &change));
	CHECK(route(&t, "10.8.0.1") == find(&t, 1));
	add(&change, 1)->remove = true;
	CHECK(commit(&t, &change));
	CHECK(!route(&t, "10.8.0.1"));
	tunnel_wipe(&t);
}

TEST(apply_removes_and_adds_again_in_one_change)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 702));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_offer(&t, &t.a, 1, 0); /* a job that is out */
	struct job *job = device_take_job(t.a.device);
	struct change_allowed_ip ips[] = {{.prefix = {t.b.inner4, 32}}};
	struct change_peer entries[] = {entry_of(&t.b), entry_of(&t.b)};
	entries[0].remove = true;
	entries[1].has_endpoint = true;
	entries[1].endpoint = t.b.address;
	entries[1].has_preshared_key = true;
	memset(&entries[1].preshared_key, 0x5a, DH_LEN);
	entries[1].allowed_ips = ips;
	entries[1].allowed_ip_count = 1;
	struct change change = {.peers = entries, .peer_count = 2};
	CHECK(device_apply(t.a.device, &change, &t.now));
	CHECK_EQ(1, device_peer_count(t.a.device));
	const struct peer *peer = end_peer(&t.a);
	CHECK(!peer->keyring.current && peer->tx_bytes == 0);
	CHECK(device_route(t.a.device, &t.b.inner4) == peer);
	CHECK(!device_route(t.a.device, &t.b.inner6));
	job_run_batch(&job, 1);
	device_put_job(t.a.device, job, &t.now);
	CHECK_EQ(1, end_drops(&t.a, DROP_REMOVED));
	tunnel_skip(&t, SECOND);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

TEST(apply_replace_peers)
{
	struct tunnel t;
	struct change change = {.replace_peers = true};
	CHECK(tunnel_init(&t, 703));
	CHECK(tunnel_ping(&t, &t.a));
	add(&change, 1);
	struct change_peer *entry = change_add_peer(&change, &t.b.public_key);
	CHECK(entry);
	entry->update_only = true; /* there is none any more */
	CHECK(commit(&t, &change));
	CHECK_EQ(1, device_peer_count(t.a.device));
	CHECK(find(&t, 1) == device_first_peer(t.a.device));
	CHECK(!route(&t, "10.0.0.2"));
	CHECK_EQ(0, t.a.device->indices.count);
	change.replace_peers = true;
	CHECK(commit(&t, &change));
	CHECK_EQ(0, device_peer_count(t.a.device));
	CHECK_EQ(2, t.a.arena.blocks_out); /* our own key, and that of cookies */
	CHECK_EQ(NANOS_NEVER, device_deadline(t.a.device));
	tunnel_wipe(&t);
}

TEST(apply_ignores_our_own_key)
{
	struct tunnel t;
	struct change change = {0};
	CHECK(tunnel_init(&t, 704));
	struct change_peer *entry = change_add_peer(&change, &t.a.public_key);
	CHECK(entry);
	entry->has_endpoint = true;
	add_ip(entry, "10.9.0.0", 16, false);
	CHECK(commit(&t, &change));
	CHECK_EQ(1, device_peer_count(t.a.device));
	CHECK(!route(&t, "10.9.0.1"));
	CHECK(end_change_key(&t.a, &t.b.private_key, &t.now)); /* the peer's own: it goes */
	CHECK_EQ(0, device_peer_count(t.a.device));
	tunnel_wipe(&t);
}

/* A change with its own key and a peer of that key, in one. */
TEST(apply_ignores_the_key_that_comes_with_the_change)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 705));
	struct change_peer entries[] = {entry_of(&t.b), {.public_key = key_of(1)}};
	struct change change = {
		.has_private_key = true,
		.private_key = t.b.private_key,
		.peers = entries,
		.peer_count = 2,
	};
	CHECK(device_apply(t.a.device, &change, &t.now));
	CHECK_EQ(1, device_peer_count(t.a.device));
	CHECK(find(&t, 1));
	tunnel_wipe(&t);
}

/* A change of twelve peers, one key and as many prefixes, at every size of arena. */
TEST(apply_changes_all_or_nothing)
{
	int refused = 0;
	for (size_t room = 0;; room++) {
		struct tunnel t;
		struct change change = {.replace_peers = true, .has_private_key = true};
		CHECK(tunnel_init(&t, 706));
		CHECK(tunnel_ping(&t, &t.a));
		t.a.arena.len = t.a.arena.used + 64 * room;
		size_t blocks = t.a.arena.blocks_out, nodes = t.a.device->allowed_ips.node_count;
		memset(&change.private_key, 0x11, DH_LEN);
		for (uint32_t i = 0; i < 12; i++)
			add_ip(add(&change, i), "10.3.0.0", i + 16, false);
		if (commit(&t, &change)) {
			CHECK_EQ(12, device_peer_count(t.a.device));
			tunnel_wipe(&t);
			break;
		}
		refused++;
		CHECK_EQ(1, device_peer_count(t.a.device));
		CHECK_EQ(blocks, t.a.arena.blocks_out);
		CHECK_EQ(nodes, t.a.device->allowed_ips.node_count);
		CHECK_MEM(&t.a.private_key, device_private_key(t.a.device), DH_LEN);
		CHECK(!route(&t, "10.3.0.1"));
		CHECK(tunnel_ping(&t, &t.b));
		tunnel_wipe(&t);
	}
	CHECK(refused >= 12);
}

TEST(apply_refuses_too_many_prefixes)
{
	struct tunnel t;
	struct change change = {.replace_peers = true};
	CHECK(tunnel_init(&t, 707));
	CHECK(tunnel_ping(&t, &t.a));
	t.a.device->allowed_ips.node_max = t.a.device->allowed_ips.node_count;
	size_t blocks = t.a.arena.blocks_out;
	for (uint32_t i = 0; i < 12; i++)
		add_ip(add(&change, i), "10.3.0.0", i + 16, false);
	CHECK(!commit(&t, &change));
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

TEST(apply_prepared_and_discarded_changes_nothing)
{
	struct tunnel t;
	struct change change = {.replace_peers = true, .has_private_key = true};
	CHECK(tunnel_init(&t, 708));
	size_t blocks = t.a.arena.blocks_out;
	add(&change, 1);
	memset(&change.private_key, 0x11, DH_LEN);
	struct device_plan *plan = device_prepare(t.a.device, &change);
	CHECK(plan && t.a.arena.blocks_out > blocks);
	device_discard(t.a.device, plan);
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	CHECK(tunnel_ping(&t, &t.a));
	change_wipe(&change);
	tunnel_wipe(&t);
}

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC; /* of this process: no deadline depends on it */
}

TEST(apply_ten_thousand_peers)
{
	enum { COUNT = 10000 };
	struct end end;
	struct change change = {.has_private_key = true};
	struct now now = {SECOND, SECOND};
	CHECK(end_init(&end, 709, 8u << 20, TUNNEL_POOL_MAX));
	change.private_key = end.private_key;
	for (uint32_t i = 0; i < COUNT; i++) {
		struct change_peer *entry = add(&change, i);
		struct ip_prefix prefix = {{.family = IP_V4, .bytes = {10}}, 32};
		store_be16(prefix.address.bytes + 2, (uint16_t)i);
		CHECK(change_peer_add_allowed_ip(entry, &prefix, false));
	}
	double start = seconds();
	CHECK(device_apply(end.device, &change, &now));
	CHECK_EQ(COUNT, device_peer_count(end.device));
	for (uint32_t i = 0; i < COUNT; i += 97) {
		struct public_key key = key_of(i);
		const struct peer *peer = device_find_peer(end.device, &key);
		struct ip_address address = {.family = IP_V4, .bytes = {10}};
		store_be16(address.bytes + 2, (uint16_t)i);
		CHECK(peer && device_route(end.device, &address) == peer);
	}
	CHECK(device_apply(end.device, &change, &now)); /* the same again changes nothing */
	CHECK_EQ(COUNT, device_peer_count(end.device));
	CHECK(seconds() - start < 20); /* a square of them would take minutes */
	change_wipe(&change);
	end_wipe(&end);
}

TEST(apply_refuses_more_than_the_most_peers)
{
	struct end end;
	struct change change = {0};
	struct now now = {SECOND, SECOND};
	CHECK(end_init(&end, 710, 64u << 20, TUNNEL_POOL_MAX));
	for (uint32_t i = 0; i <= DEVICE_PEERS_MAX; i++)
		add(&change, i);
	CHECK(!device_apply(end.device, &change, &now));
	CHECK_EQ(0, device_peer_count(end.device));
	CHECK_EQ(1, end.arena.blocks_out);
	change.peer_count--;
	CHECK(device_apply(end.device, &change, &now));
	CHECK_EQ(DEVICE_PEERS_MAX, device_peer_count(end.device));
	for (int i = 0; i < 2; i++) { /* the same ones again, then in place of them */
		CHECK(device_apply(end.device, &change, &now));
		change.replace_peers = true;
	}
	change.peer_count++;
	CHECK(!device_apply(end.device, &change, &now));
	change_wipe(&change);
	end_wipe(&end);
}
