#include "unit/test.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "route/allowedips.h"

#define PEERS 8

static struct peer peers[PEERS];

static struct ip_address address(const char *text)
{
	struct ip_address a = {.family = strchr(text, ':') ? IP_V6 : IP_V4};
	if (inet_pton(a.family == IP_V6 ? AF_INET6 : AF_INET, text, a.bytes) != 1)
		abort();
	return a;
}

static struct ip_prefix prefix(const char *text, unsigned len)
{
	return (struct ip_prefix){address(text), (uint8_t)len};
}

static struct allowedips setup(void)
{
	struct allowedips table;
	allowedips_init(&table);
	memset(peers, 0, sizeof peers);
	return table;
}

static bool insert(struct allowedips *table, const char *text, unsigned len, int peer)
{
	struct ip_prefix p = prefix(text, len);
	return allowedips_insert(table, &p, &peers[peer]);
}

/* The number of the peer that `text` goes to, or -1. */
static int64_t route(const struct allowedips *table, const char *text)
{
	struct ip_address a = address(text);
	const struct peer *peer = allowedips_lookup(table, &a);
	return peer ? peer - peers : -1;
}

static bool is_same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_address_is_equal(&a->address, &b->address);
}

TEST(allowedips_empty_table)
{
	struct allowedips table = setup();
	struct ip_prefix p = prefix("0.0.0.0", 0);
	CHECK_EQ(-1, route(&table, "1.2.3.4"));
	CHECK_EQ(-1, route(&table, "::1"));
	CHECK(!allowedips_remove(&table, &p, &peers[0]));
	CHECK(!allowedips_next(&peers[0], NULL, &p));
	allowedips_remove_peer(&table, &peers[0]);
	allowedips_wipe(&table);
}

struct route_row {
	const char *destination;
	int peer;
};

/* regressions 12: a more specific prefix of another peer wins */
TEST(allowedips_longest_prefix_wins)
{
	static const struct route_row rows[] = {
		{"10.1.2.3", 3},
		{"10.1.2.4", 2},
		{"10.1.255.255", 2},
		{"10.2.0.0", 1},
		{"11.0.0.0", 0},
		{"9.255.255.255", 0},
		{"0.0.0.0", 0},
		{"255.255.255.255", 0},
		{"fd00::1", 6},
		{"fd00::2", 5},
		{"fd00:0:0:1::", 4},
		{"fd01::", -1},
		{"fcff:ffff::", -1},
		{"::", -1},
	};
	struct allowedips table = setup();
	CHECK(insert(&table, "10.1.2.3", 32, 3) && insert(&table, "0.0.0.0", 0, 0));
	CHECK(insert(&table, "10.0.0.0", 8, 1) && insert(&table, "10.1.0.0", 16, 2));
	CHECK(insert(&table, "fd00::1", 128, 6) && insert(&table, "fd00::", 64, 5));
	CHECK(insert(&table, "fd00::", 16, 4));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		CHECK_EQ(rows[i].peer, route(&table, rows[i].destination));
	struct ip_address none = {.family = IP_NONE};
	CHECK(!allowedips_lookup(&table, &none));
	allowedips_wipe(&table);
}

