#include "device/apply.h"

#include <stdlib.h>

#include "device/intake.h"
#include "device/nesting.h"
#include "device/staging.h"
#include "device/transmit.h"

/* Sessions, the pending handshake, timers and waiting packets: as if just created. */
static void reset_peer(struct device *d, struct peer *peer)
{
	device_end_sessions(d, peer);
	device_forget_pending(d, peer);
	staging_drop(d, peer, DROP_REMOVED);
	timers_stop(&peer->timers);
	endpoint_clear_source(&peer->endpoint);
}

void apply_remove_peer(struct device *d, struct peer *peer)
{
	reset_peer(d, peer);
	allowedips_remove_peer(&d->allowed_ips, peer);
	deadline_heap_remove(&d->deadlines, peer);
	peer_table_remove(&d->peers, peer);
	policies_keep(&d->policies, peer->policy);
	peer->policy = NULL;
	nesting_forget(d);
	peer->is_removed = true;
	if (peer->pins == 0)
		peer_destroy(peer, d->arena);
}

/* Everything a change may need and that can fail to be had. */
struct spare { /* for one entry; NULL where it needs none */
	struct peer *peer;
	struct policy *policy;
};

struct device_plan {
	struct local_identity *identity; /* of the change's private key; NULL: none */
	size_t spare_count;
	struct spare spares[];
};

void device_discard(struct device *d, struct device_plan *plan)
{
	for (size_t i = 0; i < plan->spare_count; i++) {
		peer_destroy(plan->spares[i].peer, d->arena);
		free(plan->spares[i].policy);
	}
	secret_free(d->arena, plan->identity, sizeof *plan->identity);
	free(plan);
}

static bool may_create(const struct change_peer *entry)
{
	return !entry->remove && !entry->update_only;
}

/* How many peers there would be at the most. */
static size_t count_peers_after(const struct device *d, const struct change *change)
{
	size_t count = change->replace_peers ? 0 : d->peers.count;
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct change_peer *entry = &change->peers[i];
		count += may_create(entry) &&
			 (change->replace_peers || !peer_table_find(&d->peers, &entry->public_key));
	}
	return count;
}

static bool says_policy(const struct change_peer *entry)
{
	return entry->has_post_quantum && entry->post_quantum != POST_QUANTUM_DEFAULT;
}

/* Even a peer that exists gets a spare: an earlier entry of the change may remove it. */
static bool prepare_spare(struct device *d, const struct change_peer *entry, struct spare *spare)
{
	if (may_create(entry) && !(spare->peer = peer_create(d->arena, &entry->public_key)))
		return false;
	return !says_policy(entry) || (spare->policy = calloc(1, sizeof *spare->policy));
}

static bool prepare_peers(struct device *d, const struct change *change, struct device_plan *plan)
{
	size_t prefixes = 0;
	plan->spare_count = change->peer_count;
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct change_peer *entry = &change->peers[i];
		prefixes += entry->allowed_ip_count;
		if (!prepare_spare(d, entry, &plan->spares[i]))
			return false;
	}
	return count_peers_after(d, change) <= DEVICE_PEERS_MAX &&
	       deadline_heap_reserve(&d->deadlines, d->peers.count + change->peer_count) &&
	       allowedips_reserve(&d->allowed_ips, prefixes);
}

static bool prepare_identity(
	struct device *d, const struct change *change, struct device_plan *plan)
{
	if (!change->has_private_key ||
		secret_is_zero(&change->private_key, sizeof change->private_key))
		return true;
	plan->identity = secret_alloc(d->arena, sizeof *plan->identity);
	if (plan->identity)
		local_identity_init(plan->identity, &change->private_key);
	return plan->identity;
}

struct device_plan *device_prepare(struct device *d, const struct change *change)
{
	struct device_plan *plan =
		calloc(1, sizeof *plan + change->peer_count * sizeof plan->spares[0]);
	if (!plan)
		return NULL;
	if (prepare_identity(d, change, plan) && prepare_peers(d, change, plan))
		return plan;
	device_discard(d, plan);
	return NULL;
}

static bool is_same_key(const struct local_identity *a, const struct local_identity *b)
{
	return a && b && secret_is_equal(&a->private_key, &b->private_key, DH_LEN);
}

/*
 * What was shared with the peer under the old key is void for sending; what is
 * still in flight towards us may yet be opened.
 */
