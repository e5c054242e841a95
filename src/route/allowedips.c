#include "route/allowedips.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

/*
 * One binary trie for each family, without the nodes that would only pass on: a
 * node is a prefix that belongs to a peer, or a fork between two subtrees (glue).
 * So glue always has two children, and a trie of n prefixes at most 2n - 1 nodes.
 */

/* An address as a number, the first bit on top; IPv4 lies in the upper half of `high`. */
struct key {
	uint64_t high, low;
};

struct allowedips_node {
	struct key key; /* zero beyond `len` bits */
	struct allowedips_node *child[2];
	struct allowedips_node *parent;		 /* NULL: the root. Links what is unused, too */
	struct peer *peer;			 /* NULL: glue */
	struct allowedips_node *next, *previous; /* of the peer's list */
	enum ip_family family;
	uint8_t len;
};

static struct key key_of(const struct ip_address *address)
{
	if (address->family == IP_V4)
		return (struct key){.high = (uint64_t)load_be32(address->bytes) << 32};
	return (struct key){load_be64(address->bytes), load_be64(address->bytes + 8)};
}

/* Bit i, counted from the first one of the address; any for i = 128, where no child is. */
static unsigned bit_of(const struct key *key, unsigned i)
{
	return (unsigned)((i < 64 ? key->high : key->low) >> (63 - i % 64) & 1);
}

/* Of how many bits, from the first on, two keys are equal: 0..128. */
static unsigned common_bits(const struct key *a, const struct key *b)
{
	if (a->high != b->high)
		return (unsigned)__builtin_clzll(a->high ^ b->high);
	if (a->low != b->low)
		return 64 + (unsigned)__builtin_clzll(a->low ^ b->low);
	return 128;
}

/* The first `len` bits of `key`. */
static struct key key_cut(const struct key *key, unsigned len)
{
	struct key cut = *key;
	if (len < 64)
		cut = (struct key){.high = key->high & ~(UINT64_MAX >> len)};
	else if (len < 128)
		cut.low &= ~(UINT64_MAX >> (len - 64));
	return cut;
}

static bool is_above(const struct allowedips_node *node, const struct key *key)
{
	return common_bits(&node->key, key) >= node->len;
}

static struct allowedips_node **root_of(struct allowedips *table, enum ip_family family)
{
	return family == IP_V4 ? &table->root4 : &table->root6;
}

void allowedips_init(struct allowedips *table)
{
	*table = (struct allowedips){.node_max = ALLOWEDIPS_NODES_MAX};
}

/* ------------------------------------------------------------------ memory */

static void node_free(struct allowedips *table, struct allowedips_node *node)
{
	free(node);
	table->node_count--;
}

bool allowedips_reserve(struct allowedips *table, size_t count)
{
	if (count > table->node_max / 2)
		return false;
	struct allowedips_node *fresh = NULL;
	size_t fresh_count = 0;
	while (table->reserve_count + fresh_count < 2 * count) {
		struct allowedips_node *node = NULL;
		if (table->node_count < table->node_max)
			node = calloc(1, sizeof *node);
		if (!node)
			goto no_memory;
		table->node_count++;
		fresh_count++;
		node->parent = fresh;
		fresh = node;
	}
	while (fresh) {
		struct allowedips_node *node = fresh;
		fresh = node->parent;
		node->parent = table->reserve;
		table->reserve = node;
	}
	table->reserve_count += fresh_count;
	return true;
no_memory:
	while (fresh) {
		struct allowedips_node *node = fresh;
		fresh = node->parent;
		node_free(table, node);
	}
	return false;
}

/* From the reserve, which must not be empty; belongs to no one yet. */
static struct allowedips_node *node_take(
	struct allowedips *table, enum ip_family family, const struct key *key, unsigned len)
{
	struct allowedips_node *node = table->reserve;
	table->reserve = node->parent;
	table->reserve_count--;
	*node = (struct allowedips_node){
		.key = key_cut(key, len),
		.family = family,
		.len = (uint8_t)len,
	};
	return node;
}

/* Frees a whole trie. The parents, no longer needed, link what is still to be freed. */
static void free_trie(struct allowedips *table, struct allowedips_node *root)
{
	while (root) {
		struct allowedips_node *node = root;
		root = node->parent;
		for (int i = 0; i < 2; i++) {
			if (!node->child[i])
				continue;
			node->child[i]->parent = root;
			root = node->child[i];
		}
		if (node->peer)
			node->peer->allowed_ips = node->peer->allowed_ips_last = NULL;
		node_free(table, node);
	}
}

void allowedips_wipe(struct allowedips *table)
{
	free_trie(table, table->root4);
	free_trie(table, table->root6);
	free_trie(table, table->reserve); /* a trie of parents only */
	assert(table->node_count == 0);
	allowedips_init(table);
}

/* ------------------------------------------------------------------ the peers' lists */

static void list_append(struct peer *peer, struct allowedips_node *node)
{
	node->peer = peer;
	node->next = NULL;
	node->previous = peer->allowed_ips_last;
	if (node->previous)
		node->previous->next = node;
	else
		peer->allowed_ips = node;
	peer->allowed_ips_last = node;
}

