/* Scenarios of load: more handshakes than a node can answer. */
#include "sim/scenario.h"

#include "sim/setting.h"

#define TARGET	     1
#define LONG	     100 /* rounds: longer than a scenario */
#define TWO_TIMEOUTS (2 * (LAW_REKEY_TIMEOUT + LAW_JITTER_MAX))

/* A packet between two nodes arrives, in spite of all, within two Rekey-Timeouts. */
static void expect_to_get_in(struct world *w, uint32_t from, uint32_t to)
{
	nanos since = w->time;
	traffic_offer(w, from, to, 1);
	world_run(w, TWO_TIMEOUTS + 6 * w->network.weather.delay_max + SECONDS(1));
	if (w->watch.sights[to][from].last_delivery < since)
		world_break(w, "%u does not get through to %u", from, to);
}

/*
 * Regression 17, 30: sessions go on, and are renewed; strangers to the node get in,
 * and it gets in elsewhere, though the response meets its load too.
 */
void scenario_flood(struct world *w)
{
	struct setting setting = {.node_count = 4, .has_preshared_keys = true};
	setting_make_sloppy(w);
	setting_fair_weather(w, setting_any_delay(w));
	w->network.weather.permille[FAULT_DUPLICATE] = 300;
	setting_make(w, &setting);
	traffic_start(w, 0, TARGET, SECONDS(1), 3);
	traffic_start(w, TARGET, 0, SECONDS(3), 3);
	world_run(w, LAW_REKEY_AFTER - SECONDS(15));
	strangers_flood(w, TARGET, 700, LONG, false);
	world_run(w, SECONDS(2));
	expect_to_get_in(w, 2, TARGET);
	expect_to_get_in(w, TARGET, 3);
	world_run(w, SECONDS(20));
	traffic_stop(w);
	world_run(w, SECONDS(2));
	setting_expect_all_delivered(w);
	if (!w->counts.cookies || w->counts.handshakes < 4)
		world_break(w, "%llu cookies, %llu handshakes under load",
			(unsigned long long)w->counts.cookies,
			(unsigned long long)w->counts.handshakes);
}

/* Far more at once than may wait. */
void scenario_overflow(struct world *w)
{
	w->turn_time = MILLIS(2);
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting_two_nodes);
	strangers_flood(w, TARGET, LAW_BACKLOG + 2000, 1, false);
	world_run(w, MILLIS(100));
	uint64_t dropped = setting_drops(w, TARGET, DROP_BACKLOG);
	if (dropped < 1900 || dropped > 2000)
		world_break(w, "%llu of 2000 too many were dropped", (unsigned long long)dropped);
	world_run(w, SECONDS(2));
	expect_to_get_in(w, 0, TARGET);
	strangers_flood(w, TARGET, 1000, 1, false);
	world_run(w, MILLIS(4));
	for (uint32_t i = 0; i < 2; i++) { /* what waits goes with the link */
		node_set_link(w, &w->nodes[i], false);
		node_set_link(w, &w->nodes[i], true);
	}
	expect_to_get_in(w, 0, TARGET);
	world_run(w, SECONDS(2));
	strangers_flood(w, TARGET, 1000, 1, false);
	world_run(w, MILLIS(4));
	uint64_t removed = setting_drops(w, TARGET, DROP_REMOVED);
	struct private_key key;
	struct rng rng = {dice_fill, &w->dice};
	private_key_generate(&key, &rng);
	admin_set_private_key(w, TARGET, &key); /* and with the key that its mac1 is for */
	if (setting_drops(w, TARGET, DROP_REMOVED) - removed < 500)
		world_break(w, "what waited did not go with the key");
	admin_put_right(w, 0);
	expect_to_get_in(w, 0, TARGET);
}

/* Regression 17: between two handshakes only the port changes, then only the address. */
void scenario_cookie_place(struct world *w)
{
	static const uint32_t moves[] = {4, 2};
	struct node *roamer = &w->nodes[0];
	w->turn_time = MILLIS(2);
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting_two_nodes);
	strangers_flood(w, TARGET, 700, LONG, false);
	world_run(w, SECONDS(1));
	expect_to_get_in(w, 0, TARGET);
	for (uint32_t i = 0; i < 2; i++) {
		if (node_peer(w, 0, TARGET)->cookie_jar.birth == NANOS_NEVER ||
			w->watch.sights[0][TARGET].cookies_heard != i + 1)
			world_break(w, "it got in without a cookie");
		node_set_link(w, roamer, false); /* its session goes, its cookie does not */
		for (uint32_t n = 0; n < moves[i]; n++)
			node_roam(w, roamer);
		node_set_link(w, roamer, true);
		expect_to_get_in(w, 0, TARGET);
	}
	if (w->watch.sights[0][TARGET].cookies_heard != 3)
		world_break(w, "it got in with the cookie of another place");
}

/* A cookie of the time before last. */
void scenario_cookie_age(struct world *w)
{
	w->turn_time = MILLIS(2);
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting_two_nodes);
	strangers_flood(w, TARGET, 700, 4, true);
	world_run(w, LAW_COOKIE_TIME + SECONDS(3));
	uint64_t before = setting_drops(w, TARGET, DROP_INITIATION_FORGED);
	uint64_t too_many = setting_drops(w, TARGET, DROP_SOURCE_RATE);
	w->strangers.flood.rounds = 4; /* with the same cookie */
	w->strangers.flood.next = w->time;
	world_run(w, SECONDS(3));
	uint64_t processed = setting_drops(w, TARGET, DROP_INITIATION_FORGED) - before;
	/* of each heap the first are processed before there is load */
	if (!too_many || processed > LAW_PER_TURN ||
		setting_drops(w, TARGET, DROP_SOURCE_RATE) != too_many)
		world_break(w, "a cookie is good for more than 120 s: %llu processed",
			(unsigned long long)processed);
}

/* Who holds a cookie has five handshakes at once and twenty a second, and no more. */
void scenario_cookie_flood(struct world *w)
{
	const uint64_t seconds = 10;
	w->turn_time = MILLIS(2);
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting_two_nodes);
	strangers_flood(w, TARGET, 700, LONG, true);
	world_run(w, SECONDS(3));
	uint64_t before = setting_drops(w, TARGET, DROP_INITIATION_FORGED);
	world_run(w, SECONDS(seconds));
	uint64_t processed = setting_drops(w, TARGET, DROP_INITIATION_FORGED) - before;
	uint64_t most = LAW_SOURCE_BURST + LAW_SOURCE_RATE * seconds;
	/* they come in two heaps a second, of which each finds five tokens */
	if (processed > most || processed < LAW_SOURCE_BURST * seconds)
		world_break(w, "%llu handshakes of one address in %llu s",
			(unsigned long long)processed, (unsigned long long)seconds);
	expect_to_get_in(w, 0, TARGET);
}
