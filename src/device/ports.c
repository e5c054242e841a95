#include "device/device.h"

#include <stdlib.h>
#include <string.h>

#include "device/apply.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "device/nesting.h"
#include "device/receive.h"
#include "device/transmit.h"
#include "device/unreachable.h"

struct device *device_create(const struct device_setup *setup)
{
	struct device *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->arena = setup->arena;
	d->pool = setup->pool;
	d->rng = setup->rng;
	d->staged_bytes_max = setup->staged_bytes_max;
	index_table_init(&d->indices);
	deadline_heap_init(&d->deadlines);
	allowedips_init(&d->allowed_ips);
	memset(&d->stamp_limit, 0xff, sizeof d->stamp_limit);
	d->nesting_epoch = 1; /* in its zeroed state a peer has seen nothing */
	bool has_peers = peer_table_init(&d->peers, &d->rng);
	bool has_remotes = remote_table_init(&d->remotes, &d->rng);
	if (intake_init(d) && has_peers && has_remotes)
		return d;
	device_destroy(d);
	return NULL;
}

/* Gives back what nobody took, then the carriers. */
static void drain(struct device *d, struct carrier_queue *queue)
{
	for (struct carrier *carrier; (carrier = carrier_pop(queue));) {
		burst_pool_put(d->pool, carrier->job.burst);
		carrier_recycle(d, carrier);
	}
}

void device_destroy(struct device *d)
{
	if (!d)
		return;
	for (struct carrier *carrier; (carrier = carrier_pop(&d->jobs));
		carrier_recycle(d, carrier)) {
		device_unpin(d, carrier->peer, carrier->session);
		burst_pool_put(d->pool, carrier->job.burst);
	}
	drain(d, &d->sends);
	drain(d, &d->inner);
	while (d->peers.first)
		apply_remove_peer(d, d->peers.first);
	policies_wipe(&d->policies);
	intake_wipe(d);
	for (struct carrier *carrier; (carrier = d->free_carriers); free(carrier))
		d->free_carriers = carrier->next;
	secret_free(d->arena, d->us, sizeof *d->us);
	peer_table_wipe(&d->peers);
	remote_table_wipe(&d->remotes);
	index_table_wipe(&d->indices);
	deadline_heap_wipe(&d->deadlines);
	allowedips_wipe(&d->allowed_ips);
	free(d);
}

void device_set_ifindex(struct device *d, uint32_t ifindex)
{
	d->ifindex = ifindex;
}

void device_set_mtu(struct device *d, uint32_t mtu)
{
	d->mtu = mtu;
}

uint32_t device_mtu(const struct device *d)
{
	return d->mtu;
}

void device_put_inner(struct device *d, struct burst *burst, const struct now *now)
{
	struct ip_packet packet;
	struct peer *peer = NULL;
	if (burst->count == 0)
		burst_pool_put(d->pool, burst);
	else if (!d->is_up)
		device_drop_burst(d, NULL, DROP_REMOVED, burst);
	else if (!ip_packet_read(&packet, burst_inner(burst, 0), burst->len[0]))
		device_drop_burst(d, NULL, DROP_INNER_MALFORMED, burst);
	else if (!(peer = allowedips_lookup(&d->allowed_ips, &packet.destination)) ||
		 peer->endpoint.address.family == IP_NONE) {
		unreachable_answer(d, burst, &packet, now);
		device_drop_burst(d, peer, peer ? DROP_NO_ENDPOINT : DROP_NO_ROUTE, burst);
	} else if (nesting_is_loop(d, burst_inner(burst, 0), &packet, peer, now)) {
		device_drop_burst(d, peer, DROP_LOOP, burst);
	} else {
		burst->tos = packet.tos & IP_ECN_MASK; /* [RFC 6040 4.1]; DSCP is not copied */
		transmit_burst(d, peer, burst, now);
	}
}

void device_put_job(struct device *d, struct job *job, const struct now *now)
{
	struct carrier *carrier = (struct carrier *)job;
	if (job->kind == JOB_SEAL)
		transmit_finish(d, carrier, now);
	else
		receive_finish(d, carrier, now);
}

void device_on_send_error(struct device *d, const struct public_key *key)
{
	struct peer *peer = peer_table_find(&d->peers, key);
	if (peer)
		endpoint_clear_source(&peer->endpoint);
}

void device_forget_sources(struct device *d)
{
	for (struct peer *peer = d->peers.first; peer; peer = peer->next)
		endpoint_clear_source(&peer->endpoint);
}

void device_set_stamp_floor(struct device *d, const struct tai64n *floor)
{
	struct tai64n least = tai64n_next(floor);
	if (tai64n_is_after(&least, &d->sent_stamp))
		d->sent_stamp = least;
}

void device_grant_stamps(struct device *d, const struct tai64n *limit, const struct now *now)
{
	d->stamp_limit = *limit;
	d->wants_stamps = false;
	for (struct peer *peer = d->peers.first; peer; peer = peer->next)
		negotiate_resume(d, peer, now);
}

bool device_wants_stamps(const struct device *d)
{
	return d->wants_stamps;
}

const struct tai64n *device_sent_stamp(const struct device *d)
{
	return &d->sent_stamp;
}

void device_count_drop(struct device *d, enum drop_reason reason, uint64_t packets)
{
	device_drop(d, NULL, reason, packets);
}

struct job *device_take_job(struct device *d)
{
	struct carrier *carrier = carrier_pop(&d->jobs);
	return carrier ? &carrier->job : NULL;
}

bool device_take_send(struct device *d, struct device_send *out)
{
	struct carrier *carrier = carrier_pop(&d->sends);
	if (!carrier)
		return false;
	*out = carrier->send;
	carrier_recycle(d, carrier);
	return true;
}

struct burst *device_take_inner(struct device *d)
{
	struct carrier *carrier = carrier_pop(&d->inner);
	if (!carrier)
		return NULL;
	struct burst *burst = carrier->job.burst;
	carrier_recycle(d, carrier);
	return burst;
}

bool device_take_event(struct device *d, struct event *out)
{
	struct event_queue *queue = &d->events;
	if (queue->count == 0)
		return false;
	*out = queue->events[queue->first];
	queue->first = (queue->first + 1) % DEVICE_EVENTS_MAX;
	queue->count--;
	return true;
}

nanos device_deadline(const struct device *d)
{
	return intake_is_waiting(d) ? 0 : deadline_heap_next(&d->deadlines);
}

const struct private_key *device_private_key(const struct device *d)
{
	return d->us ? &d->us->private_key : NULL;
}

const struct public_key *device_public_key(const struct device *d)
{
	return d->us ? &d->us->public_key : NULL;
}

enum key_exchange device_default_exchange(const struct device *d)
{
	return d->policies.by_default;
}

const struct drop_counters *device_drops(const struct device *d)
{
	return &d->drops;
}

const struct peer *device_first_peer(const struct device *d)
{
	return d->peers.first;
}

const struct peer *device_find_peer(const struct device *d, const struct public_key *key)
{
	return peer_table_find(&d->peers, key);
}

size_t device_peer_count(const struct device *d)
{
	return d->peers.count;
}

const struct peer *device_route(const struct device *d, const struct ip_address *destination)
{
	return allowedips_lookup(&d->allowed_ips, destination);
}
