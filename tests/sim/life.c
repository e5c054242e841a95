/* Scenarios of machines' lives: many peers, NAT, clocks, changes, memory. */
#include "sim/scenario.h"

#include "sim/misfortune.h"
#include "sim/setting.h"

#define SPOKES 50

/* ------------------------------------------------------------------ many */

static void hub_round(struct world *w, bool is_to_hub)
{
	for (uint32_t i = 1; i <= SPOKES; i++)
		traffic_offer(w, is_to_hub ? i : 0, is_to_hub ? 0 : i, 2);
	world_run(w, SECONDS(6));
}

void scenario_hub(struct world *w)
{
	struct setting setting = {
		.node_count = SPOKES + 1, .is_hub = true, .has_preshared_keys = true};
	setting_make_sloppy(w);
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	hub_round(w, true);
	hub_round(w, false);
	setting_any_traffic(w);
	world_run(w, SECONDS(300));
	hub_round(w, false);
	hub_round(w, true);
	traffic_stop(w);
	world_run(w, SECONDS(6));
	setting_expect_all_delivered(w);
	for (int i = 0; i < 5 && !w->is_broken; i++) {
		setting_foul_weather(w);
		misfortune_any(w);
	}
	misfortune_strike(w, MISFORTUNE_RESTART, 0, 1);
	misfortune_heal(w);
	nanos since = w->time;
	hub_round(w, false); /* the hub knows where all are, and calls them */
	hub_round(w, true);
	world_run(w, SECONDS(10));
	for (uint32_t i = 1; i <= SPOKES; i++) {
		if (w->watch.sights[i][0].last_delivery < since ||
			w->watch.sights[0][i].last_delivery < since)
			world_break(w, "spoke %u is lost after the hub's restart", i);
	}
	setting_expect_silence(w);
}

/* ------------------------------------------------------------------ NAT */

/* Only a packet every second keeps the way open. */
void scenario_nat(struct world *w)
{
	struct setting setting = setting_two_nodes;
	setting.only_later_know_where = true;
	setting.keepalive_seconds = 1;
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	w->nodes[1].nat_timeout = SECONDS(2);
	world_run(w, SECONDS(2));
	traffic_start(w, 0, 1, SECONDS(7), 3);
	world_run(w, SECONDS(900));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	if (w->nodes[1].epoch)
		world_break(w, "the NAT has forgotten it");
}

/* ------------------------------------------------------------------ clocks */

static bool arrives(struct world *w, uint32_t from, uint32_t to, nanos within)
{
	nanos since = w->time;
	traffic_offer(w, from, to, 1);
	world_run(w, within);
	return w->watch.sights[to][from].last_delivery >= since;
}

/* Regression 10: once the clock was ten years ahead, stamps must not go back. */
void scenario_clock(struct world *w)
{
	const nanos years = SECONDS(315576000), soon = SECONDS(2), later = SECONDS(10);
	struct node *node = &w->nodes[0];
	setting_make_sloppy(w);
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting_two_nodes);
	node_restart(w, node, true);
	node->disk.is_there = true;
	node_restart(w, node, true);
	admin_put_right(w, 0);

	node->real_offset += years;
	if (!arrives(w, 0, 1, soon))
		world_break(w, "a clock set forward ends the talk");
	node->real_offset -= years;
	node_restart(w, node, true);
	admin_put_right(w, 0);
	if (!arrives(w, 0, 1, soon))
		world_break(w, "the stamps that were written are of no use");
	node->real_offset -= SECONDS(5);
	admin_remove_peer(w, 0, 1); /* what it sends next must be newer all the same */
	admin_put_right(w, 0);
	if (!arrives(w, 0, 1, soon))
		world_break(w, "a peer that was added anew has to wait");
	node_restart(w, node, false);
	admin_put_right(w, 0);
	if (arrives(w, 0, 1, SECONDS(60)))
		world_break(w, "a stamp of the past was accepted");
	if (!setting_drops(w, 1, DROP_STALE_STAMP))
		world_break(w, "nobody says that the stamp is stale");
	/* the documented recovery: the other end forgets the peer, and adds it again */
	admin_remove_peer(w, 1, 0);
	admin_put_right(w, 1);
	if (!arrives(w, 0, 1, later))
		world_break(w, "it is not forgotten");
}

/* ------------------------------------------------------------------ changes */

