#include "sim/misfortune.h"

#include "sim/setting.h"

#include <string.h>

#define YEAR		  SECONDS(31557600)
#define RECOVERY_INTERVAL MILLIS(500) /* of the traffic by which a recovery is seen */
#define COOKIE_PRICE	  (LAW_REKEY_TIMEOUT + LAW_JITTER_MAX)

/* ------------------------------------------------------------------ those of one node */

static void go_down(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	node_set_link(w, &w->nodes[a], false);
}

static void roam(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	node_roam(w, &w->nodes[a]);
	if (dice_chance(&w->dice, 500))
		node_roam(w, &w->nodes[a]); /* the same address, another port */
}

/* Regression 29 */
static void fall_asleep(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	node_set_asleep(w, &w->nodes[a], true);
}

/* Regression 29 */
static void jump_boottime(struct world *w, uint32_t a, uint32_t b)
{
	nanos jump = dice_below(&w->dice, SECONDS(600));
	(void)b;
	world_trace(w, "node %u: all clocks jump %.3f s", a, (double)jump / NANOS_PER_SECOND);
	w->nodes[a].boot_offset += jump;
	w->nodes[a].real_offset += jump;
}

static void jump_realtime(struct world *w, uint32_t a, uint32_t b)
{
	static const nanos jumps[] = {SECONDS(1), SECONDS(100), 10 * YEAR};
	nanos jump = jumps[dice_below(&w->dice, 3)], *offset = &w->nodes[a].real_offset;
	(void)b;
	bool is_back = dice_chance(&w->dice, 500) && *offset > 2 * jump;
	world_trace(w, "node %u: the wall clock jumps %s%.3f s", a, is_back ? "-" : "",
		(double)jump / NANOS_PER_SECOND);
	*offset = is_back ? *offset - jump : *offset + jump;
}

static void restart(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	node_restart(w, &w->nodes[a], true);
	admin_put_right(w, a);
}

static void restart_without_state(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	node_restart(w, &w->nodes[a], false);
	admin_put_right(w, a);
}

static void flood(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	uint32_t messages = (uint32_t)dice_between(&w->dice, 500, 700);
	uint32_t rounds = (uint32_t)dice_between(&w->dice, 1, 10);
	strangers_flood(w, a, messages, rounds, dice_chance(&w->dice, 500));
}

static void lose_memory(struct world *w, uint32_t a, uint32_t b)
{
	struct node *node = &w->nodes[a];
	(void)b;
	world_trace(w, "memory is short");
	w->is_short = true;
	switch (dice_below(&w->dice, 3)) {
	case 0: memory_set(0, 300, dice_next(&w->dice)); break;
	case 1:
		node->pool.bytes_max =
			node->pool.bytes_out + (dice_chance(&w->dice, 500) ? BURST_SMALL : 0);
		break;
	default: node_fill_arena(node);
	}
}

static void change_private_key(struct world *w, uint32_t a, uint32_t b)
{
	struct private_key key;
	struct rng rng = {dice_fill, &w->dice};
	(void)b;
	private_key_generate(&key, &rng);
	admin_set_private_key(w, a, &key);
}

static void change_mtu(struct world *w, uint32_t a, uint32_t b)
{
	static const uint32_t mtus[] = {68, 576, 1280, 1420, 1500};
	(void)b;
	node_set_mtu(w, &w->nodes[a], mtus[dice_below(&w->dice, 5)]);
}

static void change_routes(struct world *w, uint32_t a, uint32_t b)
{
	(void)b;
	device_forget_sources(w->nodes[a].device);
	node_pump(w, &w->nodes[a]);
}

/* ------------------------------------------------------------------ those of two */

static void cut(struct world *w, uint32_t a, uint32_t b)
{
	network_cut(w, a, b, true);
}

static void jam(struct world *w, uint32_t a, uint32_t b)
{
	(void)a;
	(void)b;
	w->network.jam_end = w->time + dice_below(&w->dice, SECONDS(30));
	world_trace(w, "network: jam");
}

/* At `a` now, and at `b` when it is healed. */
static void change_preshared_key(struct world *w, uint32_t a, uint32_t b)
{
	struct preshared_key key;
	dice_fill(&w->dice, &key, sizeof key);
	w->watch.sights[a][b].wanted.preshared_key = key;
	w->watch.sights[b][a].wanted.preshared_key = key;
	admin_put_right(w, a);
}

static void remove_peer(struct world *w, uint32_t a, uint32_t b)
{
	admin_remove_peer(w, a, b);
}

