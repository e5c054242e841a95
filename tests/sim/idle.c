/* Scenarios of silence: nobody answers, or nobody has anything to say. */
#include "sim/scenario.h"

#include "sim/setting.h"

#include <stdint.h>

/* ------------------------------------------------------------------ no answer */

/* Regression 3. */
void scenario_black_hole(struct world *w)
{
	setting_make(w, &setting_two_nodes);
	network_cut(w, 0, 1, true);
	uint64_t offered = traffic_offer(w, 0, 1, 100) + traffic_offer(w, 0, 1, 100);
	world_run(w, LAW_ATTEMPT + LAW_REKEY_TIMEOUT + LAW_JITTER_MAX);

	uint64_t gave_up = setting_drops(w, 0, DROP_GAVE_UP),
		 full = setting_drops(w, 0, DROP_STAGED_FULL),
		 bytes = setting_drops(w, 0, DROP_NO_MEMORY);
	if (gave_up + full + bytes != offered || gave_up > LAW_STAGED)
		world_break(w, "%llu packets offered; dropped %llu, %llu, %llu",
			(unsigned long long)offered, (unsigned long long)gave_up,
			(unsigned long long)full, (unsigned long long)bytes);
	if (w->watch.events[EVENT_GAVE_UP] != 1)
		world_break(w, "it gave up %llu times",
			(unsigned long long)w->watch.events[EVENT_GAVE_UP]);
	uint32_t len = initiation_len(w->watch.sights[0][1].wanted.key_exchange);
	uint64_t initiations = w->watch.sights[0][1].bytes_sent / len;
	if (initiations < 17 || initiations > 19)
		world_break(w, "%llu initiations in 90 s", (unsigned long long)initiations);
	setting_expect_silence(w);
	if (w->watch.sights[0][1].bytes_sent != initiations * len)
		world_break(w, "it did not stay silent after it gave up");
}

void scenario_wrong_key(struct world *w)
{
	struct setting setting = setting_two_nodes;
	setting.is_one_key_wrong = true;
	setting_make(w, &setting);
	setting_fair_weather(w, setting_any_delay(w));
	traffic_start(w, 0, 1, SECONDS(20), 3);
	traffic_start(w, 1, 0, SECONDS(20), 3);
	world_run(w, SECONDS(300));
	if (w->counts.delivered || w->counts.handshakes)
		world_break(w, "a session, though the preshared keys differ");
	setting_expect_silence(w);
}

/* ------------------------------------------------------------------ idle */

/* Regression 4. */
void scenario_idle(struct world *w)
{
	setting_make(w, &setting_two_nodes);
	setting_make_sloppy(w);
	setting_foul_weather(w);
	setting_any_traffic(w);
	world_run(w, dice_below(&w->dice, SECONDS(400)));
	setting_expect_silence(w);
}

/* Behind a NAT: only node 1 knows where the other is, and keeps the way open. */
void scenario_keepalive(struct world *w)
{
	struct setting setting = setting_two_nodes;
	setting.keepalive_seconds = 25;
	setting.only_later_know_where = true;
	setting_fair_weather(w, setting_any_delay(w));
	setting_make(w, &setting);
	world_run(w, SECONDS(1000));
	const struct sight *there = &w->watch.sights[1][0], *back = &w->watch.sights[0][1];
	uint64_t handshakes = w->counts.handshakes;
	enum key_exchange kind = there->wanted.key_exchange;
	if (handshakes < 6 || handshakes > 9)
		world_break(w, "%llu handshakes in 1000 s", (unsigned long long)handshakes);
	uint64_t keepalives =
		(there->bytes_sent - handshakes * initiation_len(kind)) / MESSAGE_DATA_MIN_LEN;
	if (keepalives < 1000 / 25 || keepalives > 1000 / 25 + handshakes)
		world_break(w, "%llu keepalives in 1000 s", (unsigned long long)keepalives);
	if (back->bytes_sent != handshakes * response_len(kind))
		world_break(w, "keepalives were answered");
	traffic_offer(w, 0, 1, 10);
	world_run(w, SECONDS(1));
	setting_expect_all_delivered(w);
}

/*
 * Regression 5: the responder alone speaks, and only keepalives, which are not
 * answered: the initiator renews because it receives [WP 6.2], the responder never
 * has to.
 */
void scenario_responder_keepalive(struct world *w)
{
	setting_make(w, &(struct setting){.node_count = 2});
	struct acquaintance wanted = w->watch.sights[1][0].wanted;
	wanted.keepalive_seconds = 10;
	setting_fair_weather(w, setting_any_delay(w));
	traffic_offer(w, 0, 1, 1);
	world_run(w, SECONDS(1));
	admin_introduce(w, 1, 0, &wanted);
	world_run(w, SECONDS(1000));
	if (w->watch.sights[1][0].last_initiation != NANOS_NEVER)
		world_break(w, "the responder had to initiate");
	if (w->counts.handshakes < 6 || w->counts.handshakes > 7)
		world_break(w, "%llu handshakes in 1000 s, not one in about 165 s",
			(unsigned long long)w->counts.handshakes);
}

/* A packet at the moment when the keys of the last session are erased. */
void scenario_erasure(struct world *w)
{
	nanos delay = setting_any_delay(w);
	setting_make(w, &setting_two_nodes);
	setting_fair_weather(w, delay);
	traffic_offer(w, 0, 1, 1);
	world_run(w, 2 * delay + SECONDS(1));
	nanos birth = w->watch.sights[0][1].newest_birth - w->nodes[0].boot_offset;
	world_run(w, birth + LAW_ERASE_AFTER - w->time - delay);
	traffic_offer(w, 0, 1, 1);
	world_run(w, 4 * delay);
	setting_expect_all_delivered(w);
	setting_expect_silence(w);
}
