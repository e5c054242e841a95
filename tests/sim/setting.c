#include "sim/setting.h"

#include <assert.h>
#include <string.h>

#define RECOVERY_INTERVAL MILLIS(500) /* of the traffic by which a recovery is seen */

const struct setting setting_two_nodes = {.node_count = 2, .has_preshared_keys = true};

/* ------------------------------------------------------------------ nodes */

static struct preshared_key pair_key(const struct world *w, uint32_t a, uint32_t b)
{
	struct preshared_key key;
	struct dice dice;
	dice_init(&dice, w->seed, 1000 + (a < b ? a * NODES_MAX + b : b * NODES_MAX + a));
	dice_fill(&dice, &key, sizeof key);
	return key;
}

static void introduce(struct world *w, const struct setting *setting, uint32_t a, uint32_t b)
{
	struct acquaintance how = {
		.knows_endpoint = !setting->only_later_know_where || a > b,
		.keepalive_seconds =
			a + 1 == setting->node_count && !b ? setting->keepalive_seconds : 0,
	};
	if (setting->has_preshared_keys)
		how.preshared_key = pair_key(w, a, b);
	if (setting->is_one_key_wrong && a == 1)
		how.preshared_key.bytes[0] ^= 1;
	node_introduce(w, &w->nodes[a], &w->nodes[b], &how);
}

void setting_make(struct world *w, const struct setting *setting)
{
	assert(setting->node_count + setting->has_impostor <= NODES_MAX);
	for (uint32_t i = 0; i < setting->node_count; i++)
		node_create(w, i, false);
	for (uint32_t i = 0; i < setting->node_count; i++) {
		for (uint32_t j = 0; j < setting->node_count; j++) {
			if (i != j)
				introduce(w, setting, i, j);
		}
	}
	if (setting->has_impostor) {
		struct acquaintance how = {.knows_endpoint = true};
		node_create(w, setting->node_count, true);
		node_introduce(w, &w->nodes[setting->node_count], &w->nodes[0], &how);
		traffic_offer(w, setting->node_count, 0, 3);
	}
}

void setting_make_sloppy(struct world *w)
{
	static const nanos delays[] = {0, MILLIS(1), MILLIS(20)};
	w->jobs_delay_max = delays[dice_below(&w->dice, 3)];
	w->tick_late_max = delays[dice_below(&w->dice, 3)];
}

/* ------------------------------------------------------------------ weather and traffic */

nanos setting_any_delay(struct world *w)
{
	return dice_between(&w->dice, MILLIS(1), MILLIS(200));
}

void setting_fair_weather(struct world *w, nanos delay)
{
	w->network.weather = (struct weather){.delay_min = delay, .delay_max = delay};
}

void setting_foul_weather(struct world *w)
{
	static const uint32_t worst[FAULT_WEATHER_COUNT] = {
		[FAULT_LOSS] = 300,
		[FAULT_DUPLICATE] = 200,
		[FAULT_REORDER] = 300,
		[FAULT_CORRUPT] = 100,
		[FAULT_TRUNCATE] = 50,
		[FAULT_HOLD] = 30,
	};
	struct weather *weather = &w->network.weather;
	weather->delay_min = dice_below(&w->dice, MILLIS(100));
	weather->delay_max = weather->delay_min + dice_below(&w->dice, MILLIS(200));
	for (int i = 0; i < FAULT_WEATHER_COUNT; i++) {
		bool is_on = dice_chance(&w->dice, 600);
		weather->permille[i] = is_on ? (uint32_t)dice_below(&w->dice, worst[i] + 1) : 0;
	}
}

struct pattern {
	nanos interval;
	uint32_t burst_max;
};

static const struct pattern patterns[] = {
	{MILLIS(150), 2}, {SECONDS(1), 1}, {SECONDS(5), 128}, {SECONDS(12), 4}, {SECONDS(60), 10},
	{SECONDS(200), 128}, /* longer than a session lives */
};

static void any_pair(struct world *w, uint32_t node_count, uint32_t *a, uint32_t *b)
{
	*a = (uint32_t)dice_below(&w->dice, node_count);
	*b = (uint32_t)(*a + 1 + dice_below(&w->dice, node_count - 1)) % node_count;
}

void setting_any_traffic(struct world *w, uint32_t node_count)
{
	uint64_t count = dice_below(&w->dice, 5);
	traffic_stop(w);
	for (uint64_t i = 0; i < count; i++) {
		const struct pattern *pattern =
			&patterns[dice_below(&w->dice, sizeof patterns / sizeof *patterns)];
		uint32_t from, to;
		any_pair(w, node_count, &from, &to);
		traffic_start(w, from, to, pattern->interval, pattern->burst_max);
	}
}