/* Each length of each family, with the first bit that no longer belongs to it turned. */
TEST(allowedips_every_length)
{
	struct ip_address a4 = address("181.90.165.195"), a6 = address("b55a:a5c3:5ab5:c3a5::a5c3");
	const struct ip_address *all[] = {&a4, &a6};
	for (size_t f = 0; f < 2; f++) {
		for (unsigned len = 0; len <= ip_family_bits(all[f]->family); len++) {
			struct allowedips table = setup();
			struct ip_prefix p = {*all[f], (uint8_t)len}, found;
			ip_prefix_mask(&p);
			CHECK(allowedips_insert(&table, &p, &peers[0]));
			CHECK(allowedips_lookup(&table, all[f]) == &peers[0]);
			for (unsigned bit = 0; bit < ip_family_bits(all[f]->family); bit++) {
				struct ip_address other = *all[f];
				other.bytes[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
				CHECK_EQ(bit >= len, allowedips_lookup(&table, &other) != NULL);
			}
			CHECK(allowedips_next(&peers[0], NULL, &found));
			CHECK(is_same_prefix(&p, &found));
			allowedips_wipe(&table);
			CHECK(!peers[0].allowed_ips && !peers[0].allowed_ips_last);
		}
	}
}

TEST(allowedips_the_families_are_apart)
{
	struct allowedips table = setup();
	CHECK(insert(&table, "0.0.0.0", 0, 0));
	CHECK_EQ(-1, route(&table, "::"));
	CHECK_EQ(0, route(&table, "0.0.0.0"));
	CHECK(insert(&table, "::", 0, 1));
	CHECK_EQ(1, route(&table, "::"));
	CHECK_EQ(0, route(&table, "0.0.0.0"));
	allowedips_wipe(&table);
}

TEST(allowedips_insert_moves_a_prefix)
{
	struct allowedips table = setup();
	CHECK(insert(&table, "10.0.0.0", 8, 0) && insert(&table, "10.1.0.0", 16, 0));
	CHECK(insert(&table, "10.0.0.0", 8, 1));
	CHECK_EQ(1, route(&table, "10.0.0.1"));
	CHECK_EQ(0, route(&table, "10.1.0.1"));
	struct ip_prefix p = prefix("10.0.0.0", 8);
	CHECK(!allowedips_remove(&table, &p, &peers[0])); /* not its own any more */
	CHECK(allowedips_remove(&table, &p, &peers[1]));
	CHECK(!allowedips_remove(&table, &p, &peers[1]));
	p.len = 9; /* was never there, though one below is */
	CHECK(!allowedips_remove(&table, &p, &peers[0]));
	CHECK_EQ(-1, route(&table, "10.0.0.1"));
	CHECK_EQ(0, route(&table, "10.1.0.1"));
	allowedips_wipe(&table);
}

TEST(allowedips_walk_is_in_order_of_insertion)
{
	static const uint8_t lens[] = {24, 8, 32, 16, 0};
	struct allowedips table = setup();
	for (size_t i = 0; i < sizeof lens; i++)
		CHECK(insert(&table, "0.0.0.0", lens[i], 0));
	CHECK(insert(&table, "0.0.0.0", 8, 0)); /* there already: keeps its place */
	const struct allowedips_node *at = NULL;
	struct ip_prefix p;
	for (size_t i = 0; i < sizeof lens; i++) {
		CHECK(at = allowedips_next(&peers[0], at, &p));
		CHECK_EQ(lens[i], p.len);
	}
	CHECK(!allowedips_next(&peers[0], at, &p));
	allowedips_wipe(&table);
}

/* regressions 13: leaked nodes. Glue goes with what it held together. */
TEST(allowedips_remove_frees_the_glue)
{
	struct allowedips table = setup();
	CHECK(insert(&table, "128.0.0.0", 32, 0) && insert(&table, "0.0.0.0", 32, 0));
	CHECK_EQ(3, table.node_count - table.reserve_count);
	CHECK(insert(&table, "0.0.0.1", 32, 1));
	CHECK_EQ(5, table.node_count - table.reserve_count);
	allowedips_remove_peer(&table, &peers[1]);
	CHECK_EQ(3, table.node_count - table.reserve_count);
	/* a prefix with two below it becomes glue, and goes with the first of them */
	CHECK(insert(&table, "0.0.0.0", 0, 1));
	CHECK_EQ(3, table.node_count - table.reserve_count);
	allowedips_remove_peer(&table, &peers[1]);
	CHECK_EQ(3, table.node_count - table.reserve_count);
	struct ip_prefix p = prefix("0.0.0.0", 32);
	CHECK(allowedips_remove(&table, &p, &peers[0]));
	CHECK_EQ(1, table.node_count - table.reserve_count);
	allowedips_remove_peer(&table, &peers[0]);
	CHECK_EQ(0, table.node_count - table.reserve_count);
	CHECK(!table.root4 && !table.root6);
	allowedips_wipe(&table);
	CHECK_EQ(0, table.node_count);
}

/* regressions 13: allocation failing at every step. The bound fails as malloc does. */
TEST(allowedips_insert_without_memory_changes_nothing)
{
	static const char *const texts[] = {"10.0.0.0", "10.128.0.0", "10.64.0.0", "11.0.0.0"};
	for (size_t node_max = 0; node_max < 9; node_max++) {
		struct allowedips table = setup();
		bool is_in[4] = {false};
		table.node_max = node_max;
		for (int i = 0; i < 4; i++) {
			struct allowedips before = table;
			is_in[i] = insert(&table, texts[i], 32, i);
			if (!is_in[i])
				CHECK_MEM(&before, &table, sizeof table);
			CHECK_EQ(is_in[i], peers[i].allowed_ips != NULL);
			for (int k = 0; k < 4; k++)
				CHECK_EQ(is_in[k] ? k : -1, route(&table, texts[k]));
		}
		CHECK(table.node_count <= node_max);
		CHECK_EQ(node_max >= 2, is_in[0]);
		CHECK_EQ(node_max >= 7, is_in[3]); /* four leaves, three forks */
		if (is_in[0])			   /* moving takes no memory */
			CHECK(insert(&table, texts[0], 32, 5) && route(&table, texts[0]) == 5);
		allowedips_wipe(&table);
	}
}

TEST(allowedips_reserve_is_enough)
{
	for (size_t count = 0; count < 20; count++) {
		struct allowedips table = setup();
		table.node_max = 2 * count;
		CHECK(!allowedips_reserve(&table, count + 1));
		CHECK_EQ(0, table.node_count); /* a failed one gives back what it had got */
		CHECK(allowedips_reserve(&table, count));
		CHECK(allowedips_reserve(&table, count)); /* the same again costs nothing */
		CHECK_EQ(2 * count, table.node_count);
		for (size_t i = 0; i < count; i++) {
			/* each one differs in an earlier bit than the last: all need glue */
			struct ip_prefix p = {{IP_V6, {0}}, 128};
			p.address.bytes[15 - i / 8] = (uint8_t)(1u << i % 8);
			CHECK(allowedips_insert(&table, &p, &peers[0]));
		}
		allowedips_wipe(&table);
	}
	struct allowedips table = setup();
	CHECK(!allowedips_reserve(&table, SIZE_MAX));
	CHECK(!allowedips_reserve(&table, SIZE_MAX / 2 + 1));
	CHECK_EQ(0, table.node_count);
}

/* 131,072 prefixes on one peer, as the kernel's own namespace test has them (256 x 256 x 2). */
TEST(allowedips_many_on_one_peer)
{
	const uint32_t count = 131072;
	struct allowedips table = setup();
	CHECK(allowedips_reserve(&table, count));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t n = i / 2 * UINT32_C(2654435761); /* scattered, all different */
		struct ip_prefix p = {{i % 2 ? IP_V6 : IP_V4, {0}}, i % 2 ? 128 : 32};
		memcpy(p.address.bytes, &n, 4);
		CHECK(allowedips_insert(&table, &p, &peers[0]));
		CHECK(allowedips_lookup(&table, &p.address) == &peers[0]);
	}
	CHECK_EQ(2 * (count - 1), table.node_count - table.reserve_count);
	allowedips_remove_peer(&table, &peers[0]);
	CHECK(!table.root4 && !table.root6 && !peers[0].allowed_ips_last);
	allowedips_wipe(&table);
}

