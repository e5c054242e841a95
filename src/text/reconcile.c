#include "text/reconcile.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "text/reconcile_index.h"

enum side { IS, SHOULD_BE };

/* One line of AllowedIPs of either side; later, one difference. */
struct claim {
	struct ip_prefix prefix;
	enum side side;
	bool remove;
	const struct change_peer *peer;
	size_t order; /* of the lines on its side; later, the peer's in `to` */
};

struct plan {
	struct reconcile_index is, should_be;
	const struct change *from, *to;
	struct claim *claims;
	size_t claim_count;
};

static size_t count_claims(const struct change *change)
{
	size_t count = 0;
	for (size_t i = 0; i < change->peer_count; i++)
		count += change->peers[i].allowed_ip_count;
	return count;
}

static void gather_claims(struct plan *plan, const struct change *change, enum side side)
{
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct change_peer *peer = &change->peers[i];
		for (size_t j = 0; j < peer->allowed_ip_count; j++) {
			const struct change_allowed_ip *ip = &peer->allowed_ips[j];
			plan->claims[plan->claim_count] = (struct claim){
				ip->prefix, side, ip->remove, peer, plan->claim_count};
			plan->claim_count++;
		}
	}
}

static int compare_orders(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

/* Those of the same prefix side by side, in the order in which they take effect. */
static int compare_claims(const void *first, const void *second)
{
	const struct claim *a = first, *b = second;
	int order = reconcile_compare_prefixes(&a->prefix, &b->prefix);
	if (!order)
		order = (int)a->side - (int)b->side;
	return order ? order : compare_orders(a->order, b->order);
}

static int compare_differences(const void *first, const void *second)
{
	const struct claim *a = first, *b = second;
	int order = compare_orders(a->order, b->order);
	return order ? order : reconcile_compare_prefixes(&a->prefix, &b->prefix);
}

static bool is_same_peer(const struct change_peer *a, const struct change_peer *b)
{
	return secret_is_equal(&a->public_key, &b->public_key, sizeof a->public_key);
}

/*
 * Who has the prefix of claims[0..count) before and after; writes the difference
 * to *out. false: there is none, or it comes by itself because the peer goes.
 */
static bool compare_owners(
	const struct plan *plan, const struct claim *claims, size_t count, struct claim *out)
{
	const struct change_peer *owner[] = {NULL, NULL};
	for (size_t i = 0; i < count; i++) {
		const struct change_peer **o = &owner[claims[i].side];
		if (!claims[i].remove)
			*o = claims[i].peer;
		else if (*o == claims[i].peer)
			*o = NULL;
	}
	const struct change_peer *is = owner[IS], *should_be = owner[SHOULD_BE];
	if (is && should_be && is_same_peer(is, should_be))
		return false;
	const struct change_peer *entry = should_be;
	if (!entry && is)
		entry = reconcile_index_find(&plan->should_be, &is->public_key);
	if (!entry)
		return false;
	*out = (struct claim){.prefix = claims[0].prefix,
		.remove = !should_be,
		.order = (size_t)(entry - plan->to->peers)};
	return true;
}

/* Claims to differences, in place: there are never more. */
static void find_differences(struct plan *plan)
{
	size_t kept = 0, count;
	struct claim *claims = plan->claims, found;
	if (plan->claim_count)
		qsort(claims, plan->claim_count, sizeof *claims, compare_claims);
	for (size_t i = 0; i < plan->claim_count; i += count) {
		for (count = 1; i + count < plan->claim_count; count++)
			if (reconcile_compare_prefixes(
				    &claims[i].prefix, &claims[i + count].prefix))
				break;
		if (compare_owners(plan, &claims[i], count, &found))
			claims[kept++] = found;
	}
	plan->claim_count = kept;
	if (kept)
		qsort(claims, kept, sizeof *claims, compare_differences);
}

static bool make_plan(struct plan *plan, const struct change *from, const struct change *to)
{
	*plan = (struct plan){.from = from, .to = to};
	if (!reconcile_index_build(&plan->is, from) || !reconcile_index_build(&plan->should_be, to))
		return false;
	plan->claims = calloc(count_claims(from) + count_claims(to) + 1, sizeof *plan->claims);
	if (!plan->claims)
		return false;
	gather_claims(plan, from, IS);
	gather_claims(plan, to, SHOULD_BE);
	find_differences(plan);
	return true;
}

static void free_plan(struct plan *plan)
{
	reconcile_index_free(&plan->is);
	reconcile_index_free(&plan->should_be);
	free(plan->claims);
}

/* Absent, as all zero, is none. */
static bool is_same_preshared_key(const struct change_peer *a, const struct change_peer *b)
{
	static const struct preshared_key none;
	return secret_is_equal(a->has_preshared_key ? &a->preshared_key : &none,
		b->has_preshared_key ? &b->preshared_key : &none, sizeof none);
}

static uint16_t keepalive_of(const struct change_peer *peer)
{
	return peer->has_keepalive ? peer->keepalive_seconds : 0;
}

/* What nobody said is the default. */
static enum post_quantum policy_of(const struct change_peer *peer)
{
	return peer->has_post_quantum ? peer->post_quantum : POST_QUANTUM_DEFAULT;
}

static enum post_quantum default_policy_of(const struct change *change)
{
	bool is_required = change->has_post_quantum && change->post_quantum == POST_QUANTUM_REQUIRE;
	return is_required ? POST_QUANTUM_REQUIRE : POST_QUANTUM_OFF;
}

/* What of a peer is different but its allowed IPs; true if anything is. */
static bool compare_settings(struct change_peer *entry, const struct change_peer *is,
	const struct change_peer *should_be)
{
	entry->update_only = true;
	if (!is_same_preshared_key(is, should_be)) {
		entry->has_preshared_key = true;
		if (should_be->has_preshared_key)
			entry->preshared_key = should_be->preshared_key;
	}
	if (should_be->has_endpoint && (!is->has_endpoint || !endpoint_is_same_remote(&is->endpoint,
								     &should_be->endpoint))) {
		entry->has_endpoint = true;
		entry->endpoint = should_be->endpoint;
	}
	if (keepalive_of(is) != keepalive_of(should_be)) {
		entry->has_keepalive = true;
		entry->keepalive_seconds = keepalive_of(should_be);
	}
	if (policy_of(is) != policy_of(should_be)) {
		entry->has_post_quantum = true;
		entry->post_quantum = policy_of(should_be);
	}
	return entry->has_preshared_key || entry->has_endpoint || entry->has_keepalive ||
	       entry->has_post_quantum;
}

/* The device may remember a policy of a key that was a peer before: it is said in any case. */
static void set_all(struct change_peer *entry, const struct change_peer *new)
{
	entry->has_preshared_key = new->has_preshared_key;
	entry->preshared_key = new->preshared_key;
	entry->has_endpoint = new->has_endpoint;
	entry->endpoint = new->endpoint;
	entry->has_keepalive = new->has_keepalive;
	entry->keepalive_seconds = new->keepalive_seconds;
	entry->has_post_quantum = true;
	entry->post_quantum = policy_of(new);
}

/* The entry for to->peers[i], if it needs one; takes its differences, from `claims` on. */
static bool add_entry(struct change *out, const struct plan *plan, size_t i,
	const struct claim *claims, size_t count)
{
	const struct change_peer *should_be = &plan->to->peers[i];
	const struct change_peer *is = reconcile_index_find(&plan->is, &should_be->public_key);
	struct change_peer entry = {.public_key = should_be->public_key};
	bool ok = true;
	if (!is)
		set_all(&entry, should_be);
	else if (!compare_settings(&entry, is, should_be) && !count)
		return true; /* as it was */
	struct change_peer *added = change_add_peer(out, &entry.public_key);
	if (added)
		*added = entry;
	for (size_t j = 0; added && ok && j < count; j++)
		ok = change_peer_add_allowed_ip(added, &claims[j].prefix, claims[j].remove);
	secret_wipe(&entry, sizeof entry);
	return added && ok;
}

static bool add_removals(struct change *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->from->peer_count; i++) {
		const struct public_key *key = &plan->from->peers[i].public_key;
		if (reconcile_index_find(&plan->should_be, key))
			continue;
		struct change_peer *entry = change_add_peer(out, key);
		if (!entry)
			return false;
		entry->remove = true;
	}
	return true;
}

