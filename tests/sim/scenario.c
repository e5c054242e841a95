#include "sim/scenario.h"

#include "sim/setting.h"

#include <stdlib.h>

static const struct setting two_nodes = {.node_count = 2, .has_preshared_keys = true};

static nanos any_delay(struct world *w)
{
	return dice_between(&w->dice, MILLIS(1), MILLIS(200));
}

/* ------------------------------------------------------------------ two nodes in fair weather */

/* An hour of traffic one way, of which node 0 is the initiator throughout. */
static void run_one_way(struct world *w, uint32_t from, uint32_t to)
{
	setting_make(w, &two_nodes);
	setting_make_sloppy(w);
	setting_fair_weather(w, any_delay(w));
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(2));
	traffic_start(w, from, to, SECONDS(1), 3);
	world_run(w, SECONDS(3600));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	if (w->counts.handshakes < 27 || w->counts.handshakes > 31)
		world_break(w, "%llu handshakes in an hour, not one in about 120 s",
			(unsigned long long)w->counts.handshakes);
	if (w->watch.sights[1][0].last_initiation != NANOS_NEVER)
		world_break(w, "the responder initiated");
}

static void run_initiator_sends(struct world *w)
{
	run_one_way(w, 0, 1);
}

static void run_responder_sends(struct world *w)
{
	run_one_way(w, 1, 0);
}

static void run_both_initiate(struct world *w)
{
	setting_make(w, &two_nodes);
	setting_make_sloppy(w);
	setting_fair_weather(w, any_delay(w));
	traffic_offer(w, 0, 1, 10);
	traffic_offer(w, 1, 0, 10);
	world_run(w, REKEY_TIMEOUT + REKEY_JITTER_MAX + SECONDS(1));
	setting_expect_all_delivered(w);
	traffic_start(w, 0, 1, SECONDS(1), 2);
	traffic_start(w, 1, 0, SECONDS(1), 2);
	world_run(w, SECONDS(1200));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	if (w->counts.handshakes < 10 || w->counts.handshakes > 22)
		world_break(w, "%llu handshakes in 20 minutes",
			(unsigned long long)w->counts.handshakes);
}

/* Whatever strangers do, not one packet is lost, and they hear nothing. */
static void run_strangers(struct world *w)
{
	struct setting setting = two_nodes;
	setting.has_impostor = true;
	setting_fair_weather(w, any_delay(w));
	setting_make(w, &setting);
	traffic_stop(w);
	strangers_start(w, MILLIS(20));
	world_run(w, SECONDS(5));
	traffic_start(w, 0, 1, SECONDS(1), 2);
	traffic_start(w, 1, 0, SECONDS(15), 20);
	world_run(w, SECONDS(300));
	traffic_stop(w);
	world_run(w, SECONDS(6));
	setting_expect_all_delivered(w);
}

/* ------------------------------------------------------------------ no answer */

static uint64_t drops(const struct world *w, uint32_t node, enum drop_reason reason)
{
	return device_drops(w->nodes[node].device)->count[reason];
}

static void run_black_hole(struct world *w)
{
	setting_make(w, &two_nodes);
	network_cut(w, 0, 1, true);
	w->nodes[0].staged_bytes_max = SIZE_MAX;
	uint64_t offered = traffic_offer(w, 0, 1, 100) + traffic_offer(w, 0, 1, 100);
	world_run(w, REKEY_ATTEMPT_TIME + REKEY_TIMEOUT + REKEY_JITTER_MAX);

	uint64_t gave_up = drops(w, 0, DROP_GAVE_UP), full = drops(w, 0, DROP_STAGED_FULL),
		 memory = drops(w, 0, DROP_NO_MEMORY);
	if (gave_up + full + memory != offered || gave_up > STAGED_PACKETS_MAX)
		world_break(w, "%llu packets offered; dropped %llu, %llu, %llu",
			(unsigned long long)offered, (unsigned long long)gave_up,
			(unsigned long long)full, (unsigned long long)memory);
	if (w->watch.events[EVENT_GAVE_UP] != 1)
		world_break(w, "it gave up %llu times",
			(unsigned long long)w->watch.events[EVENT_GAVE_UP]);
	uint64_t initiations = w->watch.sights[0][1].bytes_sent / MESSAGE_INITIATION_LEN;
	if (initiations < 17 || initiations > 19)
		world_break(w, "%llu initiations in 90 s", (unsigned long long)initiations);
	setting_expect_silence(w);
	if (w->watch.sights[0][1].bytes_sent != initiations * MESSAGE_INITIATION_LEN)
		world_break(w, "it did not stay silent after it gave up");
}

static void run_wrong_key(struct world *w)
{
	struct setting setting = two_nodes;
	setting.is_one_key_wrong = true;
	setting_make(w, &setting);
	setting_fair_weather(w, any_delay(w));
	traffic_start(w, 0, 1, SECONDS(20), 3);
	traffic_start(w, 1, 0, SECONDS(20), 3);
	world_run(w, SECONDS(300));
	if (w->counts.delivered || w->counts.handshakes)
		world_break(w, "a session, though the preshared keys differ");
	setting_expect_silence(w);
}