static void rekey_peer(struct device *d, struct peer *peer)
{
	struct preshared_key psk = peer->remote->preshared_key;
	device_forget_pending(d, peer);
	timers_on_attempt_ended(&peer->timers);
	peer->timers.last_handshake = NANOS_NEVER;
	if (peer->keyring.current)
		peer->keyring.current->send_counter = REJECT_AFTER_MESSAGES;
	if (peer->keyring.next)
		peer->keyring.next->send_counter = REJECT_AFTER_MESSAGES;
	if (d->us)
		remote_identity_init(peer->remote, d->us, &peer->public_key, &psk);
	else
		secret_wipe(&peer->remote->static_static, sizeof peer->remote->static_static);
	secret_wipe(&psk, sizeof psk);
}

static void commit_private_key(struct device *d, struct device_plan *plan)
{
	if (is_same_key(d->us, plan->identity))
		return;
	intake_clear(d);
	secret_free(d->arena, d->us, sizeof *d->us);
	d->us = plan->identity;
	plan->identity = NULL;
	struct peer *self = d->us ? peer_table_find(&d->peers, &d->us->public_key) : NULL;
	if (self)
		apply_remove_peer(d, self);
	for (struct peer *peer = d->peers.first; peer; peer = peer->next)
		rekey_peer(d, peer);
}

static void commit_allowed_ips(struct device *d, struct peer *peer, const struct change_peer *entry)
{
	if (entry->replace_allowed_ips)
		allowedips_remove_peer(&d->allowed_ips, peer);
	for (size_t i = 0; i < entry->allowed_ip_count; i++) {
		const struct change_allowed_ip *ip = &entry->allowed_ips[i];
		if (ip->remove)
			allowedips_remove(&d->allowed_ips, &ip->prefix, peer);
		else
			allowedips_insert(&d->allowed_ips, &ip->prefix, peer);
	}
}

static void commit_keepalive(
	struct device *d, struct peer *peer, uint16_t seconds, const struct now *now)
{
	bool was_off = peer->keepalive_seconds == 0;
	struct timers *timers = &peer->timers;
	if (seconds == peer->keepalive_seconds)
		return; /* set again: what is due stays due [kernel] */
	peer->keepalive_seconds = seconds;
	timers->persistent_interval = seconds * NANOS_PER_SECOND;
	timers->deadline[TIMER_PERSISTENT] = NANOS_NEVER;
	if (!d->is_up || !seconds)
		return;
	timers->deadline[TIMER_PERSISTENT] =
		was_off ? now->boottime : nanos_add(now->boottime, timers->persistent_interval);
}

/* The keepalives so far had nowhere to go; a name that was looked up is the usual reason. */
static void commit_endpoint(
	struct device *d, struct peer *peer, const struct endpoint *endpoint, const struct now *now)
{
	bool was_unknown = peer->endpoint.address.family == IP_NONE;
	peer->endpoint = *endpoint;
	if (was_unknown && d->is_up && peer->keepalive_seconds)
		peer->timers.deadline[TIMER_PERSISTENT] = now->boottime;
}

static bool is_in_use(const struct peer *peer, const struct now *now)
{
	const struct session *current = peer->keyring.current;
	return peer->keyring.next || (current && session_can_send(current, now->boottime));
}

/*
 * What was agreed on by the other handshake ends here: no packet more goes out under
 * it, and none that comes in under it counts. The other end cannot know: where there was
 * a session that it may still use, the next turn begins a handshake, not this one, for
 * a default may be that of thousands of peers.
 */
static void use_policy(struct device *d, struct peer *peer, const struct now *now)
{
	enum key_exchange wanted = policies_resolve(&d->policies, peer->policy);
	if (peer->key_exchange == wanted)
		return;
	bool was_in_use = is_in_use(peer, now);
	peer->key_exchange = wanted;
	device_end_sessions(d, peer);
	device_forget_pending(d, peer);
	timers_on_attempt_ended(&peer->timers);
	peer->timers.last_handshake = NANOS_NEVER;
	if (was_in_use && d->is_up && peer->endpoint.address.family != IP_NONE)
		peer->timers.deadline[TIMER_NEW_HANDSHAKE] = now->boottime;
	device_touch(d, peer);
}

