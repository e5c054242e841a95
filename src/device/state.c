#include "device/state.h"

#include <stdlib.h>

void device_drop(struct device *d, struct peer *peer, enum drop_reason reason, uint64_t packets)
{
	d->drops.count[reason] += packets;
	if (peer)
		peer->drops.count[reason] += packets;
}

void device_drop_burst(
	struct device *d, struct peer *peer, enum drop_reason reason, struct burst *burst)
{
	device_drop(d, peer, reason, burst->count);
	burst_pool_put(d->pool, burst);
}

void device_tell(struct device *d, const struct event *event)
{
	struct event_queue *queue = &d->events;
	if (queue->count == DEVICE_EVENTS_MAX)
		return;
	queue->events[(queue->first + queue->count++) % DEVICE_EVENTS_MAX] = *event;
}

struct event device_event(enum event_kind kind, const struct peer *peer)
{
	return (struct event){
		.kind = kind,
		.has_peer = true,
		.peer = peer->public_key,
		.endpoint = peer->endpoint,
		.is_hybrid = peer->key_exchange == KEY_EXCHANGE_HYBRID,
	};
}

struct carrier *carrier_create(struct device *d, struct burst *burst)
{
	struct carrier *carrier = d->free_carriers;
	if (carrier)
		d->free_carriers = carrier->next;
	else
		carrier = malloc(sizeof *carrier);
	if (!carrier)
		return NULL;
	*carrier = (struct carrier){.job.burst = burst};
	return carrier;
}

void carrier_recycle(struct device *d, struct carrier *carrier)
{
	carrier->next = d->free_carriers;
	d->free_carriers = carrier;
}

void carrier_push(struct carrier_queue *queue, struct carrier *carrier)
{
	carrier->next = NULL;
	if (queue->first)
		queue->last->next = carrier;
	else
		queue->first = carrier;
	queue->last = carrier;
}

struct carrier *carrier_pop(struct carrier_queue *queue)
{
	struct carrier *carrier = queue->first;
	if (carrier)
		queue->first = carrier->next;
	return carrier;
}

void carrier_queue_job(struct device *d, struct carrier *carrier)
{
	carrier->job.key = carrier->job.kind == JOB_SEAL ? &carrier->session->keys->send
							 : &carrier->session->keys->receive;
	carrier->session->pins++;
	carrier->peer->pins++;
	carrier_push(&d->jobs, carrier);
}

bool carrier_is_void(const struct carrier *carrier)
{
	return carrier->session->is_void || carrier->peer->is_removed;
}

void device_unpin(struct device *d, struct peer *peer, struct session *session)
{
	if (--session->pins == 0 && session->is_retired)
		session_destroy(session, d->arena);
	if (--peer->pins == 0 && peer->is_removed)
		peer_destroy(peer, d->arena);
}

void carrier_queue_send(struct device *d, struct carrier *carrier, const struct peer *peer)
{
	carrier->send = (struct device_send){
		.burst = carrier->job.burst,
		.to = peer->endpoint,
		.peer = peer->public_key,
	};
	carrier_push(&d->sends, carrier);
}

void device_retire_sessions(struct device *d, const struct keyring_retired *retired)
{
	for (size_t i = 0; i < KEYRING_SESSIONS; i++) {
		struct session *session = retired->sessions[i];
		if (!session)
			continue;
		index_table_remove(&d->indices, session->local_index);
		remote_table_remove(&d->remotes, session);
		session->is_retired = true;
		if (session->pins == 0)
			session_destroy(session, d->arena);
	}
}

void device_end_sessions(struct device *d, struct peer *peer)
{
	struct keyring_retired retired = keyring_clear(&peer->keyring);
	for (size_t i = 0; i < KEYRING_SESSIONS; i++)
		if (retired.sessions[i])
			retired.sessions[i]->is_void = true;
	device_retire_sessions(d, &retired);
}

void device_forget_pending(struct device *d, struct peer *peer)
{
	if (!peer->pending)
		return;
	index_table_remove(&d->indices, peer->pending->local_index);
	secret_free(d->arena, peer->pending, sizeof *peer->pending);
	peer->pending = NULL;
}

nanos device_draw_jitter(const struct device *d)
{
	return rng_u32(&d->rng) % (REKEY_JITTER_MAX + 1);
}