static void move_networks(struct world *w, uint32_t a, uint32_t b)
{
	static const uint32_t count = NETWORKS_MAX - NETWORK_FLOATING;
	for (uint64_t n = dice_between(&w->dice, 1, 4); n; n--) {
		uint32_t floating = NETWORK_FLOATING + (uint32_t)dice_below(&w->dice, count);
		uint32_t own = (uint32_t)dice_below(&w->dice, w->node_count);
		admin_move_network(w, a, b, dice_chance(&w->dice, 700) ? floating : own,
			dice_chance(&w->dice, 300));
	}
	w->traffic.spoof_permille = 500;
}

static void mislead(struct world *w, uint32_t a, uint32_t b)
{
	uint32_t other = (uint32_t)dice_below(&w->dice, w->node_count);
	struct endpoint endpoint = network_home(other, w->nodes[other].epoch + 1);
	w->watch.sights[a][b].is_misled = true;
	admin_set_endpoint(w, a, b, &endpoint);
}

static void change_keepalive(struct world *w, uint32_t a, uint32_t b)
{
	admin_set_keepalive(w, a, b, (uint16_t)dice_below(&w->dice, 30));
}

static const struct {
	void (*strike)(struct world *w, uint32_t a, uint32_t b);
	bool is_about_peer; /* b must be one of a's */
} kinds[] = {
	[MISFORTUNE_CUT] = {cut, false},
	[MISFORTUNE_JAM] = {jam, false},
	[MISFORTUNE_LINK_DOWN] = {go_down, false},
	[MISFORTUNE_ROAM] = {roam, false},
	[MISFORTUNE_SUSPEND] = {fall_asleep, false},
	[MISFORTUNE_BOOTTIME] = {jump_boottime, false},
	[MISFORTUNE_REALTIME] = {jump_realtime, false},
	[MISFORTUNE_RESTART] = {restart, false},
	[MISFORTUNE_AMNESIA] = {restart_without_state, false},
	[MISFORTUNE_FLOOD] = {flood, false},
	[MISFORTUNE_MEMORY] = {lose_memory, false},
	[MISFORTUNE_PRIVATE_KEY] = {change_private_key, false},
	[MISFORTUNE_PRESHARED_KEY] = {change_preshared_key, false},
	[MISFORTUNE_REMOVED] = {remove_peer, true},
	[MISFORTUNE_NETWORKS] = {move_networks, true},
	[MISFORTUNE_MISLED] = {mislead, true},
	[MISFORTUNE_KEEPALIVE] = {change_keepalive, true},
	[MISFORTUNE_MTU] = {change_mtu, false},
	[MISFORTUNE_SOURCES] = {change_routes, false},
};

void misfortune_strike(struct world *w, enum misfortune what, uint32_t a, uint32_t b)
{
	w->counts.misfortunes++;
	if (w->watch.sights[a][b].peer || !kinds[what].is_about_peer)
		kinds[what].strike(w, a, b);
}

/* ------------------------------------------------------------------ healing */

static void heal_node(struct world *w, struct node *node)
{
	if (node->is_asleep)
		node_set_asleep(w, node, false);
	if (!node->is_up)
		node_set_link(w, node, true);
	if (node->mtu != NODE_MTU && dice_chance(&w->dice, 500))
		node_set_mtu(w, node, NODE_MTU);
	node->pool.bytes_max = NODE_POOL_MAX;
	node_free_arena(node);
}

/* It forgot its stamps, and its clock is behind: nobody will take its next. */
static bool has_gone_back(const struct world *w, const struct node *node)
{
	struct tai64n next = tai64n_from_realtime(node_now(w, node).realtime);
	return !tai64n_is_after(&next, &node->known_stamp) &&
	       tai64n_is_after(&node->known_stamp, device_sent_stamp(node->device));
}

/* The endpoint that it was told, and the recovery for a peer whose stamps went back. */
static void heal_pair(struct world *w, uint32_t a, uint32_t b)
{
	struct sight *sight = &w->watch.sights[a][b];
	struct endpoint home = network_home(b, w->nodes[b].epoch);
	if (sight->peer && sight->is_misled)
		admin_set_endpoint(w, a, b, &home);
	sight->is_misled = false;
	if (sight->peer && has_gone_back(w, &w->nodes[b]))
		admin_remove_peer(w, a, b);
	if (sight->peer && w->watch.owners[a][b] != b)
		admin_move_network(w, a, b, b, false);
}

