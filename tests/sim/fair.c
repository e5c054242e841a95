/* Scenarios in which nothing is lost on the way, so nothing may be lost at all. */
#include "sim/scenario.h"

#include "sim/setting.h"

/* Regression 5: an hour of traffic one way, of which node 0 is the initiator throughout. */
static void run_one_way(struct world *w, uint32_t from, uint32_t to)
{
	setting_make(w, &setting_two_nodes);
	setting_make_sloppy(w);
	setting_fair_weather(w, setting_any_delay(w));
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(2));
	traffic_start(w, from, to, SECONDS(1), 3);
	world_run(w, SECONDS(3600));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	if (!w->watch.marks_sent)
		world_break(w, "routers do not see who understands ECN");
	if (w->counts.handshakes < 27 || w->counts.handshakes > 31)
		world_break(w, "%llu handshakes in an hour, not one in about 120 s",
			(unsigned long long)w->counts.handshakes);
	if (w->watch.sights[1][0].last_initiation != NANOS_NEVER)
		world_break(w, "the responder initiated");
}

void scenario_initiator_sends(struct world *w)
{
	run_one_way(w, 0, 1);
}

void scenario_responder_sends(struct world *w)
{
	run_one_way(w, 1, 0);
}

/* Regression 2. */
void scenario_both_initiate(struct world *w)
{
	setting_make(w, &setting_two_nodes);
	setting_make_sloppy(w);
	setting_fair_weather(w, setting_any_delay(w));
	traffic_offer(w, 0, 1, 10);
	traffic_offer(w, 1, 0, 10);
	world_run(w, LAW_REKEY_TIMEOUT + LAW_JITTER_MAX + SECONDS(1));
	setting_expect_all_delivered(w);
	traffic_start(w, 0, 1, SECONDS(1), 2);
	traffic_start(w, 1, 0, SECONDS(1), 2);
	world_run(w, LAW_REKEY_AFTER + SECONDS(5));
	if (w->counts.handshakes < 3)
		world_break(w, "neither end renews");
	world_run(w, SECONDS(1200));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	if (w->counts.handshakes < 11 || w->counts.handshakes > 24)
		world_break(w, "%llu handshakes in 22 minutes",
			(unsigned long long)w->counts.handshakes);
}

/* Regression 1: whatever strangers do, not one packet is lost, and they hear nothing. */
void scenario_strangers(struct world *w)
{
	struct setting setting = setting_two_nodes;
	setting.has_impostor = true;
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	strangers_start(w, MILLIS(20));
	world_run(w, SECONDS(5));
	traffic_start(w, 0, 1, SECONDS(1), 2);
	traffic_start(w, 1, 0, SECONDS(15), 20);
	world_run(w, SECONDS(300));
	traffic_stop(w);
	world_run(w, SECONDS(6));
	setting_expect_all_delivered(w);
}

/* Regression 7: the previous session, and the replay window, take what comes late. */
void scenario_reordering(struct world *w)
{
	setting_make(w, &setting_two_nodes);
	setting_make_sloppy(w);
	setting_fair_weather(w, setting_any_delay(w));
	w->network.weather.permille[FAULT_REORDER] = 300;
	w->network.weather.permille[FAULT_DUPLICATE] = 100;
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(2));
	while (w->ledger.count < LAW_WINDOW + 2000) { /* once around the window's ring */
		traffic_offer(w, 0, 1, LAW_BURST);
		world_run(w, MILLIS(100));
	}
	traffic_start(w, 0, 1, MILLIS(300), 4);
	traffic_start(w, 1, 0, MILLIS(300), 4);
	world_run(w, SECONDS(1200));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
}

/* Regression 18: the first data from a new address is enough, it takes no handshake. */
void scenario_roaming(struct world *w)
{
	nanos delay = setting_any_delay(w);
	setting_make(w, &setting_two_nodes);
	setting_fair_weather(w, delay);
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(2));
	for (int i = 0; i < 20 && !w->is_broken; i++) {
		struct node *roamer = &w->nodes[i % 2];
		node_roam(w, roamer);
		traffic_offer(w, (uint32_t)i % 2, (uint32_t) !(i % 2), 1);
		world_run(w, delay + MILLIS(1));
		traffic_offer(w, (uint32_t) !(i % 2), (uint32_t)i % 2, 10);
		world_run(w, SECONDS(1));
	}
	setting_expect_all_delivered(w);
	if (w->counts.handshakes != 1)
		world_break(w, "roaming took a handshake");
}

/* As if so many messages had been sent: nothing else comes so far in a lifetime. */
static void set_send_counter(struct world *w, uint32_t node, uint32_t peer, uint64_t counter)
{
	struct session *current = node_peer(w, node, peer)->keyring.current;
	if (current)
		current->send_counter = counter;
	else
		world_break(w, "node %u has no session", node);
}

/* Four more messages are sealed as usual, and the twenty after them come to the limit. */
static void reach_limit(struct world *w, uint32_t from, uint64_t limit)
{
	uint64_t handshakes = w->counts.handshakes;
	set_send_counter(w, from, !from, limit - 9);
	if (limit == LAW_REKEY_MESSAGES) {
		traffic_offer(w, from, !from, 4);
		world_run(w, SECONDS(1));
	}
	if (w->counts.handshakes != handshakes)
		world_break(w, "a rekey before the limit");
	traffic_offer(w, from, !from, 20);
	world_run(w, SECONDS(6));
	if (w->counts.handshakes != handshakes + 1)
		world_break(w, "no rekey by messages from node %u", from);
}

/* Regression 5, 6: both roles renew by messages, and never send beyond the last. */
void scenario_message_limits(struct world *w)
{
	setting_make(w, &setting_two_nodes);
	setting_fair_weather(w, setting_any_delay(w));
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(6));
	for (uint32_t from = 0; from < 2 && !w->is_broken; from++) {
		reach_limit(w, from, LAW_REKEY_MESSAGES);
		reach_limit(w, !from, LAW_REKEY_MESSAGES);
		reach_limit(w, from, LAW_REJECT_MESSAGES);
		reach_limit(w, !from, LAW_REJECT_MESSAGES);
	}
	setting_expect_all_delivered(w);
}
