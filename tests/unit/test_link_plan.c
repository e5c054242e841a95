#include "unit/test.h"

#include "manage/link_plan.h"
#include "unit/netbox.h"
#include "unit/short_memory.h"

#define ROUNDS	   3000
#define STEPS_MAX  64
#define FILTER_MAX 1024

/* A system that only counts: what is set in it, as text, and at which step it fails. */
struct model {
	char items[STEPS_MAX][LINK_ITEM_MAX];
	char filter[FILTER_MAX];
	size_t count, calls, fails_at;
	uint32_t mtu;
	bool is_wrong; /* something was set twice, or taken away twice */
};

static struct model model;
static uint32_t seed = 1;

static uint32_t roll(uint32_t below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static size_t find(const char *text)
{
	size_t i = 0;
	while (i < model.count && strcmp(model.items[i], text))
		i++;
	return i;
}

static void forget(size_t at)
{
	model.count--;
	memmove(model.items[at], model.items[model.count], LINK_ITEM_MAX);
}

/* As the kernel does when the last IPv4 address is gone. */
static void flush_v4(void)
{
	for (size_t i = 0; i < model.count; i++)
		if (!strncmp(model.items[i], "address ", 8) && strchr(model.items[i], '.'))
			return;
	for (size_t i = model.count; i-- > 0;)
		if (!strncmp(model.items[i], "route ", 6) && strchr(model.items[i], '.'))
			forget(i);
}

/* The packet filter, with what it is made of, as one text. */
static void write_filter(char out[static FILTER_MAX], const struct link_state *state)
{
	char item[LINK_ITEM_MAX], rules[LINK_ITEM_MAX] = "";
	out[0] = 0;
	for (size_t i = 0; i < state->count; i++) {
		enum link_kind kind = state->items[i].kind;
		link_item_write(item, &state->items[i]);
		if (kind == LINK_RULES)
			strncat(rules,
				state->items[i].prefix.address.family == IP_V6 ? "IPv6" : "IPv4",
				sizeof rules - strlen(rules) - 1);
		bool is_v6 = state->items[i].prefix.address.family == IP_V6;
		if (kind < LINK_GUARD ||
			(kind == LINK_ADDRESS && strstr(rules, is_v6 ? "IPv6" : "IPv4")))
			strncat(out, item, FILTER_MAX - strlen(out) - 1);
	}
}

static void change_filter(const struct link_step *step)
{
	bool is_there = model.filter[0];
	model.is_wrong |= is_there != (step->change != LINK_ADD);
	if (step->change == LINK_REMOVE)
		model.filter[0] = 0;
	else
		write_filter(model.filter, step->target);
}

static void change_model(const struct link_step *step)
{
	char text[LINK_ITEM_MAX];
	if (step->item.kind == LINK_MTU) {
		model.is_wrong |= model.mtu != step->before;
		model.mtu = step->item.number;
		return;
	}
	if (step->item.kind == LINK_FIREWALL) {
		change_filter(step);
		return;
	}
	link_item_write(text, &step->item);
	size_t at = find(text);
	bool is_there = at < model.count;
	if (step->change == LINK_ADD) {
		model.is_wrong |= is_there;
		memcpy(model.items[model.count++], text, sizeof text);
	} else if (step->change == LINK_REMOVE) {
		model.is_wrong |= !is_there;
		forget(at);
		if (step->item.kind == LINK_ADDRESS && step->item.prefix.address.family == IP_V4)
			flush_v4();
	}
}

static int run_in_model(void *context, const struct link_step *step)
{
	(void)context;
	if (++model.calls == model.fails_at)
		return -7;
	change_model(step);
	return 0;
}

static bool model_is(const struct link_state *state)
{
	char text[LINK_ITEM_MAX];
	char filter[FILTER_MAX] = "";
	size_t count = state->count;
	for (size_t i = 0; i < state->count; i++) {
		link_item_write(text, &state->items[i]);
		if (state->items[i].kind == LINK_FIREWALL) {
			write_filter(filter, state);
			count--;
		} else if (find(text) == model.count) {
			return false;
		}
	}
	return model.count == count && model.mtu == state->mtu && !strcmp(model.filter, filter) &&
	       !model.is_wrong;
}

static void model_begin(const struct link_state *state, size_t fails_at)
{
	model = (struct model){.mtu = state->mtu, .fails_at = fails_at};
	for (size_t i = 0; i < state->count; i++) {
		if (state->items[i].kind == LINK_FIREWALL)
			write_filter(model.filter, state);
		else
			link_item_write(model.items[model.count++], &state->items[i]);
	}
}

/* A few of a small world, so that two of them have much in common. */
static void make_state(struct link_state *out)
{
	static const char *const all[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "fd00::/8",
		"fd01::/16", "192.0.2.0/24", "0.0.0.0/0", "::/0"};
	struct ip_prefix allowed[8], addresses[4];
	struct link_settings s = {.allowed_ips = allowed,
		.addresses = addresses,
		.table = (enum link_table)roll(3),
		.table_number = 1000,
		.kill_switch = roll(2),
		.fwmark = 51820 + roll(2)};
	struct link_facts facts = {.mtu = 1280 + roll(3), .sets_source_mark = roll(2)};
	if (roll(8) == 0) {
		*out = (struct link_state){.mtu = 1500};
		return;
	}
	for (size_t i = roll(8); i > 0; i--)
		allowed[s.allowed_ip_count++] = netbox_prefix(all[roll(8)]);
	for (size_t i = roll(4); i > 0; i--) {
		addresses[s.address_count] = netbox_prefix(all[roll(8)]);
		addresses[s.address_count++].address.bytes[3] |= 1;
	}
	if (!link_state_want(out, &s, &facts))
		out->count = SIZE_MAX;
}

static bool has(const struct link_state *state, const struct link_item *item)
{
	for (size_t i = 0; i < state->count; i++)
		if (!link_item_compare(&state->items[i], item))
			return true;
	return false;
}

static bool has_v4_address(const struct link_state *state)
{
	size_t count = 0;
	for (size_t i = 0; i < state->count; i++)
		count += state->items[i].kind == LINK_ADDRESS &&
			 state->items[i].prefix.address.family == IP_V4;
	return count > 0;
}

/* Kept, but flushed in between: taken away and set again. */
static size_t count_flushed(const struct link_state *from, const struct link_state *to)
{
	size_t count = 0;
	if (!has_v4_address(from) || has_v4_address(to))
		return 0;
	for (size_t i = 0; i < from->count; i++)
		count += from->items[i].kind == LINK_ROUTE && has(to, &from->items[i]) &&
			 from->items[i].prefix.address.family == IP_V4;
	return count;
}

/* Without sorting or order: how many steps there must be. */
static size_t count_differences(const struct link_state *from, const struct link_state *to)
{
	static char before[FILTER_MAX], after[FILTER_MAX];
	size_t count = (from->mtu != to->mtu) + 2 * count_flushed(from, to);
	for (size_t i = 0; i < from->count; i++)
		count += from->items[i].kind != LINK_FIREWALL && !has(to, &from->items[i]);
	for (size_t i = 0; i < to->count; i++)
		count += to->items[i].kind != LINK_FIREWALL && !has(from, &to->items[i]);
	write_filter(before, from);
	write_filter(after, to);
	return count + (strcmp(before, after) != 0);
}

TEST(link_plan_is_the_difference_of_two_states)
{
	struct link_state from, to;
	struct link_plan plan;
	for (int i = 0; i < ROUNDS; i++) {
		make_state(&from);
		make_state(&to);
		CHECK(link_plan_make(&plan, &from, &to));
		CHECK_EQ(count_differences(&from, &to), plan.count);
		model_begin(&from, 0);
		CHECK(model_is(&from));
		CHECK_EQ(0, link_plan_run(&plan, run_in_model, NULL));
		CHECK(model_is(&to));
		CHECK_EQ(plan.count, model.calls);
		link_plan_wipe(&plan);
		link_state_wipe(&from);
		link_state_wipe(&to);
	}
}

TEST(link_plan_is_undone_from_wherever_it_fails)
{
	struct link_state from, to;
	struct link_plan plan;
	for (int i = 0; i < ROUNDS / 10; i++) {
		make_state(&from);
		make_state(&to);
		CHECK(link_plan_make(&plan, &from, &to));
		for (size_t n = 1; n <= plan.count; n++) {
			model_begin(&from, n);
			CHECK(link_plan_run(&plan, run_in_model, NULL) == -7);
			CHECK(model_is(&from));
			CHECK(model.calls >= 2 * n - 1);
		}
		link_plan_wipe(&plan);
		link_state_wipe(&from);
		link_state_wipe(&to);
	}
}

/* All lines of the plan, in their order. */
static const char *lines_of(const struct link_plan *plan)
{
	static char text[2048];
	char line[LINK_LINE_MAX];
	text[0] = 0;
	for (size_t i = 0; i < plan->count; i++) {
		link_step_write(line, &plan->steps[i]);
		strncat(text, line, sizeof text - strlen(text) - 1);
		strncat(text, "\n", sizeof text - strlen(text) - 1);
	}
	return text;
}

static void want(struct link_state *out, uint32_t mtu, const char *address, const char *allowed)
{
	struct ip_prefix a = netbox_prefix(address), b = netbox_prefix(allowed);
	struct link_settings s = {
		.addresses = &a, .address_count = 1, .allowed_ips = &b, .allowed_ip_count = 1};
	if (!link_state_want(out, &s, &(struct link_facts){.mtu = mtu}))
		out->count = SIZE_MAX;
}

static const char *plan_lines(const struct link_state *from, const struct link_state *to)
{
	struct link_plan plan;
	const char *text = link_plan_make(&plan, from, to) ? lines_of(&plan) : "no memory";
	link_plan_wipe(&plan);
	return text;
}

TEST(link_plan_sets_the_new_before_it_takes_the_old)
{
	struct link_state nothing = {.mtu = 1500}, a, b;
	want(&a, 1420, "10.7.0.1/24", "10.0.0.0/8");
	want(&b, 1380, "10.7.0.2/24", "fd00::/8");
	CHECK(!strcmp(plan_lines(&nothing, &a), "~ mtu 1500 -> 1420\n+ address 10.7.0.1/24\n"
						"+ up\n+ route 10.0.0.0/8\n"));
	CHECK(!strcmp(plan_lines(&a, &b), "+ address 10.7.0.2/24\n+ route fd00::/8\n"
					  "- route 10.0.0.0/8\n- address 10.7.0.1/24\n"
					  "~ mtu 1420 -> 1380\n"));
	CHECK(!strcmp(plan_lines(&b, &a), "~ mtu 1380 -> 1420\n+ address 10.7.0.1/24\n"
					  "+ route 10.0.0.0/8\n- route fd00::/8\n"
					  "- address 10.7.0.2/24\n"));
	CHECK(!strcmp(plan_lines(&a, &nothing), "- route 10.0.0.0/8\n- address 10.7.0.1/24\n"
						"- up\n~ mtu 1420 -> 1500\n"));
	CHECK(!strcmp(plan_lines(&a, &a), ""));
	link_state_wipe(&a);
	link_state_wipe(&b);
}

/* A guard comes before its route and goes after it; a rule is never without the filter. */
TEST(link_plan_guards_from_the_first_to_the_last)
{
	struct link_state nothing = {.mtu = 1500}, all;
	struct ip_prefix allowed[] = {netbox_prefix("0.0.0.0/0"), netbox_prefix("10.0.0.0/8")};
	struct link_settings s = {.allowed_ips = allowed,
		.allowed_ip_count = 2,
		.fwmark = 51820,
		.kill_switch = true};
	struct link_facts facts = {.mtu = 1420, .sets_source_mark = true};
	CHECK(link_state_want(&all, &s, &facts));
	CHECK(!strcmp(plan_lines(&nothing, &all),
		"+ packet filter for mark 51820\n+ net.ipv4.conf.all.src_valid_mark=1\n"
		"+ IPv4 rules for table 51820\n+ kill switch 10.0.0.0/8\n"
		"+ kill switch 0.0.0.0/0 table 51820\n~ mtu 1500 -> 1420\n+ up\n"
		"+ route 10.0.0.0/8\n+ route 0.0.0.0/0 table 51820\n"));
	CHECK(!strcmp(plan_lines(&all, &nothing),
		"- route 0.0.0.0/0 table 51820\n- route 10.0.0.0/8\n- up\n"
		"~ mtu 1420 -> 1500\n- kill switch 0.0.0.0/0 table 51820\n"
		"- kill switch 10.0.0.0/8\n- IPv4 rules for table 51820\n"
		"- net.ipv4.conf.all.src_valid_mark=1\n- packet filter for mark 51820\n"));
	link_state_wipe(&all);
}

/* While it is up, a guard without its route would block what the tunnel is to carry. */
TEST(link_plan_never_guards_what_has_no_route)
{
	struct link_state open, closed;
	struct ip_prefix address = netbox_prefix("10.7.0.1/24");
	struct ip_prefix allowed = netbox_prefix("10.7.0.2/32");
	struct link_settings s = {.addresses = &address,
		.address_count = 1,
		.allowed_ips = &allowed,
		.allowed_ip_count = 1};
	struct link_facts facts = {.mtu = 1420};
	CHECK(link_state_want(&open, &s, &facts));
	s.kill_switch = true;
	CHECK(link_state_want(&closed, &s, &facts));
	CHECK(!strcmp(
		plan_lines(&open, &closed), "+ route 10.7.0.2/32\n+ kill switch 10.7.0.2/32\n"));
	CHECK(!strcmp(
		plan_lines(&closed, &open), "- kill switch 10.7.0.2/32\n- route 10.7.0.2/32\n"));
	link_state_wipe(&open);
	link_state_wipe(&closed);
}

TEST(link_plan_says_when_there_is_no_memory)
{
	struct link_state a, b;
	struct link_plan plan;
	bool has_failed = true;
	want(&a, 1420, "10.7.0.1/24", "10.0.0.0/8");
	want(&b, 1380, "10.7.0.2/24", "fd00::/8");
	for (size_t n = 1; has_failed; n++) {
		short_memory_begin(n);
		bool ok = link_plan_make(&plan, &a, &b);
		has_failed = short_memory_end();
		CHECK(ok == !has_failed);
		link_plan_wipe(&plan);
	}
	link_state_wipe(&a);
	link_state_wipe(&b);
}