/* ------------------------------------------------------------------ misfortunes */

nanos setting_recovery_time(const struct world *w)
{
	return NEW_HANDSHAKE_TIMEOUT + REKEY_JITTER_MAX + 4 * w->network.weather.delay_max +
	       8 * w->jobs_delay_max + 2 * w->tick_late_max + 2 * RECOVERY_INTERVAL;
}

static bool knows_where(const struct world *w, uint32_t a, uint32_t b)
{
	const struct endpoint *endpoint = &node_peer(w, a, b)->endpoint;
	struct endpoint home = network_home(b, w->nodes[b].epoch);
	return endpoint_is_same_remote(endpoint, &home);
}

static void expect_delivery(struct world *w, uint32_t from, uint32_t to, nanos since)
{
	nanos last = w->watch.sights[to][from].last_delivery;
	if (!last || last < since)
		world_break(w, "nothing from %u to %u in the %.3f s after a misfortune", from, to,
			(double)(w->time - since) / NANOS_PER_SECOND);
}

static void suffer(struct world *w, uint32_t a, uint32_t b)
{
	struct node *node = &w->nodes[a];
	switch (dice_below(&w->dice, 3)) {
	case 0:
		network_cut(w, a, b, true);
		world_run(w, dice_below(&w->dice, SECONDS(300)));
		network_cut(w, a, b, false);
		break;
	case 1:
		node_set_link(w, node, false);
		world_run(w, dice_below(&w->dice, SECONDS(30)));
		node_set_link(w, node, true);
		break;
	default:
		node->epoch += node->epoch < EPOCHS_MAX - 1;
		world_trace(w, "node %u roams", a);
		break;
	}
}

void setting_any_misfortune(struct world *w, uint32_t node_count)
{
	uint32_t a, b;
	any_pair(w, node_count, &a, &b);
	uint64_t directions = dice_between(&w->dice, 1, 3);

	traffic_stop(w);
	if (directions & 1)
		traffic_start(w, a, b, RECOVERY_INTERVAL, 3);
	if (directions & 2)
		traffic_start(w, b, a, RECOVERY_INTERVAL, 3);
	world_run(w, dice_below(&w->dice, SECONDS(30)));
	suffer(w, a, b);
	if (w->is_broken)
		return;

	network_clear(w);
	nanos healed_at = w->time;
	bool can_hear = !(directions & 1) || knows_where(w, a, b);
	bool can_speak = !(directions & 2) || knows_where(w, b, a);
	world_run(w, setting_recovery_time(w));
	if (!can_hear || !can_speak || w->traffic.spoof_permille)
		return; /* nobody can send to where nobody knows to be */
	if (directions & 1)
		expect_delivery(w, a, b, healed_at);
	if (directions & 2)
		expect_delivery(w, b, a, healed_at);
}

/* ------------------------------------------------------------------ expectations */

static uint64_t bytes_sent(const struct world *w)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < w->node_count; i++) {
		for (uint32_t j = 0; j < w->node_count && !w->nodes[i].is_stranger; j++)
			sum += w->watch.sights[i][j].bytes_sent;
	}
	return sum;
}

static void expect_no_keys(struct world *w)
{
	for (uint32_t i = 0; i < w->node_count; i++) {
		const struct peer *peer = device_first_peer(w->nodes[i].device);
		for (; peer; peer = peer->next) {
			const struct keyring *ring = &peer->keyring;
			if (ring->previous || ring->current || ring->next || peer->pending)
				world_break(w, "node %u still has keys after long silence", i);
			if (peer->staged.count)
				world_break(w, "node %u still has packets staged", i);
		}
	}
}

void setting_expect_silence(struct world *w)
{
	traffic_stop(w);
	network_clear(w);
	/* 10 s of keepalive, 15 s of waiting, 90 s of trying, and once more */
	world_run(w, SECONDS(150));
	uint64_t before = bytes_sent(w);
	world_run(w, SECONDS(600));
	if (bytes_sent(w) != before)
		world_break(w, "%llu bytes sent in ten idle minutes",
			(unsigned long long)(bytes_sent(w) - before));
	expect_no_keys(w);
}

void setting_expect_all_delivered(struct world *w)
{
	const struct ledger *ledger = &w->ledger;
	uint64_t allowed = ledger->count - ledger->forbidden_count;
	if (ledger->delivered_count != allowed)
		world_break(w, "%llu of %llu packets delivered, though none was lost on the way",
			(unsigned long long)ledger->delivered_count, (unsigned long long)allowed);
}
