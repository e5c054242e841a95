#include "sim/scenario.h"

#include "sim/misfortune.h"
#include "sim/setting.h"

/* Less is no proof of anything: */
#define WEATHER_TIME	    SECONDS(600)
#define WEATHER_MISFORTUNES 3
#define WEATHER_HANDSHAKES  3 /* the first and two rekeys */
#define WEATHER_PHASES_MAX  60

/* ------------------------------------------------------------------ all at once */

static struct setting any_setting(struct world *w)
{
	struct setting setting = {
		.node_count =
			dice_chance(&w->dice, 700) ? 2 : 3 + (uint32_t)dice_below(&w->dice, 3),
		.has_preshared_keys = dice_chance(&w->dice, 500),
		.only_later_know_where = dice_chance(&w->dice, 300),
		.has_impostor = dice_chance(&w->dice, 300),
		.keepalive_seconds = dice_chance(&w->dice, 300) ? 25 : 0,
	};
	setting.is_hub = setting.node_count > 2 && dice_chance(&w->dice, 300);
	if (setting.is_hub && dice_chance(&w->dice, 100))
		setting.node_count = (uint32_t)dice_between(&w->dice, 10, 51);
	return setting;
}

static void weather_phase(struct world *w, const struct setting *setting)
{
	setting_foul_weather(w);
	setting_any_traffic(w);
	if (setting->has_impostor)
		traffic_offer(w, setting->node_count, 0, 3);
	w->traffic.spoof_permille = dice_chance(&w->dice, 300) ? 200 : 0;
	world_run(w, dice_below(&w->dice, SECONDS(100)));
	w->traffic.spoof_permille = 0;
	misfortune_any(w);
}

static bool has_proved_enough(const struct world *w)
{
	return w->time >= WEATHER_TIME && w->counts.misfortunes >= WEATHER_MISFORTUNES &&
	       w->counts.handshakes >= WEATHER_HANDSHAKES;
}

static void run_weather(struct world *w)
{
	struct setting setting = any_setting(w);
	setting_make_sloppy(w);
	setting_foul_weather(w);
	setting_make(w, &setting);
	if (dice_chance(&w->dice, 500))
		strangers_start(w, SECONDS(2));
	for (int i = 0; !has_proved_enough(w) && i < WEATHER_PHASES_MAX && !w->is_broken; i++)
		weather_phase(w, &setting);
	if (!has_proved_enough(w))
		world_break(w, "%llu handshakes and %llu misfortunes are no proof",
			(unsigned long long)w->counts.handshakes,
			(unsigned long long)w->counts.misfortunes);
	if (!setting.keepalive_seconds && dice_chance(&w->dice, 300))
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
		setting_any_traffic(w);
		world_run(w, dice_between(&w->dice, SECONDS(60), SECONDS(1800)));
		if (dice_chance(&w->dice, 200))
			misfortune_any(w);
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
	{"downgrade", "each hybrid initiation is taken away: no session, and nothing instead", 2,
		scenario_downgrade},
	{"splices", "hybrid messages made of classical ones and the reverse: nothing lost", 2,
		scenario_splices},
	{"black-hole", "nobody answers: it gives up after 90 s and drops what waits", 2,
		scenario_black_hole},
	{"wrong-key", "the preshared keys differ: no session, and then silence", 2,
		scenario_wrong_key},
	{"idle", "without traffic: silence, and no keys", 4, scenario_idle},
	{"responder-keepalive", "the initiator renews because of what it receives", 2,
		scenario_responder_keepalive},
	{"erasure", "a packet sent while the old keys are erased arrives", 2, scenario_erasure},
	{"keepalive", "a persistent keepalive keeps a way open that only one side knows", 2,
		scenario_keepalive},
	{"flood", "under load data is not lost, and an honest peer gets in", 4, scenario_flood},
	{"overflow", "more handshakes than may wait: the rest is dropped, and counted", 2,
		scenario_overflow},
	{"cookie-place", "a cookie of one address and port is worth nothing at another", 4,
		scenario_cookie_place},
	{"cookie-age", "nor is one older than 120 s", 2, scenario_cookie_age},
	{"cookie-flood", "with a cookie too no address has more than its share", 2,
		scenario_cookie_flood},
	{"hub", "fifty spokes", 1, scenario_hub},
	{"nat", "behind a NAT that forgets after 2 s", 2, scenario_nat},
	{"clock", "a clock that was years ahead; with its stamps and without", 2, scenario_clock},
	{"live-changes", "changes under traffic: what should survive survives", 4,
		scenario_live_changes},
	{"low-order", "a peer whose key is a point of low order gets nothing", 2,
		scenario_low_order},
	{"no-memory", "the n-th allocation fails, for every n", 2, scenario_no_memory},
	{"unread-events", "events that nobody reads stay within their bound", 2, run_unread_events},
	{"twice", "the same seed gives the same run", 3, run_twice},
	{"weather", "anything, in any weather", 0, run_weather},
	{"days", "many hours", 1, run_days},
};

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