/* ------------------------------------------------------------------ idle */

static void run_idle(struct world *w)
{
	setting_make(w, &two_nodes);
	setting_make_sloppy(w);
	setting_foul_weather(w);
	setting_any_traffic(w, 2);
	world_run(w, dice_below(&w->dice, SECONDS(400)));
	setting_expect_silence(w);
}

/* Behind a NAT: only node 1 knows where the other is, and keeps the way open. */
static void run_keepalive(struct world *w)
{
	struct setting setting = two_nodes;
	setting.keepalive_seconds = 25;
	setting.only_later_know_where = true;
	setting_fair_weather(w, any_delay(w));
	setting_make(w, &setting);
	world_run(w, SECONDS(1000));
	const struct sight *there = &w->watch.sights[1][0], *back = &w->watch.sights[0][1];
	uint64_t handshakes = w->counts.handshakes;
	if (handshakes < 6 || handshakes > 9)
		world_break(w, "%llu handshakes in 1000 s", (unsigned long long)handshakes);
	uint64_t keepalives =
		(there->bytes_sent - handshakes * MESSAGE_INITIATION_LEN) / MESSAGE_DATA_MIN_LEN;
	if (keepalives < 1000 / 25 || keepalives > 1000 / 25 + handshakes)
		world_break(w, "%llu keepalives in 1000 s", (unsigned long long)keepalives);
	if (back->bytes_sent != handshakes * MESSAGE_RESPONSE_LEN)
		world_break(w, "keepalives were answered");
	traffic_offer(w, 0, 1, 10);
	world_run(w, SECONDS(1));
	setting_expect_all_delivered(w);
}

/*
 * The responder alone speaks, and only keepalives, which are not answered: the
 * initiator renews because it receives [WP 6.2], the responder never has to.
 */
static void run_responder_keepalive(struct world *w)
{
	struct acquaintance how = {.keepalive_seconds = 10};
	setting_make(w, &(struct setting){.node_count = 2});
	setting_fair_weather(w, any_delay(w));
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(1));
	node_introduce(w, &w->nodes[1], &w->nodes[0], &how);
	world_run(w, SECONDS(1000));
	if (w->watch.sights[1][0].last_initiation != NANOS_NEVER)
		world_break(w, "the responder had to initiate");
	if (w->counts.handshakes < 6 || w->counts.handshakes > 7)
		world_break(w, "%llu handshakes in 1000 s, not one in about 165 s",
			(unsigned long long)w->counts.handshakes);
}

/* A packet at the moment when the keys of the last session are erased. */
static void run_erasure(struct world *w)
{
	nanos delay = any_delay(w);
	setting_make(w, &two_nodes);
	setting_fair_weather(w, delay);
	traffic_offer(w, 0, 1, 1);
	world_run(w, 2 * delay + SECONDS(1));
	nanos birth = w->watch.sights[0][1].newest_birth - w->nodes[0].boot_offset;
	world_run(w, birth + KEY_ERASURE_TIME - w->time - delay);
	traffic_offer(w, 0, 1, 1);
	world_run(w, 4 * delay);
	setting_expect_all_delivered(w);
	setting_expect_silence(w);
}

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
	struct setting setting = two_nodes;
	setting.has_impostor = true;
	w->reads_events = false;
	setting_fair_weather(w, any_delay(w));
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
	setting_make(w, &two_nodes);
	while (w->time < end && !w->is_broken) {
		if (dice_chance(&w->dice, 300))
			setting_fair_weather(w, any_delay(w));
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
		2, run_initiator_sends},
	{"responder-sends", "the same from the responder", 2, run_responder_sends},
	{"both-initiate", "both ends begin at the same moment: nothing lost", 4, run_both_initiate},
	{"strangers", "forgeries by the thousand: nothing lost, nothing answered", 2,
		run_strangers},
	{"black-hole", "nobody answers: it gives up after 90 s and drops what waits", 2,
		run_black_hole},
	{"wrong-key", "the preshared keys differ: no session, and then silence", 1, run_wrong_key},
	{"idle", "without traffic: silence, and no keys", 4, run_idle},
	{"responder-keepalive", "the initiator renews because of what it receives", 2,
		run_responder_keepalive},
	{"erasure", "a packet sent while the old keys are erased arrives", 2, run_erasure},
	{"keepalive", "a persistent keepalive keeps a way open that only one side knows", 2,
		run_keepalive},
	{"unread-events", "events that nobody reads stay within their bound", 1, run_unread_events},
	{"twice", "the same seed gives the same run", 3, run_twice},
	{"weather", "anything, in any weather", 0, run_weather},
	{"days", "many hours", 1, run_days},
};

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