/* The oracle: a list in order of insertion, searched from end to end. */
#define MODEL_MAX 256

static struct entry {
	struct ip_prefix prefix;
	struct peer *peer;
} model[MODEL_MAX];
static size_t model_count;

static void model_remove(size_t i)
{
	model_count--;
	memmove(&model[i], &model[i + 1], (model_count - i) * sizeof model[0]);
}

static size_t model_find(const struct ip_prefix *p)
{
	size_t i = 0;
	while (i < model_count && !is_same_prefix(&model[i].prefix, p))
		i++;
	return i;
}

static void model_insert(const struct ip_prefix *p, struct peer *peer)
{
	size_t i = model_find(p);
	if (i < model_count && model[i].peer == peer)
		return;
	if (i < model_count)
		model_remove(i);
	model[model_count++] = (struct entry){*p, peer};
}

static struct peer *model_lookup(const struct ip_address *a)
{
	const struct entry *best = NULL;
	for (size_t i = 0; i < model_count; i++)
		if (ip_prefix_contains(&model[i].prefix, a) &&
			(!best || model[i].prefix.len > best->prefix.len))
			best = &model[i];
	return best ? best->peer : NULL;
}

/* Few different bits, in all bytes, so that prefixes meet often. */
static struct ip_address draw_address(unsigned short dice[3])
{
	static const uint8_t bytes[] = {0x00, 0x00, 0x00, 0x01, 0x80, 0xff};
	struct ip_address a = {.family = nrand48(dice) % 2 ? IP_V4 : IP_V6};
	for (unsigned i = 0; i < ip_family_bits(a.family) / 8; i++)
		a.bytes[i] = bytes[nrand48(dice) % 6];
	return a;
}

