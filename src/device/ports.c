#include "device/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#include "device/apply.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "device/receive.h"
#include "device/transmit.h"
#include "device/unreachable.h"

#define PROTOCOL_UDP	  17
#define PROTOCOL_FRAGMENT 44 /* of IPv6 */
#define UDP_HEADER_LEN	  8
#define MESSAGE_INDEX_END 8 /* in initiations and data: type, then index */

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
	intake_init(d);
	memset(&d->stamp_limit, 0xff, sizeof d->stamp_limit);
	if (!peer_table_init(&d->peers, &d->rng)) {
		free(d);
		return NULL;
	}
	return d;
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
		carrier_unpin(d, carrier);
		burst_pool_put(d->pool, carrier->job.burst);
	}
	drain(d, &d->sends);
	drain(d, &d->inner);
	while (d->peers.first)
		apply_remove_peer(d, d->peers.first);
	intake_wipe(d);
	for (struct carrier *carrier; (carrier = d->free_carriers); free(carrier))
		d->free_carriers = carrier->next;
	secret_free(d->arena, d->us, sizeof *d->us);
	peer_table_wipe(&d->peers);
	index_table_wipe(&d->indices);
	deadline_heap_wipe(&d->deadlines);
	allowedips_wipe(&d->allowed_ips);
	free(d);
}

void device_set_mtu(struct device *d, uint32_t mtu)
{
	d->mtu = mtu;
}

/* Where the UDP header of a packet begins; 0: it has none, or stands in another fragment. */
static uint32_t udp_offset(const uint8_t *bytes, const struct ip_packet *packet)
{
	uint32_t offset = (bytes[0] & 15u) * 4;
	uint8_t protocol = bytes[9];
	bool is_later_fragment = load_be16(bytes + 6) & 0x1fff;
	if (packet->destination.family == IP_V6) {
		offset = 40;
		protocol = bytes[6];
		is_later_fragment = false;
		if (protocol == PROTOCOL_FRAGMENT && packet->len >= offset + 8) {
			protocol = bytes[offset];
			is_later_fragment = load_be16(bytes + offset + 2) & 0xfff8;
			offset += 8;
		}
	}
	bool is_whole = packet->len >= offset + UDP_HEADER_LEN + MESSAGE_INDEX_END;
	return protocol == PROTOCOL_UDP && !is_later_fragment && is_whole ? offset : 0;
}

/* The index in the message is that of a session with this peer, or of our initiation to it. */
static bool is_our_message(const struct peer *peer, const uint8_t *message)
{
	const struct keyring *ring = &peer->keyring;
	const struct session *sessions[] = {ring->previous, ring->current, ring->next};
	uint32_t type = load_le32(message), index = load_le32(message + 4);
	if (type == MESSAGE_INITIATION)
		return peer->pending && peer->pending->local_index == index;
	for (size_t i = 0; type == MESSAGE_DATA && i < KEYRING_SESSIONS; i++)
		if (sessions[i] && sessions[i]->remote_index == index)
			return true;
	return false;
}

/*
 * What we sent to the peer's endpoint and routes lead back into its tunnel: it would
 * go round, a layer more each time, without end. The port alone does not tell: others
 * may speak to the same endpoint through us. The rest of a datagram in fragments
 * passes once, and its own datagram is one that we know again.
 */
static bool is_own_datagram(
	const uint8_t *bytes, const struct ip_packet *packet, const struct peer *peer)
{
	if (!ip_address_is_equal(&packet->destination, &peer->endpoint.address))
		return false;
	uint32_t udp = udp_offset(bytes, packet);
	return udp && load_be16(bytes + udp + 2) == peer->endpoint.port &&
	       is_our_message(peer, bytes + udp + UDP_HEADER_LEN);
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
	} else if (is_own_datagram(burst_inner(burst, 0), &packet, peer)) {
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