static void list_unlink(struct allowedips_node *node)
{
	if (node->previous)
		node->previous->next = node->next;
	else
		node->peer->allowed_ips = node->next;
	if (node->next)
		node->next->previous = node->previous;
	else
		node->peer->allowed_ips_last = node->previous;
	node->peer = NULL;
}

const struct allowedips_node *allowedips_next(
	const struct peer *peer, const struct allowedips_node *after, struct ip_prefix *prefix)
{
	const struct allowedips_node *node = after ? after->next : peer->allowed_ips;
	if (!node)
		return NULL;
	*prefix = (struct ip_prefix){.address.family = node->family, .len = node->len};
	if (node->family == IP_V4) {
		store_be32(prefix->address.bytes, (uint32_t)(node->key.high >> 32));
	} else {
		store_be64(prefix->address.bytes, node->key.high);
		store_be64(prefix->address.bytes + 8, node->key.low);
	}
	return node;
}

/* ------------------------------------------------------------------ the trie */

/* Where a prefix is, or where it would be hung in. */
struct place {
	struct allowedips_node *parent; /* the deepest node that is shorter and holds it */
	struct allowedips_node **link;	/* from the parent, or the root's */
};

static struct place find_place(
	struct allowedips *table, enum ip_family family, const struct key *key, unsigned len)
{
	struct place at = {NULL, root_of(table, family)};
	while (*at.link && (*at.link)->len < len && is_above(*at.link, key)) {
		at.parent = *at.link;
		at.link = &at.parent->child[bit_of(key, at.parent->len)];
	}
	return at;
}

static struct allowedips_node *find_exact(struct place at, const struct key *key, unsigned len)
{
	struct allowedips_node *node = *at.link;
	return node && node->len == len && is_above(node, key) ? node : NULL;
}

static void hang(struct place at, struct allowedips_node *node)
{
	node->parent = at.parent;
	*at.link = node;
}

static void hang_below(struct allowedips_node *parent, struct allowedips_node *node)
{
	hang((struct place){parent, &parent->child[bit_of(&node->key, parent->len)]}, node);
}

/* Hangs `node` in at its place, above or, with glue, beside what is there. */
static void hang_between(struct allowedips *table, struct place at, struct allowedips_node *node)
{
	struct allowedips_node *below = *at.link;
	if (below && is_above(node, &below->key)) {
		hang(at, node);
		hang_below(node, below);
	} else if (below) {
		unsigned len = common_bits(&node->key, &below->key);
		struct allowedips_node *glue = node_take(table, node->family, &node->key, len);
		hang(at, glue);
		hang_below(glue, node);
		hang_below(glue, below);
	} else {
		hang(at, node);
	}
}

bool allowedips_insert(struct allowedips *table, const struct ip_prefix *prefix, struct peer *peer)
{
	enum ip_family family = prefix->address.family;
	assert(prefix->len <= ip_family_bits(family));
	struct key key = key_of(&prefix->address);
	struct place at = find_place(table, family, &key, prefix->len);
	struct allowedips_node *node = find_exact(at, &key, prefix->len);
	if (!node) {
		if (!allowedips_reserve(table, 1))
			return false;
		node = node_take(table, family, &key, prefix->len);
		hang_between(table, at, node);
	}
	if (node->peer == peer)
		return true;
	if (node->peer)
		list_unlink(node);
	list_append(peer, node);
	return true;
}

/* Takes a prefix from its peer, and out of the trie what only it had use for. */
static void remove_node(struct allowedips *table, struct allowedips_node *node)
{
	list_unlink(node);
	while (node && !node->peer && !(node->child[0] && node->child[1])) {
		struct allowedips_node *parent = node->parent;
		struct allowedips_node *only = node->child[node->child[0] ? 0 : 1];
		struct allowedips_node **link = root_of(table, node->family);
		if (parent)
			link = &parent->child[parent->child[1] == node];
		*link = only;
		if (only)
			only->parent = parent;
		node_free(table, node);
		node = parent;
	}
}

bool allowedips_remove(
	struct allowedips *table, const struct ip_prefix *prefix, const struct peer *peer)
{
	struct key key = key_of(&prefix->address);
	struct place at = find_place(table, prefix->address.family, &key, prefix->len);
	struct allowedips_node *node = find_exact(at, &key, prefix->len);
	if (!node || node->peer != peer)
		return false;
	remove_node(table, node);
	return true;
}

void allowedips_remove_peer(struct allowedips *table, struct peer *peer)
{
	while (peer->allowed_ips)
		remove_node(table, peer->allowed_ips);
}

struct peer *allowedips_lookup(const struct allowedips *table, const struct ip_address *address)
{
	if (address->family == IP_NONE)
		return NULL;
	struct key key = key_of(address);
	const struct allowedips_node *node = address->family == IP_V4 ? table->root4 : table->root6;
	struct peer *best = NULL;
	while (node && is_above(node, &key)) {
		if (node->peer)
			best = node->peer;
		node = node->child[bit_of(&key, node->len)];
	}
	return best;
}
