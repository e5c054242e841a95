#include "unit/test.h"

#include "text/reconcile_index.h"
#include "unit/short_memory.h"

TEST(reconcile_index_finds_each_and_nobody_else)
{
	struct change change;
	struct reconcile_index index;
	change_init(&change);
	CHECK(reconcile_index_build(&index, &change));
	CHECK(!reconcile_index_find(&index, &(struct public_key){{0}}));
	reconcile_index_free(&index);
	for (unsigned i = 0; i < 100; i++)
		CHECK(change_add_peer(
			&change, &(struct public_key){{(uint8_t)(i * 37 % 100 * 2)}}));
	CHECK(reconcile_index_build(&index, &change));
	for (unsigned i = 0; i < 200; i++) {
		struct public_key key = {{(uint8_t)i}};
		const struct change_peer *peer = reconcile_index_find(&index, &key);
		CHECK(i % 2 ? !peer : peer && !memcmp(&peer->public_key, &key, sizeof key));
	}
	reconcile_index_free(&index);
	short_memory_begin(1);
	bool ok = reconcile_index_build(&index, &change);
	CHECK(short_memory_end() && !ok);
	reconcile_index_free(&index);
	change_wipe(&change);
}

TEST(reconcile_index_orders_prefixes)
{
	static const struct ip_prefix rows[] = {
		{{IP_V4, {9, 255}}, 32},
		{{IP_V4, {10}}, 8},
		{{IP_V4, {10}}, 9},
		{{IP_V4, {10, 0, 0, 1}}, 32},
		{{IP_V6, {10}}, 8},
		{{IP_V6, {10, [15] = 1}}, 128},
	};
	const size_t count = sizeof rows / sizeof *rows;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int order = reconcile_compare_prefixes(&rows[i], &rows[j]);
			CHECK(i == j ? order == 0 : (order < 0) == (i < j));
		}
}
