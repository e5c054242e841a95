#include "unit/test.h"

#include "device/change.h"

static struct public_key key_number(uint32_t i)
{
	struct public_key key = {{0}};
	memcpy(key.bytes, &i, sizeof i);
	return key;
}

static struct ip_prefix prefix_number(uint32_t i)
{
	struct ip_prefix prefix = {.address.family = IP_V4, .len = 32};
	memcpy(prefix.address.bytes, &i, sizeof i);
	return prefix;
}

TEST(change_keeps_what_was_added_while_it_grows)
{
	struct change change;
	change_init(&change);
	for (uint32_t i = 0; i < 1000; i++) {
		struct public_key key = key_number(i);
		struct change_peer *peer = change_add_peer(&change, &key);
		CHECK(peer == &change.peers[i]);
		CHECK(!peer->allowed_ips && !peer->has_preshared_key && !peer->remove);
		peer->preshared_key.bytes[31] = (uint8_t)i;
		for (uint32_t k = 0; k < i % 20; k++) {
			struct ip_prefix prefix = prefix_number(i * 20 + k);
			CHECK(change_peer_add_allowed_ip(peer, &prefix, k % 2));
		}
	}
	CHECK_EQ(1000, change.peer_count);
	for (uint32_t i = 0; i < 1000; i++) {
		const struct change_peer *peer = &change.peers[i];
		struct public_key key = key_number(i);
		CHECK_MEM(&key, &peer->public_key, sizeof key);
		CHECK_EQ((uint8_t)i, peer->preshared_key.bytes[31]);
		CHECK_EQ(i % 20, peer->allowed_ip_count);
		for (uint32_t k = 0; k < i % 20; k++) {
			struct ip_prefix prefix = prefix_number(i * 20 + k);
			CHECK(ip_address_is_equal(
				&prefix.address, &peer->allowed_ips[k].prefix.address));
			CHECK_EQ(32, peer->allowed_ips[k].prefix.len);
			CHECK_EQ(k % 2, peer->allowed_ips[k].remove);
		}
	}
	change_wipe(&change);
}

TEST(change_wipe_leaves_nothing)
{
	static const struct change nothing;
	struct change change;
	change_init(&change);
	CHECK_MEM(&nothing, &change, sizeof change);
	change_wipe(&change); /* an empty one too */
	change.has_private_key = true;
	memset(&change.private_key, 0x77, sizeof change.private_key);
	struct public_key key = key_number(1);
	struct ip_prefix prefix = prefix_number(1);
	CHECK(change_peer_add_allowed_ip(change_add_peer(&change, &key), &prefix, false));
	change_wipe(&change);
	CHECK_MEM(&nothing, &change, sizeof change);
}

TEST(change_is_bounded)
{
	struct public_key key = key_number(1);
	struct ip_prefix prefix = prefix_number(1);
	struct change full = {.peer_count = CHANGE_PEERS_MAX, .peer_capacity = CHANGE_PEERS_MAX};
	struct change_peer full_peer = {.allowed_ip_count = CHANGE_ALLOWED_IPS_MAX,
		.allowed_ip_capacity = CHANGE_ALLOWED_IPS_MAX};
	CHECK(!change_add_peer(&full, &key));
	CHECK(!change_peer_add_allowed_ip(&full_peer, &prefix, false));
	CHECK_EQ(CHANGE_PEERS_MAX, full.peer_count);
	CHECK_EQ(CHANGE_ALLOWED_IPS_MAX, full_peer.allowed_ip_count);
}