static void wait_for_floods_to_drain(struct world *w)
{
	nanos patience = w->time + SECONDS(3);
	for (uint32_t i = 0; i < w->node_count; i++) {
		while (!w->is_broken && w->time < patience && watch_is_busy(w, &w->nodes[i]))
			world_run(w, MILLIS(100));
	}
}

void misfortune_heal(struct world *w)
{
	memory_set(0, 0, 0);
	strangers_flood(w, 0, 0, 0, false);
	network_clear(w);
	w->traffic.spoof_permille = 0;
	w->is_short = false;
	for (uint32_t i = 0; i < w->node_count; i++)
		heal_node(w, &w->nodes[i]);
	for (uint32_t i = 0; i < w->node_count; i++) {
		for (uint32_t j = 0; j < w->node_count; j++)
			heal_pair(w, i, j);
		admin_put_right(w, i);
	}
	for (uint32_t i = 0; i < w->node_count; i++) {
		if (has_gone_back(w, &w->nodes[i]))
			w->nodes[i].known_stamp = w->nodes[i].greatest_stamp;
	}
	wait_for_floods_to_drain(w);
}

/* ------------------------------------------------------------------ recovery */

static bool knows_where(const struct world *w, uint32_t a, uint32_t b)
{
	const struct peer *peer = node_peer(w, a, b);
	struct endpoint home = network_home(b, w->nodes[b].epoch);
	return peer && endpoint_is_same_remote(&peer->endpoint, &home);
}

static bool has_flow(const struct world *w, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < w->traffic.count; i++) {
		const struct flow *flow = &w->traffic.flows[i];
		if (flow->from == from && flow->to == to)
			return true;
	}
	return false;
}

static void expect_delivery(struct world *w, uint32_t from, uint32_t to, nanos since)
{
	nanos last = w->watch.sights[to][from].last_delivery;
	if (!last || last < since)
		world_break(w, "nothing from %u to %u in the %.3f s after a misfortune", from, to,
			(double)(w->time - since) / NANOS_PER_SECOND);
	w->counts.recoveries++;
}

static nanos recovery_time(const struct world *w)
{
	return LAW_KEEPALIVE + LAW_REKEY_TIMEOUT + LAW_JITTER_MAX +
	       4 * w->network.weather.delay_max + 8 * w->jobs_delay_max + 2 * w->tick_late_max +
	       2 * w->disk_delay_max + 2 * w->turn_time + 2 * RECOVERY_INTERVAL;
}

void misfortune_expect_recovery(struct world *w, uint32_t a, uint32_t b)
{
	nanos since = w->time;
	const struct sight *there = &w->watch.sights[a][b], *back = &w->watch.sights[b][a];
	bool is_to = has_flow(w, a, b), is_from = has_flow(w, b, a);
	/* nobody can send to where nobody knows to be */
	if ((is_to && !knows_where(w, a, b)) || (is_from && !knows_where(w, b, a)))
		is_to = is_from = false;
	uint64_t cookies = there->cookies_heard + back->cookies_heard;
	world_run(w, recovery_time(w));
	cookies = there->cookies_heard + back->cookies_heard - cookies;
	world_run(w, cookies * COOKIE_PRICE);
	if (is_to)
		expect_delivery(w, a, b, since);
	if (is_from)
		expect_delivery(w, b, a, since);
}

/* Mostly short; at times longer than a session lives. */
static nanos any_duration(struct world *w)
{
	return dice_below(&w->dice, dice_chance(&w->dice, 800) ? SECONDS(20) : SECONDS(250));
}

void misfortune_any(struct world *w)
{
	uint32_t a, b;
	uint64_t directions = dice_between(&w->dice, 1, 3);
	setting_any_pair(w, &a, &b);
	traffic_stop(w);
	if (directions & 1)
		traffic_start(w, a, b, RECOVERY_INTERVAL, 2);
	if (directions & 2)
		traffic_start(w, b, a, RECOVERY_INTERVAL, 2);
	world_run(w, dice_below(&w->dice, SECONDS(10)));
	do {
		enum misfortune what = (enum misfortune)dice_below(&w->dice, MISFORTUNE_COUNT);
		if (dice_chance(&w->dice, 500))
			misfortune_strike(w, what, a, b);
		else
			misfortune_strike(w, what, b, a);
		world_run(w, any_duration(w));
	} while (dice_chance(&w->dice, 300));
	misfortune_heal(w);
	misfortune_expect_recovery(w, a, b);
}
