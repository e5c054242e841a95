#include "sim/scenario.h"

#include "sim/setting.h"

/* ------------------------------------------------------------------ all at once */

static void run_weather(struct world *w)
{
	struct setting setting = {
		.node_count = (uint32_t)dice_between(&w->dice, 2, NODES_MAX - 1),
		.has_preshared_keys = dice_chance(&w->dice, 500),
		.only_later_know_where = dice_chance(&w->dice, 300),
		.has_impostor = dice_chance(&w->dice, 500),
		.keepalive_seconds = dice_chance(&w->dice, 300) ? 25 : 0,
	};
	uint64_t phases = dice_between(&w->dice, 2, 5);

	setting_make_sloppy(w);
	setting_foul_weather(w);
	setting_make(w, &setting);
	if (dice_chance(&w->dice, 700))
		strangers_start(w, SECONDS(1));
	for (; phases && !w->is_broken; phases--) {
		setting_foul_weather(w);
		setting_any_traffic(w, setting.node_count);
		if (setting.has_impostor)
			traffic_offer(w, setting.node_count, 0, 3);
		w->traffic.spoof_permille = dice_chance(&w->dice, 300) ? 200 : 0;
		world_run(w, dice_below(&w->dice, SECONDS(300)));
		w->traffic.spoof_permille = 0;
		if (dice_chance(&w->dice, 700))
			setting_any_misfortune(w, setting.node_count);
	}
	if (!setting.keepalive_seconds)
		setting_expect_silence(w);
}

static void run_twice(struct world *w)
{
	struct world *again = world_create(w->seed, false);
	run_weather(w);
	run_weather(again);
	if (w->digest != again->digest || w->time != again->time)
		world_break(w, "a second run of the same seed differs");
	world_close(again);
	world_destroy(again);
}

/* Nobody reads the events while strangers provoke them. */
static void run_unread_events(struct world *w)
{
	struct setting setting = setting_two_nodes;
	setting.has_impostor = true;
	w->reads_events = false;
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	strangers_start(w, MILLIS(10));
	traffic_start(w, 0, 1, SECONDS(1), 2);
	world_run(w, SECONDS(60));
}

/* Many hours of two machines' life: talk, silence, bad lines. */
static void run_days(struct world *w)
{
	nanos end = SECONDS(3600) * w->hours;
	setting_make_sloppy(w);
	setting_make(w, &setting_two_nodes);
	while (w->time < end && !w->is_broken) {
		if (dice_chance(&w->dice, 300))
			setting_fair_weather(w, setting_any_delay(w));
		else
			setting_foul_weather(w);
		setting_any_traffic(w, 2);
		world_run(w, dice_between(&w->dice, SECONDS(60), SECONDS(1800)));
		if (dice_chance(&w->dice, 200))
			setting_any_misfortune(w, 2);
	}
	setting_expect_silence(w);
	if (w->counts.handshakes < 5 * (uint64_t)w->hours)
		world_break(w, "only %llu handshakes", (unsigned long long)w->counts.handshakes);
}

const struct scenario scenarios[] = {
	{"initiator-sends", "one-way traffic from the initiator: nothing lost, a rekey every 120 s",
		2, scenario_initiator_sends},
	{"responder-sends", "the same from the responder", 2, scenario_responder_sends},
	{"both-initiate", "both ends begin at the same moment: nothing lost", 4,
		scenario_both_initiate},
	{"reordering", "what comes late, or twice, around a rekey: nothing lost", 2,
		scenario_reordering},
	{"roaming", "each end moves ten times: data alone tells the other where to", 2,
		scenario_roaming},
	{"message-limits", "both roles renew by messages, and stop at the last", 2,
		scenario_message_limits},
	{"strangers", "forgeries by the thousand: nothing lost, nothing answered", 2,
		scenario_strangers},
	{"black-hole", "nobody answers: it gives up after 90 s and drops what waits", 2,
		scenario_black_hole},
	{"wrong-key", "the preshared keys differ: no session, and then silence", 1,
		scenario_wrong_key},
	{"idle", "without traffic: silence, and no keys", 4, scenario_idle},
	{"responder-keepalive", "the initiator renews because of what it receives", 2,
		scenario_responder_keepalive},
	{"erasure", "a packet sent while the old keys are erased arrives", 2, scenario_erasure},
	{"keepalive", "a persistent keepalive keeps a way open that only one side knows", 2,
		scenario_keepalive},
	{"unread-events", "events that nobody reads stay within their bound", 1, run_unread_events},
	{"twice", "the same seed gives the same run", 3, run_twice},
	{"weather", "anything, in any weather", 0, run_weather},
	{"days", "many hours", 1, run_days},
};

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