static bool add_peers(struct change *out, const struct plan *plan)
{
	size_t first = 0, count;
	for (size_t i = 0; i < plan->to->peer_count; i++, first += count) {
		for (count = 0; first + count < plan->claim_count; count++)
			if (plan->claims[first + count].order != i)
				break;
		if (!add_entry(out, plan, i, &plan->claims[first], count))
			return false;
	}
	return true;
}

static void compare_interfaces(
	struct change *out, const struct change *from, const struct change *to)
{
	static const struct private_key none;
	const struct private_key *is = from->has_private_key ? &from->private_key : &none;
	out->has_private_key =
		to->has_private_key && !secret_is_equal(is, &to->private_key, sizeof none);
	if (out->has_private_key)
		out->private_key = to->private_key;
	out->has_listen_port = to->has_listen_port &&
			       to->listen_port != (from->has_listen_port ? from->listen_port : 0);
	out->listen_port = out->has_listen_port ? to->listen_port : 0;
	out->has_fwmark = to->has_fwmark && to->fwmark != (from->has_fwmark ? from->fwmark : 0);
	out->fwmark = out->has_fwmark ? to->fwmark : 0;
	out->has_post_quantum = default_policy_of(from) != default_policy_of(to);
	out->post_quantum = out->has_post_quantum ? default_policy_of(to) : POST_QUANTUM_DEFAULT;
}

bool reconcile(struct change *out, const struct change *from, const struct change *to)
{
	struct plan plan;
	change_init(out);
	bool ok = make_plan(&plan, from, to);
	if (ok) {
		compare_interfaces(out, from, to);
		ok = add_removals(out, &plan) && add_peers(out, &plan);
	}
	free_plan(&plan);
	return ok;
}
