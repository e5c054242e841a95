#include "sim/network.h"

#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_HOST 10
#define FIRST_PORT 20000
#define EPOCHS_MAX 40000

/* ------------------------------------------------------------------ addresses */

struct endpoint network_home(uint32_t node, uint32_t epoch)
{
	struct endpoint home = {.port = (uint16_t)(FIRST_PORT + (epoch & ~4u))};
	static const uint8_t v4[] = {192, 0, 2, 0}, v6[] = {0x20, 0x01, 0x0d, 0xb8};
	bool is_v6 = epoch % 2;
	home.address.family = is_v6 ? IP_V6 : IP_V4;
	memcpy(home.address.bytes, is_v6 ? v6 : v4, 4);
	home.address.bytes[2] ^= (uint8_t)(epoch & 4);
	home.address.bytes[is_v6 ? 15 : 3] = (uint8_t)(FIRST_HOST + node);
	return home;
}

bool network_find_home(const struct endpoint *endpoint, uint32_t *node, uint32_t *epoch)
{
	*node = endpoint->address.bytes[endpoint->address.family == IP_V6 ? 15 : 3] - FIRST_HOST;
	*epoch = ((uint32_t)endpoint->port - FIRST_PORT) |
		 ((endpoint->address.bytes[2] ^ (endpoint->address.family == IP_V6 ? 13 : 2)) & 4);
	if (*node >= NODES_MAX || *epoch >= EPOCHS_MAX)
		return false;
	struct endpoint home = network_home(*node, *epoch);
	return endpoint_is_same_remote(&home, endpoint);
}

/* ------------------------------------------------------------------ flights */

static bool is_earlier(const struct flight *a, const struct flight *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct network *n, struct flight flight)
{
	if (n->count == n->capacity) {
		n->capacity = n->capacity ? 2 * n->capacity : 256;
		n->heap = realloc(n->heap, n->capacity * sizeof *n->heap);
	}
	size_t i = n->count++;
	for (; i && is_earlier(&flight, &n->heap[(i - 1) / 2]); i = (i - 1) / 2)
		n->heap[i] = n->heap[(i - 1) / 2];
	n->heap[i] = flight;
}

static struct flight heap_pop(struct network *n)
{
	struct flight first = n->heap[0], last = n->heap[--n->count];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < n->count; i = child) {
		if (child + 1 < n->count && is_earlier(&n->heap[child + 1], &n->heap[child]))
			child++;
		if (!is_earlier(&n->heap[child], &last))
			break;
		n->heap[i] = n->heap[child];
	}
	n->heap[i] = last;
	return first;
}

static void datagram_release(struct datagram *datagram)
{
	if (datagram && !--datagram->references)
		free(datagram);
}

nanos network_deadline(const struct network *network)
{
	return network->count ? network->heap[0].at : NANOS_NEVER;
}

/* ------------------------------------------------------------------ sending */

static bool strikes(struct world *w, enum fault fault)
{
	bool does = dice_chance(&w->dice, w->network.weather.permille[fault]);
	w->counts.faults[fault] += does;
	return does;
}

static void take_off(struct world *w, struct datagram *datagram, nanos delay)
{
	struct flight flight = {w->time + delay, w->network.order++, datagram, FAULT_COUNT, false};
	if (strikes(w, FAULT_REORDER))
		flight.at += dice_below(&w->dice, MILLIS(400));
	if (strikes(w, FAULT_HOLD))
		flight.at += HELD_AFTER + dice_below(&w->dice, SECONDS(300));
	if (strikes(w, FAULT_CORRUPT))
		flight.damage = FAULT_CORRUPT;
	else if (strikes(w, FAULT_TRUNCATE))
		flight.damage = FAULT_TRUNCATE;
	flight.is_marked = strikes(w, FAULT_MARK);
	if (flight.at < w->network.jam_end) {
		flight.at = w->network.jam_end;
		w->counts.faults[FAULT_JAM]++;
	}
	datagram->references++;
	heap_push(&w->network, flight);
}

