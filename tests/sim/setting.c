#include "sim/setting.h"

#include <assert.h>
#include <string.h>

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

/* Every second pair, and in the next seed the others. */
static enum key_exchange pair_exchange(
	const struct world *w, const struct setting *setting, uint32_t a, uint32_t b)
{
	if (setting->is_all_hybrid)
		return KEY_EXCHANGE_HYBRID;
	return (w->seed + a + b) % 2 ? KEY_EXCHANGE_X25519 : KEY_EXCHANGE_HYBRID;
}

static void introduce(struct world *w, const struct setting *setting, uint32_t a, uint32_t b)
{
	struct acquaintance wanted = {
		.is_wanted = true,
		.knows_endpoint = !setting->only_later_know_where || a > b,
		.key_exchange = pair_exchange(w, setting, a, b),
		.keepalive_seconds =
			a + 1 == setting->node_count && !b ? setting->keepalive_seconds : 0,
	};
	if (setting->has_preshared_keys)
		wanted.preshared_key = pair_key(w, a, b);
	if (setting->is_one_key_wrong && a == 1)
		wanted.preshared_key.bytes[0] ^= 1;
	admin_introduce(w, a, b, &wanted);
}

void setting_make(struct world *w, const struct setting *setting)
{
	uint32_t count = setting->node_count;
	assert(count + setting->has_impostor <= NODES_MAX);
	for (uint32_t i = 0; i < count; i++)
		node_create(w, i, false);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < (i && setting->is_hub ? 1 : count); j++) {
			if (i != j)
				introduce(w, setting, i, j);
		}
	}
	if (setting->has_impostor) {
		struct acquaintance wanted = {.is_wanted = true, .knows_endpoint = true};
		node_create(w, count, true);
		admin_introduce(w, count, 0, &wanted);
		traffic_offer(w, count, 0, 3);
	}
}

void setting_make_sloppy(struct world *w)
{
	static const nanos delays[] = {0, MILLIS(1), MILLIS(20)};
	w->jobs_delay_max = delays[dice_below(&w->dice, 3)];
	w->tick_late_max = delays[dice_below(&w->dice, 3)];
	w->disk_delay_max = delays[dice_below(&w->dice, 3)];
	w->turn_time = MILLIS(dice_below(&w->dice, 10));
}

void setting_any_pair(struct world *w, uint32_t *a, uint32_t *b)
{
	do {
		*a = (uint32_t)dice_below(&w->dice, w->node_count);
		*b = (uint32_t)dice_below(&w->dice, w->node_count);
	} while (!w->watch.sights[*a][*b].wanted.is_wanted || w->nodes[*a].is_stranger);
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
		[FAULT_MARK] = 300,
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
	{MILLIS(300), 2}, {SECONDS(1), 1}, {SECONDS(5), 20}, {SECONDS(12), 4}, {SECONDS(60), 10},
	{SECONDS(200), 128}, /* longer than a session lives */
};

void setting_any_traffic(struct world *w)
{
	uint64_t count = dice_below(&w->dice, 4);
	traffic_stop(w);
	for (uint64_t i = 0; i < count; i++) {
		const struct pattern *pattern =
			&patterns[dice_below(&w->dice, sizeof patterns / sizeof *patterns)];
		uint32_t from, to;
		setting_any_pair(w, &from, &to);
		traffic_start(w, from, to, pattern->interval, pattern->burst_max);
	}
}

/* ------------------------------------------------------------------ expectations */

uint64_t setting_drops(const struct world *w, uint32_t node, enum drop_reason reason)
{
	return device_drops(w->nodes[node].device)->count[reason];
}

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
