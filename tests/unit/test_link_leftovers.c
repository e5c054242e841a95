#include "manage/link_leftovers.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "manage/firewall.h"
#include "manage/link_rules.h"
#include "manage/link_step.h"
#include "manage/netlink_rule.h"
#include "manage/source_mark.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

static bool set_filter(const char *name, uint32_t mark, bool has_source_mark)
{
	struct firewall f = {.record = {.mark = mark, .has_source_mark = has_source_mark}};
	snprintf(f.record.interface, sizeof f.record.interface, "%s", name);
	return !firewall_set(&box.n, &f);
}

static bool set_guard(const char *name, uint32_t table, const char *prefix)
{
	struct ip_prefix p = netbox_prefix(prefix);
	return !netlink_unreachable_add(&box.n, table, &p, link_guard_metric(name));
}

/* What is found of the name, "; " behind each. */
static const char *found(const char *name, struct link_state *state)
{
	static char text[1024];
	text[0] = 0;
	*state = (struct link_state){0};
	if (link_leftovers_find(&box.n, name, state))
		return "error";
	for (size_t i = 0; i < state->count; i++) {
		char item[LINK_ITEM_MAX];
		link_item_write(item, &state->items[i]);
		strncat(text, item, sizeof text - strlen(text) - 1);
		strncat(text, "; ", sizeof text - strlen(text) - 1);
	}
	return text;
}

static bool is_found(const char *name, const char *expected)
{
	struct link_state state;
	bool is_equal = !strcmp(found(name, &state), expected);
	link_state_wipe(&state);
	return is_equal;
}

static bool remove_all(const char *name)
{
	struct link_state state;
	found(name, &state);
	int error = link_leftovers_remove(&box.n, name, &state);
	link_state_wipe(&state);
	return !error;
}

#define OF_A                                                                                       \
	"packet filter for mark 51820; net.ipv4.conf.all.src_valid_mark=1; "                       \
	"IPv4 rules for table 51820; IPv6 rules for table 51820; kill switch 10.0.0.0/8; "         \
	"kill switch 0.0.0.0/0 table 51820; "
#define OF_B                                                                                       \
	"packet filter for mark 51821; net.ipv4.conf.all.src_valid_mark=1; "                       \
	"IPv4 rules for table 51821; kill switch 10.0.0.0/8; "

/* Two interfaces, both dead; and rules and routes of others, with our number or without. */
static bool two(void)
{
	bool is_on;
	REQUIRE(is_found("a", "") && is_found("b", ""));
	REQUIRE(source_mark_set(true) == 0);
	REQUIRE(set_filter("a", 51820, true) && set_filter("b", 51821, true));
	REQUIRE(set_guard("a", RT_TABLE_MAIN, "10.0.0.0/8"));
	REQUIRE(set_guard("a", 51820, "0.0.0.0/0"));
	REQUIRE(set_guard("b", RT_TABLE_MAIN, "10.0.0.0/8"));
	REQUIRE(link_rules_add(&box.n, IP_V4, 51820) == 0);
	REQUIRE(link_rules_add(&box.n, IP_V6, 51820) == 0);
	REQUIRE(link_rules_add(&box.n, IP_V4, 51821) == 0);
	REQUIRE(link_rules_add(&box.n, IP_V4, 51999) == 0); /* whose may that be? */
	REQUIRE(netbox_rule(&box.n, 51820, 51820) == 0);
	REQUIRE(is_found("a", OF_A) && is_found("b", OF_B) && is_found("c", ""));
	REQUIRE(remove_all("a"));
	REQUIRE(is_found("a", "") && is_found("b", OF_B));
	/* The other one still has it. */
	REQUIRE(source_mark_get(&is_on) == 0 && is_on);
	REQUIRE(remove_all("b"));
	REQUIRE(is_found("b", ""));
	REQUIRE(source_mark_get(&is_on) == 0 && !is_on);
	struct netlink_rules rules;
	REQUIRE(netlink_rule_list(&box.n, &rules) == 0 && rules.count == 2);
	REQUIRE(rules.items[1].table == 51999);
	netlink_rules_free(&rules);
	REQUIRE(remove_all("a") && remove_all("c"));
	return true;
}

TEST(link_leftovers_are_told_apart)
{
	netbox_run(two);
}

/* Somebody has flushed nftables: with a kill switch its route tells whose the rules are. */
static bool without_filter(void)
{
	REQUIRE(set_guard("a", 51820, "::/0"));
	REQUIRE(link_rules_add(&box.n, IP_V6, 51820) == 0);
	REQUIRE(is_found("a", "IPv6 rules for table 51820; kill switch ::/0 table 51820; "));
	REQUIRE(remove_all("a") && is_found("a", ""));
	return true;
}

TEST(link_leftovers_without_a_packet_filter)
{
	netbox_run(without_filter);
}

static bool marks(void)
{
	uint32_t mark;
	struct ip_prefix all = netbox_prefix("::/0");
	REQUIRE(link_choose_mark(&box.n, "a", &mark) == 0 && mark == 51820);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_route_add(&box.n, box.ifindex, 51820, &all) == 0);
	REQUIRE(link_choose_mark(&box.n, "a", &mark) == 0 && mark == 51821);
	/* An interface that is coming up, and one that left its own. */
	REQUIRE(link_rules_add(&box.n, IP_V4, 51821) == 0);
	REQUIRE(set_guard("b", 51822, "0.0.0.0/0"));
	REQUIRE(link_choose_mark(&box.n, "a", &mark) == 0 && mark == 51823);
	REQUIRE(set_filter("a", 51830, false));
	REQUIRE(link_choose_mark(&box.n, "a", &mark) == 0 && mark == 51830);
	REQUIRE(link_choose_mark(&box.n, "b", &mark) == 0 && mark == 51823);
	return true;
}

TEST(link_leftovers_choose_a_mark_nobody_has)
{
	netbox_run(marks);
}
