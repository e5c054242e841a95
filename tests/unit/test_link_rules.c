#include "manage/link_rules.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "manage/netlink_rule.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

#define MARK 51820

/* Ours, in the order in which they are evaluated: 0 for the companion, else the mark. */
static bool rules_are(const uint32_t *marks, size_t count)
{
	struct netlink_rules found;
	REQUIRE(netlink_rule_list(&box.n, &found) == 0);
	REQUIRE(found.count == count);
	for (size_t i = 0; i < count; i++) {
		REQUIRE(found.items[i].not_fwmark == marks[i]);
		REQUIRE(found.items[i].table == (marks[i] ? marks[i] : RT_TABLE_MAIN));
		REQUIRE(found.items[i].suppresses_default == !marks[i]);
	}
	netlink_rules_free(&found);
	return true;
}

static bool pairs(void)
{
	REQUIRE(link_rules_remove(&box.n, IP_V4, MARK) == -ENOENT);
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK) == 0);
	REQUIRE(rules_are((uint32_t[]){0, MARK}, 2));
	/* It is there already. */
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK) == 0);
	REQUIRE(rules_are((uint32_t[]){0, MARK}, 2));
	/* Another interface's, before them, and one of the other family. */
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK + 1) == 0);
	REQUIRE(link_rules_add(&box.n, IP_V6, MARK) == 0);
	REQUIRE(rules_are((uint32_t[]){0, MARK + 1, 0, MARK, 0, MARK}, 6));
	REQUIRE(link_rules_remove(&box.n, IP_V4, MARK) == 0);
	REQUIRE(rules_are((uint32_t[]){0, MARK + 1, 0, MARK}, 4));
	REQUIRE(link_rules_remove(&box.n, IP_V4, MARK + 1) == 0);
	REQUIRE(link_rules_remove(&box.n, IP_V6, MARK) == 0);
	REQUIRE(rules_are(NULL, 0));
	return true;
}

TEST(link_rules_come_and_go_in_pairs)
{
	netbox_run(pairs);
}

/* Killed between the two. */
static bool halves(void)
{
	struct netlink_rule half = {.family = IP_V4, .table = MARK, .not_fwmark = MARK};
	REQUIRE(netlink_rule_add(&box.n, &half) == 0);
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK) == 0);
	REQUIRE(rules_are((uint32_t[]){0, MARK}, 2));
	REQUIRE(link_rules_remove(&box.n, IP_V4, MARK) == 0);
	REQUIRE(netlink_rule_add(&box.n, &half) == 0);
	REQUIRE(link_rules_remove(&box.n, IP_V4, MARK) == 0);
	REQUIRE(rules_are(NULL, 0));
	return true;
}

TEST(link_rules_accept_half_a_pair)
{
	netbox_run(halves);
}

/* Before the pair that is there, after the one that comes. */
static bool passing(void)
{
	struct netlink_rules found;
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK) == 0);
	REQUIRE(link_rules_pass(&box.n, MARK + 1) == 0);
	REQUIRE(link_rules_add(&box.n, IP_V4, MARK + 1) == 0);
	REQUIRE(netlink_rule_list(&box.n, &found) == 0 && found.count == 6);
	REQUIRE(found.items[1].not_fwmark == MARK + 1 && !found.items[1].fwmark);
	REQUIRE(found.items[2].fwmark == MARK + 1 && found.items[2].table == RT_TABLE_MAIN);
	REQUIRE(!found.items[2].not_fwmark && !found.items[2].suppresses_default);
	REQUIRE(found.items[4].not_fwmark == MARK);
	REQUIRE(found.items[5].family == IP_V6 && found.items[5].fwmark == MARK + 1);
	netlink_rules_free(&found);
	REQUIRE(link_rules_pass_no_more(&box.n, MARK) == 0);
	REQUIRE(link_rules_pass_no_more(&box.n, MARK + 1) == 0);
	REQUIRE(rules_are((uint32_t[]){0, MARK + 1, 0, MARK}, 4));
	return true;
}

TEST(link_rules_let_another_mark_pass)
{
	netbox_run(passing);
}