static struct ip_prefix draw_prefix(unsigned short dice[3])
{
	if (model_count && nrand48(dice) % 4 == 0)
		return model[(size_t)nrand48(dice) % model_count].prefix;
	struct ip_prefix p = {.address = draw_address(dice)};
	unsigned long bits = ip_family_bits(p.address.family);
	p.len = (uint8_t)((unsigned long)nrand48(dice) % (bits + 1));
	ip_prefix_mask(&p);
	return p;
}

static bool lists_agree(void)
{
	for (int n = 0; n < PEERS; n++) {
		const struct allowedips_node *at = NULL;
		struct ip_prefix p;
		for (size_t i = 0; i < model_count; i++) {
			if (model[i].peer != &peers[n])
				continue;
			at = allowedips_next(&peers[n], at, &p);
			if (!at || !is_same_prefix(&p, &model[i].prefix))
				return false;
		}
		if (allowedips_next(&peers[n], at, &p) || peers[n].allowed_ips_last != at)
			return false;
	}
	return true;
}

static bool change_both(struct allowedips *table, unsigned short dice[3])
{
	struct peer *peer = &peers[nrand48(dice) % PEERS];
	struct ip_prefix p = draw_prefix(dice);
	long what = nrand48(dice) % 32;
	if (what == 0) {
		allowedips_remove_peer(table, peer);
		for (size_t i = model_count; i-- > 0;)
			if (model[i].peer == peer)
				model_remove(i);
	} else if (what < 12 || model_count == MODEL_MAX) {
		size_t i = model_find(&p);
		bool is_there = i < model_count && model[i].peer == peer;
		if (is_there)
			model_remove(i);
		return allowedips_remove(table, &p, peer) == is_there;
	} else {
		model_insert(&p, peer);
		return allowedips_insert(table, &p, peer);
	}
	return true;
}

TEST(allowedips_agrees_with_a_list)
{
	unsigned short dice[3] = {20, 15, 2026 % 1000};
	struct allowedips table = setup();
	model_count = 0;
	for (int step = 0; step < 6000; step++) {
		CHECK(change_both(&table, dice));
		CHECK(lists_agree());
		CHECK(table.node_count - table.reserve_count <= 2 * model_count);
		for (int i = 0; i < 8; i++) {
			struct ip_address a = draw_address(dice);
			if (model_count && i % 2)
				a = model[(size_t)nrand48(dice) % model_count].prefix.address;
			CHECK(model_lookup(&a) == allowedips_lookup(&table, &a));
		}
	}
	allowedips_wipe(&table);
	CHECK_EQ(0, table.node_count);
	model_count = 0;
	CHECK(lists_agree());
}
