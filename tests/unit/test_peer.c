#include "unit/test.h"

#include <stdlib.h>

#include "peer/peer.h"
#include "unit/freed.h"

static _Alignas(64) uint8_t memory[4096];
static const struct public_key key = {{1, 2, 3}};

TEST(peer_starts_empty)
{
	struct secret_arena arena;
	secret_arena_init(&arena, memory, sizeof memory);
	struct peer *peer = peer_create(&arena, &key);
	CHECK(peer);
	CHECK_MEM(&key, &peer->public_key, sizeof key);
	CHECK(peer->remote && !peer->pending && !peer->allowed_ips && !peer->staged.first);
	CHECK_EQ(NANOS_NEVER, timers_next(&peer->timers));
	CHECK(timers_can_initiate(&peer->timers, 0));
	CHECK_EQ(IP_NONE, peer->endpoint.address.family);
	peer_destroy(peer, &arena);
	CHECK_EQ(0, arena.blocks_out);
	peer_destroy(NULL, &arena);
}

/* A cookie is a secret of ours and the other end's, though a small one. */
TEST(peer_destroy_wipes_the_cookie)
{
	struct secret_arena arena;
	secret_arena_init(&arena, memory, sizeof memory);
	struct peer *peer = peer_create(&arena, &key);
	CHECK(peer);
	memset(&peer->cookie_jar.cookie, 0x77, sizeof peer->cookie_jar.cookie);
	struct mac_value cookie = peer->cookie_jar.cookie;
	freed_watch(&cookie, sizeof cookie);
	peer_destroy(peer, &arena);
	CHECK_EQ(0, freed_end());
}

TEST(peer_create_fails_when_the_arena_is_full)
{
	struct secret_arena arena;
	secret_arena_init(&arena, memory, 64);
	CHECK(!peer_create(&arena, &key));
	CHECK_EQ(0, arena.blocks_out);
}

TEST(peer_destroy_frees_what_waits)
{
	struct secret_arena arena;
	secret_arena_init(&arena, memory, sizeof memory);
	struct peer *peer = peer_create(&arena, &key);
	CHECK(peer);
	peer->pending = secret_alloc(&arena, sizeof *peer->pending);
	CHECK(peer->pending);
	CHECK(staged_push(&peer->staged, memory, 20));
	CHECK(staged_push(&peer->staged, memory, 0));
	peer_destroy(peer, &arena); /* the sanitizer sees what it forgets */
	CHECK_EQ(0, arena.blocks_out);
}

TEST(staged_queue_is_first_in_first_out)
{
	struct staged_queue queue = {NULL, NULL, 0};
	CHECK(!staged_pop(&queue));
	uint8_t pushed = 0, popped = 0;
	for (int round = 0; round < 4; round++) { /* runs empty each time: last must follow */
		for (int i = 0; i < 5; i++) {
			uint8_t packet[3] = {pushed++, 0x55, 0xaa};
			CHECK(staged_push(&queue, packet, 1 + (uint32_t)i % 3));
			CHECK_EQ(i + 1, queue.count);
		}
		for (int i = 0; i < 5; i++) {
			struct staged_packet *staged = staged_pop(&queue);
			uint8_t packet[3] = {popped++, 0x55, 0xaa};
			CHECK(staged);
			CHECK_EQ(1 + i % 3, staged->len);
			CHECK_MEM(packet, staged->bytes, staged->len);
			free(staged);
		}
		CHECK_EQ(0, queue.count);
		CHECK(!queue.first && !queue.last);
	}
}
