#include "sim/traffic.h"

#include "sim/world.h"

#include <assert.h>

void traffic_start(struct world *w, uint32_t from, uint32_t to, nanos interval, uint32_t burst_max)
{
	assert(w->traffic.count < FLOWS_MAX);
	world_trace(w, "traffic: %u -> %u, up to %u packets every %.3f s", from, to, burst_max,
		(double)interval / (double)NANOS_PER_SECOND);
	w->traffic.flows[w->traffic.count++] =
		(struct flow){from, to, interval, burst_max, w->time};
}

void traffic_stop(struct world *w)
{
	world_trace(w, "traffic: stops");
	w->traffic.count = 0;
}

/* Most packets are small; a burst of equal ones is what a cut super-packet looks like. */
static uint16_t any_len(struct dice *dice, uint32_t mtu)
{
	uint64_t max = dice_chance(dice, 150) || mtu < 300 ? mtu : 300;
	return (uint16_t)dice_between(dice, INNER_LEN_MIN, max);
}

static uint8_t any_claim(struct world *w, uint32_t from, uint32_t to)
{
	if (!dice_chance(&w->dice, w->traffic.spoof_permille))
		return (uint8_t)from;
	uint64_t claims = dice_below(&w->dice, w->node_count + 1);
	return claims == to || claims == w->node_count ? NETWORK_NOBODYS : (uint8_t)claims;
}

static uint32_t slot_len(struct dice *dice, uint32_t len, uint32_t mtu)
{
	uint32_t padded = (len + PADDING_MULTIPLE - 1) / PADDING_MULTIPLE * PADDING_MULTIPLE;
	if (padded > mtu)
		padded = mtu;
	/* the datagram exactly, as UDP_SEGMENT wants it, or generously */
	return dice_chance(dice, 500) ? BURST_HEADROOM + padded + AEAD_TAG_LEN
				      : BURST_HEADROOM + len + BURST_TAILROOM;
}

uint32_t traffic_offer(struct world *w, uint32_t from, uint32_t to, uint32_t count)
{
	struct node *node = &w->nodes[from];
	uint16_t longest = any_len(&w->dice, node->mtu);
	uint32_t stride = slot_len(&w->dice, longest, node->mtu);
	bool is_mixed = dice_chance(&w->dice, 500);
	uint32_t peer = admin_owner(w, from, to);
	struct inner inner = {
		.from = (uint8_t)from, .to = (uint8_t)peer, .to_network = (uint8_t)to};

	if (count > BURST_LARGE / stride)
		count = BURST_LARGE / stride;
	struct burst *burst =
		node_is_alive(node) ? burst_pool_get(&node->pool, stride * count) : NULL;
	if (!burst)
		return 0;
	inner.claims = any_claim(w, from, to);
	inner.is_forbidden = peer >= w->node_count || admin_owner(w, peer, inner.claims) != from;
	inner.is_v6 = dice_chance(&w->dice, 500);
	inner.tos = (uint8_t)dice_below(&w->dice, 256);
	burst->stride = stride;
	for (; burst->count < count; burst->count++) {
		inner.len = is_mixed ? (uint16_t)dice_between(&w->dice, INNER_LEN_MIN, longest)
				     : longest;
		uint64_t id = ledger_add(&w->ledger, &inner);
		ledger_build(&w->ledger, id, inner.tos, burst_inner(burst, burst->count));
		burst->len[burst->count] = inner.len;
	}
	w->counts.offered += count;
	world_trace(w, "node %u: %u inner packets for %u%s", from, count, to,
		inner.is_forbidden ? ", spoofed" : "");
	node_put_inner(w, node, burst);
	return count;
}

static void flow_step(struct world *w, struct flow *flow)
{
	traffic_offer(
		w, flow->from, flow->to, (uint32_t)dice_between(&w->dice, 1, flow->burst_max));
	flow->next = w->time + dice_between(&w->dice, flow->interval / 2, flow->interval * 3 / 2);
}

void traffic_step(struct world *w)
{
	for (uint32_t i = 0; i < w->traffic.count && !w->is_broken; i++) {
		if (nanos_is_due(w->traffic.flows[i].next, w->time))
			flow_step(w, &w->traffic.flows[i]);
	}
}

nanos traffic_deadline(const struct traffic *traffic)
{
	nanos next = NANOS_NEVER;
	for (uint32_t i = 0; i < traffic->count; i++)
		next = nanos_min(next, traffic->flows[i].next);
	return next;
}