static void send_one(struct world *w, struct datagram *datagram, nanos delay)
{
	datagram->references = 1;
	w->counts.datagrams++;
	bool is_taken = w->network.takes_hybrids && datagram->bytes[0] == MESSAGE_HYBRID_INITIATION;
	if (w->network.is_cut[datagram->from][datagram->to] || is_taken) {
		w->counts.faults[FAULT_CUT]++;
	} else if (!strikes(w, FAULT_LOSS)) {
		take_off(w, datagram, delay);
		if (strikes(w, FAULT_DUPLICATE))
			take_off(w, datagram, delay + dice_below(&w->dice, MILLIS(50)));
	}
	datagram_release(datagram);
}

/* It goes through its NAT, which has perhaps forgotten it: then from another port. */
static void pass_nat(struct world *w, struct node *node)
{
	if (node->nat_timeout && w->time - node->nat_used > node->nat_timeout)
		node_roam(w, node);
	node->nat_used = w->time;
}

/* The kernel sends from no address that is not its own (any more), and says so. */
static void check_source(struct world *w, struct node *node, const struct device_send *send)
{
	struct endpoint home = network_home(node->index, node->epoch);
	const struct ip_address *source = &send->to.source;
	if (source->family == IP_NONE || ip_address_is_equal(source, &home.address))
		return;
	if (source->family != send->to.address.family)
		world_break(w, "node %u: source and destination differ in family", node->index);
	device_on_send_error(node->device, &send->peer);
	const struct peer *peer = device_find_peer(node->device, &send->peer);
	if (peer && peer->endpoint.source.family != IP_NONE)
		world_break(w, "node %u keeps a source address that is of no use", node->index);
}

static void send_burst(struct world *w, struct node *node, const struct device_send *send)
{
	const struct weather *weather = &w->network.weather;
	nanos delay = weather->delay_min +
		      dice_below(&w->dice, weather->delay_max - weather->delay_min + 1);
	uint32_t to = 0, to_epoch = 0;
	bool is_home = network_find_home(&send->to, &to, &to_epoch) && to < w->node_count &&
		       w->nodes[to].epoch == to_epoch;

	for (uint32_t i = 0; i < send->burst->count && !w->is_broken; i++) {
		const uint8_t *bytes = burst_datagram(send->burst, i);
		uint32_t len = send->burst->len[i];
		watch_send(w, node, send, i);
		if (!is_home || w->is_broken) { /* it moved away, or is a stranger */
			strangers_get(w, &send->to, bytes, len);
			continue;
		}
		struct datagram *datagram = memory_grow(NULL, 0, sizeof *datagram + len);
		*datagram = (struct datagram){.from = node->index,
			.to = to,
			.epoch = node->epoch,
			.stamp = w->watch.sights[node->index][to].message_stamp,
			.tos = send->burst->tos,
			.len = len};
		memcpy(datagram->bytes, bytes, len);
		send_one(w, datagram, delay);
	}
}

void network_send(struct world *w, struct node *node, struct device_send *send)
{
	pass_nat(w, node);
	check_source(w, node, send);
	send_burst(w, node, send);
	burst_pool_put(&node->pool, send->burst);
}

/* ------------------------------------------------------------------ arrival */

