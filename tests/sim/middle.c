/* A man in the middle of hybrid peers, who takes away, cuts out and puts together. */
#include "sim/scenario.h"

#include "sim/setting.h"

static bool has_session(const struct world *w, uint32_t node, uint32_t peer)
{
	const struct keyring *ring = &node_peer(w, node, peer)->keyring;
	return ring->previous || ring->current || ring->next;
}

/* There is no fallback, so there is nothing else to be had; and as soon as he is gone it works. */
void scenario_downgrade(struct world *w)
{
	struct setting setting = setting_two_nodes;
	setting.is_all_hybrid = true;
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	strangers_start(w, MILLIS(50));
	w->network.takes_hybrids = true;
	traffic_start(w, 0, 1, SECONDS(1), 2);
	traffic_start(w, 1, 0, SECONDS(3), 2);
	for (int i = 0; i < 300 && !w->is_broken; i++) {
		world_run(w, SECONDS(1));
		if (has_session(w, 0, 1) || has_session(w, 1, 0))
			world_break(w, "a session without the hybrid handshake");
	}
	if (w->counts.handshakes || w->counts.delivered || !w->counts.faults[FAULT_CUT])
		world_break(w, "%llu handshakes, %llu packets though each 0x11 was taken away",
			(unsigned long long)w->counts.handshakes,
			(unsigned long long)w->counts.delivered);
	w->network.takes_hybrids = false;
	world_run(w, SECONDS(20));
	if (!w->counts.delivered)
		world_break(w, "no session afterwards");
}

/* Genuine messages of three pairs, hybrid and classical, and what a splicer makes of them. */
void scenario_splices(struct world *w)
{
	struct setting setting = {.node_count = 3, .has_preshared_keys = true};
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	w->strangers.splices_only = true;
	strangers_start(w, MILLIS(20));
	traffic_start(w, 0, 1, SECONDS(1), 2);
	traffic_start(w, 1, 2, SECONDS(1), 2);
	traffic_start(w, 2, 0, SECONDS(1), 2);
	world_run(w, SECONDS(600));
	traffic_stop(w);
	world_run(w, SECONDS(6));
	setting_expect_all_delivered(w);
	if (w->counts.faults[FAULT_FORGERY] < 1000)
		world_break(w, "only %llu forgeries",
			(unsigned long long)w->counts.faults[FAULT_FORGERY]);
}