/* Takes the spare policy if something is said of the peer and nothing was before. */
static void commit_policy(struct peer *peer, const struct change_peer *entry, struct policy **spare)
{
	if (!says_policy(entry)) {
		free(peer->policy);
		peer->policy = NULL;
	} else if (!peer->policy) {
		peer->policy = *spare;
		*spare = NULL;
	}
	if (peer->policy) {
		peer->policy->public_key = peer->public_key;
		peer->policy->key_exchange = entry->post_quantum == POST_QUANTUM_REQUIRE
						     ? KEY_EXCHANGE_HYBRID
						     : KEY_EXCHANGE_X25519;
	}
}

/*
 * Used for each peer only once it is known what the change says of that peer: where the
 * interface and the peer change places, nothing ends.
 */
static void commit_default_policy(struct device *d, enum post_quantum by_default)
{
	d->policies.by_default =
		by_default == POST_QUANTUM_REQUIRE ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519;
}

/* Takes the spare, or NULL where the entry may not create a peer. */
static struct peer *add_peer(struct device *d, struct peer **spare)
{
	struct peer *peer = *spare;
	if (!peer)
		return NULL;
	*spare = NULL;
	peer->policy = policies_take(&d->policies, &peer->public_key);
	peer->key_exchange = policies_resolve(&d->policies, peer->policy);
	struct preshared_key none = {0};
	if (d->us)
		remote_identity_init(peer->remote, d->us, &peer->public_key, &none);
	peer->sent_stamp = d->sent_stamp; /* it may have been our peer before, and got just that */
	peer_table_add(&d->peers, peer);
	deadline_heap_add(&d->deadlines, peer);
	return peer;
}

static void commit_peer(struct device *d, const struct change_peer *entry, struct spare *spare,
	const struct now *now)
{
	if (d->us && secret_is_equal(&d->us->public_key, &entry->public_key, DH_LEN))
		return; /* ourselves */
	struct peer *peer = peer_table_find(&d->peers, &entry->public_key);
	if (entry->remove) {
		if (peer)
			apply_remove_peer(d, peer);
		return;
	}
	if (!peer)
		peer = add_peer(d, &spare->peer);
	if (!peer)
		return;
	if (entry->has_post_quantum)
		commit_policy(peer, entry, &spare->policy);
	use_policy(d, peer, now);
	if (entry->has_preshared_key)
		peer->remote->preshared_key = entry->preshared_key;
	commit_allowed_ips(d, peer, entry);
	if (entry->has_keepalive)
		commit_keepalive(d, peer, entry->keepalive_seconds, now);
	if (entry->has_endpoint)
		commit_endpoint(d, peer, &entry->endpoint, now);
	if (d->is_up)
		transmit_staged(d, peer, now);
	device_touch(d, peer);
}

void device_commit(struct device *d, struct device_plan *plan, const struct change *change,
	const struct now *now)
{
	while (change->replace_peers && d->peers.first)
		apply_remove_peer(d, d->peers.first);
	if (change->has_private_key)
		commit_private_key(d, plan);
	if (change->has_post_quantum)
		commit_default_policy(d, change->post_quantum);
	for (size_t i = 0; i < change->peer_count; i++)
		commit_peer(d, &change->peers[i], &plan->spares[i], now);
	/* Packets may wait for a handshake that the new key, or policy, has ended. */
	bool has_ended = change->has_private_key || change->has_post_quantum;
	for (struct peer *peer = d->peers.first; has_ended && peer; peer = peer->next) {
		use_policy(d, peer, now);
		transmit_staged(d, peer, now);
	}
	device_discard(d, plan);
}

bool device_apply(struct device *d, const struct change *change, const struct now *now)
{
	struct device_plan *plan = device_prepare(d, change);
	if (plan)
		device_commit(d, plan, change, now);
	return plan;
}

void device_set_link(struct device *d, bool is_up, const struct now *now)
{
	if (d->is_up == is_up)
		return;
	d->is_up = is_up;
	if (!is_up)
		intake_clear(d);
	for (struct peer *peer = d->peers.first; peer; peer = peer->next) {
		if (is_up && peer->keepalive_seconds)
			peer->timers.deadline[TIMER_PERSISTENT] = now->boottime;
		else if (!is_up)
			reset_peer(d, peer);
		device_touch(d, peer);
	}
}
