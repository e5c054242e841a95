/* AllowedIPs against a list that is searched from end to end. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "route/allowedips.h"
#include "unit/short_memory.h"

#define STEPS_MAX 300
#define PEERS	  4

struct world {
	struct allowedips table;
	struct peer peers[PEERS];
	struct { /* in the order in which their present owners got them */
		struct ip_prefix prefix;
		struct peer *peer;
	} list[STEPS_MAX];
	size_t count;
};

static bool is_same(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_address_is_equal(&a->address, &b->address);
}

/* STEPS_MAX: it is not there. */
static size_t list_find(const struct world *w, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < w->count; i++)
		if (is_same(&w->list[i].prefix, prefix))
			return i;
	return STEPS_MAX;
}

static void list_remove(struct world *w, size_t i)
{
	memmove(&w->list[i], &w->list[i + 1], (--w->count - i) * sizeof w->list[0]);
}

static void list_insert(struct world *w, const struct ip_prefix *prefix, struct peer *peer)
{
	size_t i = list_find(w, prefix);
	if (i != STEPS_MAX && w->list[i].peer == peer)
		return;
	if (i != STEPS_MAX)
		list_remove(w, i);
	w->list[w->count].prefix = *prefix;
	w->list[w->count++].peer = peer;
}

/* Bit by bit. */
static bool holds(const struct ip_prefix *prefix, const struct ip_address *address)
{
	if (prefix->address.family != address->family)
		return false;
	for (unsigned i = 0; i < prefix->len; i++)
		if ((prefix->address.bytes[i / 8] ^ address->bytes[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static struct peer *list_lookup(const struct world *w, const struct ip_address *address)
{
	struct peer *best = NULL;
	int best_len = -1;
	for (size_t i = 0; i < w->count; i++)
		if (holds(&w->list[i].prefix, address) && w->list[i].prefix.len > best_len) {
			best = w->list[i].peer;
			best_len = w->list[i].prefix.len;
		}
	return best;
}

/* Few bits that differ, so that prefixes meet: two bytes at either end. */
static struct ip_address read_address(struct input *in, bool is_v6)
{
	struct ip_address address = {.family = is_v6 ? IP_V6 : IP_V4};
	size_t last = is_v6 ? 15 : 3;
	address.bytes[0] = input_u8(in);
	address.bytes[is_v6 ? 8 : 1] = input_u8(in) & 0x81;
	address.bytes[last] = input_u8(in);
	return address;
}

static struct ip_prefix read_prefix(struct input *in, bool is_v6)
{
	struct ip_prefix prefix = {.address = read_address(in, is_v6)};
	prefix.len = (uint8_t)(input_u8(in) % (is_v6 ? 129 : 33));
	struct ip_address before = prefix.address;
	bool had_host_bits = ip_prefix_mask(&prefix);
	REQUIRE(holds(&prefix, &before) && ip_prefix_contains(&prefix, &before));
	REQUIRE(had_host_bits == !ip_address_is_equal(&before, &prefix.address));
	return prefix;
}

static void check_lists(const struct world *w)
{
	for (size_t p = 0; p < PEERS; p++) {
		const struct allowedips_node *node = NULL;
		struct ip_prefix prefix;
		for (size_t i = 0; i < w->count; i++) {
			if (w->list[i].peer != &w->peers[p])
				continue;
			node = allowedips_next(&w->peers[p], node, &prefix);
			REQUIRE(node && is_same(&prefix, &w->list[i].prefix));
		}
		node = node ? allowedips_next(&w->peers[p], node, &prefix)
			    : w->peers[p].allowed_ips;
		REQUIRE(!node);
	}
	REQUIRE(w->table.node_count - w->table.reserve_count <= 2 * w->count);
}

static void step(struct world *w, struct input *in)
{
	uint8_t head = input_u8(in);
	struct peer *peer = &w->peers[head % PEERS];
	bool is_v6 = head & 4;
	struct ip_prefix prefix = read_prefix(in, is_v6);
	size_t i = list_find(w, &prefix);
	bool is_theirs = i != STEPS_MAX && w->list[i].peer == peer;
	switch (head >> 3 & 7) {
	case 0:
		REQUIRE(allowedips_remove(&w->table, &prefix, peer) == is_theirs);
		if (is_theirs)
			list_remove(w, i);
		break;
	case 1:
		allowedips_remove_peer(&w->table, peer);
		for (i = w->count; i--;)
			if (w->list[i].peer == peer)
				list_remove(w, i);
		break;
	case 2: short_memory_begin(1 + (size_t)input_u8(in)); break;
	case 3: short_memory_end(); break;
	case 4: allowedips_reserve(&w->table, input_u8(in) % 8); break;
	default: /* it can only fail for a prefix that is new */
		if (allowedips_insert(&w->table, &prefix, peer))
			list_insert(w, &prefix, peer);
		else
			REQUIRE(i == STEPS_MAX);
	}
	struct ip_address address = read_address(in, is_v6);
	REQUIRE(allowedips_lookup(&w->table, &address) == list_lookup(w, &address));
	REQUIRE(allowedips_lookup(&w->table, &prefix.address) == list_lookup(w, &prefix.address));
	check_lists(w);
}

FUZZ(allowedips)
{
	static struct world w;
	memset(&w, 0, sizeof w);
	allowedips_init(&w.table);
	w.table.node_max = 3 * (size_t)input_u8(in);
	for (int i = 0; i < STEPS_MAX && in->len; i++)
		step(&w, in);
	short_memory_end();
	allowedips_wipe(&w.table);
	for (size_t p = 0; p < PEERS; p++)
		REQUIRE(!w.peers[p].allowed_ips);
}