/* What concerns nothing that flows between 0 and 1. */
static void change_something(struct world *w)
{
	struct endpoint home = network_home(1, 0);
	struct preshared_key key;
	uint32_t floating = NETWORK_FLOATING + (uint32_t)dice_below(&w->dice, 4);
	switch (dice_below(&w->dice, 8)) {
	case 0: misfortune_strike(w, MISFORTUNE_KEEPALIVE, 0, 1); break;
	case 1: misfortune_strike(w, MISFORTUNE_SOURCES, 0, 1); break;
	case 2: misfortune_strike(w, MISFORTUNE_REMOVED, 0, 2); break;
	case 3: admin_put_right(w, 0); break;
	case 4: admin_set_endpoint(w, 0, 1, &home); break;
	case 5: admin_move_network(w, 0, 1, floating, false); break;
	case 6: node_set_mtu(w, &w->nodes[0], NODE_MTU + 80); break;
	default:
		dice_fill(&w->dice, &key, sizeof key);
		w->watch.sights[0][1].wanted.preshared_key = key;
		w->watch.sights[1][0].wanted.preshared_key = key;
		admin_put_right(w, 1); /* both, and no handshake in between */
		admin_put_right(w, 0);
	}
}

/* Regression 20. */
void scenario_live_changes(struct world *w)
{
	struct setting setting = {.node_count = 3, .has_preshared_keys = true};
	nanos delay = dice_between(&w->dice, MILLIS(1), MILLIS(50));
	setting_make_sloppy(w);
	setting_fair_weather(w, delay);
	setting_make(w, &setting);
	traffic_start(w, 0, 1, MILLIS(300), 2);
	traffic_start(w, 1, 0, MILLIS(300), 2);
	for (int i = 0; i < 150 && !w->is_broken; i++) {
		change_something(w);
		world_run(w, dice_between(&w->dice, 1, SECONDS(6)));
	}
	uint32_t flows = w->traffic.count;
	w->traffic.count = 0;
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	w->traffic.count = flows;
	/* the private key: told to the other end a moment later */
	misfortune_strike(w, MISFORTUNE_PRIVATE_KEY, 0, 1);
	world_run(w, dice_below(&w->dice, SECONDS(8)));
	admin_put_right(w, 1);
	misfortune_expect_recovery(w, 0, 1);
}

/* Regression 19: a peer whose key is a point of low order never gets a packet. */
void scenario_low_order(struct world *w)
{
	const struct public_key zero = {{0}};
	struct ip_prefix prefix = {inner_address(NETWORK_FLOATING, false, 0), 24};
	struct change change;
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting_two_nodes);
	change_init(&change);
	struct change_peer *entry = change_add_peer(&change, &zero);
	if (!change_peer_add_allowed_ip(entry, &prefix, false))
		world_break(w, "no memory");
	entry->has_endpoint = entry->has_keepalive = true;
	entry->endpoint = network_home(1, 0);
	entry->keepalive_seconds = 5;
	node_apply(w, &w->nodes[0], &change);
	change_wipe(&change);
	node_pump(w, &w->nodes[0]);
	traffic_start(w, 0, NETWORK_FLOATING, SECONDS(1), 2);
	traffic_start(w, 0, 1, SECONDS(1), 2);
	world_run(w, SECONDS(200));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
}

/* ------------------------------------------------------------------ memory */

/* All that needs memory happens here once. */
static void live_a_little(struct world *w)
{
	setting_make_sloppy(w);
	setting_fair_weather(w, MILLIS(10));
	setting_make(w, &setting_two_nodes);
	traffic_start(w, 0, 1, SECONDS(5), 2);
	traffic_start(w, 1, 0, SECONDS(7), 2);
	world_run(w, SECONDS(130));
	admin_move_network(w, 0, 1, NETWORK_FLOATING, false);
	misfortune_strike(w, MISFORTUNE_REMOVED, 1, 0);
	admin_put_right(w, 1);
	misfortune_strike(w, MISFORTUNE_PRIVATE_KEY, 0, 1);
	admin_put_right(w, 1);
	traffic_offer(w, 0, 1, 20);
	strangers_flood(w, 0, 100, 1, false);
	world_run(w, MILLIS(100));
	misfortune_strike(w, MISFORTUNE_RESTART, 1, 0);
	traffic_offer(w, 1, 0, 5);
	world_run(w, SECONDS(1));
}

/* Whether the n-th failed, and not one too many. */
static bool live_without(struct world *w, uint64_t n)
{
	struct world *other = world_create(w->seed, w->is_verbose);
	memory_set(n, 0, 0);
	other->is_short = true;
	live_a_little(other);
	bool has_failed = memory.calls >= n;
	misfortune_heal(other);
	misfortune_expect_recovery(other, 0, 1);
	if (other->is_broken)
		world_break(w, "without allocation %llu: %s", (unsigned long long)n, other->why);
	world_close(other);
	world_destroy(other);
	return has_failed;
}

void scenario_no_memory(struct world *w)
{
	uint64_t n = 1;
	while (!w->is_broken && live_without(w, n))
		n++;
	if (n < 100)
		world_break(w, "only %llu allocations", (unsigned long long)n);
}
