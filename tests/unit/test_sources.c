#include "io/sources.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "unit/test.h"
#include "unit/tunnel.h"

#define PEERS 40

static struct end end;
static const struct now now = {1, 1};

static struct public_key key_of(uint32_t number)
{
	struct public_key key = {{9}};
	store_be32(key.bytes + 4, number);
	return key;
}

static struct peer *peer_of(uint32_t number)
{
	struct public_key key = key_of(number);
	return (struct peer *)device_find_peer(end.device, &key);
}

/* Peer i is at 192.0.2.i, came in at 10.0.0.i by interface 7; every fifth never did. */
static bool begin(uint32_t count)
{
	if (!end_init(&end, 1, 4 << 20, TUNNEL_POOL_MAX))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct change_peer entry = {.public_key = key_of(i), .has_endpoint = true};
		entry.endpoint = (struct endpoint){.address = ip("192.0.2.0"), .port = 51820};
		store_be32(entry.endpoint.address.bytes, 0xc0000200 + i);
		if (!end_change_peer(&end, &entry, &now))
			return false;
		if (i % 5 == 0)
			continue;
		peer_of(i)->endpoint.source = ip("10.0.0.0");
		store_be32(peer_of(i)->endpoint.source.bytes, 0x0a000000 + i);
		peer_of(i)->endpoint.source_ifindex = 7;
	}
	return true;
}

TEST(sources_of_all_peers_are_told_once)
{
	struct sources_walk walk = {0};
	struct message_sources told;
	CHECK(begin(PEERS));
	for (int round = 0; round < 2; round++) {
		uint32_t next = 0;
		do {
			sources_collect(&walk, end.device, &told);
			CHECK(told.count <= MESSAGES_SOURCES_MAX);
			for (uint32_t i = 0; i < told.count; i++, next++) {
				next += next % 5 == 0;
				struct public_key key = key_of(next);
				CHECK_MEM(key.bytes, told.items[i].peer.bytes, DH_LEN);
				CHECK_EQ(0x0a000000 + next,
					load_be32(told.items[i].endpoint.source.bytes));
				CHECK_EQ(7, told.items[i].endpoint.source_ifindex);
			}
		} while (!told.is_last);
		CHECK_EQ(PEERS, next);
	}
	end_wipe(&end);
}

TEST(sources_where_there_are_none)
{
	struct sources_walk walk = {0};
	struct message_sources told;
	CHECK(begin(0));
	sources_collect(&walk, end.device, &told);
	CHECK(told.is_last && told.count == 0);
	end_wipe(&end);
	CHECK(begin(2));
	peer_of(1)->endpoint.source.family = IP_V6; /* it was left from another endpoint */
	sources_collect(&walk, end.device, &told);
	CHECK(told.is_last && told.count == 0);
	end_wipe(&end);
}

TEST(sources_of_a_peer_that_is_removed_meanwhile)
{
	struct sources_walk walk = {0};
	struct message_sources told;
	CHECK(begin(PEERS));
	sources_collect(&walk, end.device, &told);
	CHECK(!told.is_last && told.count == MESSAGES_SOURCES_MAX);
	struct change_peer gone = {.public_key = walk.last, .remove = true};
	struct change_peer later = {.public_key = key_of(39), .remove = true};
	CHECK(end_change_peer(&end, &gone, &now) && end_change_peer(&end, &later, &now));
	sources_collect(&walk, end.device, &told); /* from the first */
	struct public_key first = key_of(1);
	CHECK_MEM(first.bytes, told.items[0].peer.bytes, DH_LEN);
	sources_collect(&walk, end.device, &told);
	CHECK(told.is_last);
	end_wipe(&end);
}

/* Many peers without any: no one message looks at all of them. */
TEST(sources_takes_a_few_peers_at_a_time)
{
	struct sources_walk walk = {0};
	struct message_sources told;
	CHECK(begin(SOURCES_STEPS_MAX + 2));
	for (uint32_t i = 0; i <= SOURCES_STEPS_MAX; i++)
		endpoint_clear_source(&peer_of(i)->endpoint);
	sources_collect(&walk, end.device, &told);
	CHECK(!told.is_last && told.count == 0);
	sources_collect(&walk, end.device, &told);
	CHECK(told.is_last && told.count == 1);
	end_wipe(&end);
}

TEST(sources_are_forgotten_unless_they_are_others_now)
{
	struct sources_walk walk = {0};
	struct message_sources told;
	CHECK(begin(10));
	sources_collect(&walk, end.device, &told);
	CHECK(told.is_last && told.count == 8); /* 1 2 3 4 6 7 8 9 */
	peer_of(1)->endpoint.source_ifindex++;
	peer_of(2)->endpoint.source.bytes[3]++;
	peer_of(3)->endpoint.port++;
	struct change_peer gone = {.public_key = key_of(4), .remove = true};
	CHECK(end_change_peer(&end, &gone, &now));
	told.count = 6; /* but not 8 and 9 */
	sources_forget(end.device, &told);
	for (uint32_t i = 1; i < 10; i++)
		if (i % 5 && i != 4)
			CHECK_EQ(i == 6 || i == 7, peer_of(i)->endpoint.source.family == IP_NONE);
	end_wipe(&end);
}