uint32_t network_damage(
	struct dice *dice, enum fault damage, const uint8_t *bytes, uint32_t len, uint8_t *out)
{
	memcpy(out, bytes, len);
	if (damage == FAULT_TRUNCATE)
		return (uint32_t)dice_below(dice, len);
	/* the last 16 bytes of a handshake message, mac2, mean nothing without a cookie */
	uint32_t bits = 8 * (bytes[0] == MESSAGE_DATA ? len : len - MAC_LEN);
	uint32_t bit = (uint32_t)dice_below(dice, bits);
	out[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return len;
}

/*
 * What strangers may replay: what was processed. Whoever passes on what was not
 * is no stranger but a router.
 */
static void remember(struct world *w, const struct node *node, struct datagram *datagram)
{
	if (w->is_short || watch_is_busy(w, node))
		return;
	struct datagram **place = &w->network.captured[dice_below(&w->dice, CAPTURED_MAX)];
	datagram_release(*place);
	datagram->references++;
	*place = datagram;
}

/* Puts what arrives into slot burst->count; the slot has room for the whole datagram. */
static void land(struct world *w, const struct flight *flight, struct burst *burst)
{
	struct datagram *datagram = flight->datagram;
	uint8_t *slot = burst_datagram(burst, burst->count);
	uint32_t len = datagram->len;

	if (flight->damage == FAULT_COUNT) {
		const struct node *node = &w->nodes[datagram->to];
		uint32_t life = w->watch.sights[node->index][datagram->from].life;
		watch_arrival(w, node, datagram);
		if (datagram->delivered_life != life)
			remember(w, node, datagram);
		datagram->delivered_life = life;
		memcpy(slot, datagram->bytes, len);
	} else {
		len = network_damage(&w->dice, flight->damage, datagram->bytes, len, slot);
	}
	burst->len[burst->count++] = len;
	burst->tos = flight->is_marked ? datagram->tos | IP_ECN_MASK : datagram->tos;
}

/* Whether `next` may follow in the same burst, as the kernel's GRO would have it. */
static bool goes_along(const struct flight *lead, const struct flight *follower)
{
	const struct datagram *first = lead->datagram, *next = follower->datagram;
	return lead->is_marked == follower->is_marked && next->from == first->from &&
	       next->epoch == first->epoch && next->to == first->to && next->tos == first->tos &&
	       next->len <= first->len;
}

/* Takes off the heap what arrives together; NULL: the receiver has no memory. */
static struct burst *gather(struct world *w, struct node *node)
{
	struct network *n = &w->network;
	struct flight lead = n->heap[0];
	struct datagram *first = lead.datagram;
	uint32_t stride = first->len;
	uint64_t most = dice_between(&w->dice, 1, BURST_PACKETS_MAX);
	struct burst *burst = burst_pool_get(
		&node->pool, stride * most > BURST_SMALL ? BURST_LARGE : BURST_SMALL);

	if (burst)
		burst->stride = stride;
	first->references++;
	bool is_last = false;
	do {
		struct flight flight = heap_pop(n);
		is_last = flight.datagram->len < stride;
		if (burst)
			land(w, &flight, burst);
		datagram_release(flight.datagram);
	} while (burst && burst->count < most && (burst->count + 1) * stride <= burst->capacity &&
		 n->count && n->heap[0].at <= w->time && !is_last &&
		 goes_along(&lead, &n->heap[0]));
	datagram_release(first);
	return burst;
}

static void arrive(struct world *w)
{
	const struct datagram *first = w->network.heap[0].datagram;
	struct node *node = &w->nodes[first->to];
	struct endpoint from = network_home(first->from, first->epoch);

	bool is_forgotten = node->nat_timeout && w->time - node->nat_used > node->nat_timeout;
	if (!node_is_alive(node) || is_forgotten || w->network.is_cut[first->from][first->to]) {
		w->counts.faults[FAULT_CUT]++;
		datagram_release(heap_pop(&w->network).datagram);
		return;
	}
	node->nat_used = w->time;
	struct burst *burst = gather(w, node);
	if (burst)
		node_put_datagrams(w, node, burst, &from);
}

void network_step(struct world *w)
{
	while (w->network.count && w->network.heap[0].at <= w->time && !w->is_broken)
		arrive(w);
}

/* ------------------------------------------------------------------ moves */

void network_cut(struct world *w, uint32_t a, uint32_t b, bool is_cut)
{
	world_trace(w, "network: %s between %u and %u", is_cut ? "cut" : "healed", a, b);
	w->network.is_cut[a][b] = w->network.is_cut[b][a] = is_cut;
}

void network_clear(struct world *w)
{
	struct network *n = &w->network;
	memset(n->weather.permille, 0, sizeof n->weather.permille);
	memset(n->is_cut, 0, sizeof n->is_cut);
	n->jam_end = 0;
	while (n->count)
		datagram_release(n->heap[--n->count].datagram);
}

void network_wipe(struct network *network)
{
	while (network->count)
		datagram_release(network->heap[--network->count].datagram);
	for (int i = 0; i < CAPTURED_MAX; i++)
		datagram_release(network->captured[i]);
	free(network->heap);
}
